#pragma once
/// simd/aead.h with AVX2: eight blocks of ChaCha20, four messages of Poly1305.

#include "simd/aead.h"

namespace serried::simd {

[[nodiscard]] std::uint64_t aead_open_avx2(const AeadBurst& burst) noexcept;
void aead_seal_avx2(const AeadBurst& burst) noexcept;

}  // namespace serried::simd
