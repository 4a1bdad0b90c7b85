#pragma once
/// kernel/aead.h with AVX2: eight blocks of ChaCha20, four messages of Poly1305.

#include "kernel/aead.h"

namespace serried::kernel {

[[nodiscard]] std::uint64_t aead_open_avx2(const AeadBurst& burst) noexcept;
void aead_seal_avx2(const AeadBurst& burst) noexcept;

}  // namespace serried::kernel
