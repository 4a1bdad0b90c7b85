/// SHA-256 by instruction: two rounds each, and the message schedule four words at a time.
///
///     registers      w0           w1           w2           w3
///     words          W[4g-16..]   W[4g-12..]   W[4g-8..]    W[4g-4..]     and W[4g..] takes the place of w0
///
/// Source  Intel SDM, SHA256RNDS2, SHA256MSG1, SHA256MSG2

#include "simd/sha256_ni.h"

#include <immintrin.h>

#include "simd/sha256_constants.h"

namespace serried::simd {

void sha256_blocks_ni(std::uint32_t* state, const std::uint8_t* blocks, std::size_t count) noexcept {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  auto* const words = reinterpret_cast<__m128i*>(state);
  // The instructions want the state as f e b a and h g d c, lowest word first.
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xB1);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1B);
  __m128i feba = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i hgdc = _mm_blend_epi16(hgfe, badc, 0xF0);

  for (; count != 0; --count, blocks += 64) {
    const __m128i feba_before = feba, hgdc_before = hgdc;
    __m128i w[4];
#pragma GCC unroll 16
    for (unsigned group = 0; group < 16; ++group) {
      __m128i& w0 = w[group % 4];
      if (group < 4) {
        w0 = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks) + group), big_endian);
      } else {
        const __m128i w1 = w[(group + 1) % 4], w2 = w[(group + 2) % 4], w3 = w[(group + 3) % 4];
        const __m128i older = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
        w0 = _mm_sha256msg2_epu32(older, w3);
      }
      const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(sha256_k) + group);
      const __m128i sum = _mm_add_epi32(w0, k);
      hgdc = _mm_sha256rnds2_epu32(hgdc, feba, sum);
      feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32(sum, 0x0E));
    }
    feba = _mm_add_epi32(feba, feba_before);
    hgdc = _mm_add_epi32(hgdc, hgdc_before);
  }

  const __m128i abef = _mm_shuffle_epi32(feba, 0x1B), dchg = _mm_shuffle_epi32(hgdc, 0xB1);
  _mm_storeu_si128(words, _mm_blend_epi16(abef, dchg, 0xF0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, abef, 8));
}

}  // namespace serried::simd
