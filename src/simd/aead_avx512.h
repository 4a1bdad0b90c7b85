#pragma once
/// simd/aead.h with AVX-512 and its 52-bit multipliers (IFMA): sixteen blocks of ChaCha20, eight messages of
/// Poly1305.

#include "simd/aead.h"

namespace serried::simd {

[[nodiscard]] std::uint64_t aead_open_avx512(const AeadBurst& burst) noexcept;
void aead_seal_avx512(const AeadBurst& burst) noexcept;

}  // namespace serried::simd
