#pragma once
/// What AeadLanes asks of AVX2. Only for files that are compiled for it.

#include <immintrin.h>

#include "simd/poly1305_lanes.h"
#include "simd/wide256.h"

namespace serried::simd {

/// `Owner` is a type of the including file's unnamed namespace, so that nothing of this is linked for another CPU. Its
/// `publish(mask)` gives the mask back.
template <class Owner>
struct Avx2 : Wide256 {
  using Field = Limbs26<Avx2>;
  static constexpr unsigned powers = 2;

  template <unsigned Bits>
  [[gnu::always_inline]] static U32 rotate(const U32& words) noexcept {
    // By whole bytes it is one instruction instead of three.
    if constexpr (Bits % 8 == 0) {
      alignas(32) static constexpr std::uint8_t places[2][16] = {
          {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13},
          {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14}};
      static_assert(Bits == 16 || Bits == 8);
      const __m128i half = _mm_load_si128(reinterpret_cast<const __m128i*>(places[Bits == 8]));
      return reinterpret_cast<U32>(
          _mm256_shuffle_epi8(reinterpret_cast<__m256i>(words), _mm256_broadcastsi128_si256(half)));
    } else {
      return (words << Bits) | (words >> (32 - Bits));
    }
  }
  [[gnu::always_inline]] static U64 product(const U64& a, const U64& b) noexcept {
    return reinterpret_cast<U64>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
  }
  [[gnu::always_inline]] static void mix(std::uint8_t* at, const std::uint8_t* stream, unsigned bytes) noexcept {
    if (bytes == 64) {
      mix32(at, stream);
      mix32(at + 32, stream + 32);
      return;
    }
    if ((bytes & 32) != 0) {
      mix32(at, stream);
      at += 32;
      stream += 32;
    }
    if ((bytes & 16) != 0) {
      mix16(at, load16(stream));
      at += 16;
      stream += 16;
    }
    if ((bytes & 15) == 0) return;
    // The lower `bytes & 15` of 16.
    alignas(16) static constexpr std::uint8_t edge[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                          0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    mix16(at, _mm_and_si128(load16(stream), load16(edge + 16 - (bytes & 15))));
  }
  static std::uint64_t publish(std::uint64_t mask) noexcept { return Owner::publish(mask); }

 private:
  static __m128i load16(const std::uint8_t* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  }
  static void mix16(std::uint8_t* at, __m128i stream) noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm_xor_si128(load16(at), stream));
  }
  static void mix32(std::uint8_t* at, const std::uint8_t* stream) noexcept {
    auto* const to = reinterpret_cast<__m256i*>(at);
    _mm256_storeu_si256(
        to, _mm256_xor_si256(_mm256_loadu_si256(to), _mm256_load_si256(reinterpret_cast<const __m256i*>(stream))));
  }
};

}  // namespace serried::simd
