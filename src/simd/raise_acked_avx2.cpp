#include "simd/raise_acked_avx2.h"

#include <immintrin.h>

namespace serried::simd {

void raise_acked_avx2(std::uint16_t* acked, const std::uint8_t* status, const std::uint64_t rows[2], std::uint16_t tick,
                      std::uint64_t others[2]) noexcept {
  const __m256i now = _mm256_set1_epi16(static_cast<short>(tick)), zero = _mm256_setzero_si256();
  const __m256i bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
                                        static_cast<short>(0x8000));
  others[0] = others[1] = 0;
  for (unsigned row = 0; row < raise_acked_rows; row += 16) {
    const auto some = static_cast<std::uint16_t>(rows[row / 64] >> row % 64);
    const __m256i named = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16(static_cast<short>(some)), bit), bit);
    const __m256i state = _mm256_and_si256(
        _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(status + row))), _mm256_set1_epi16(3));
    const __m256i live = _mm256_cmpeq_epi16(state, _mm256_set1_epi16(2));
    auto* const at = reinterpret_cast<__m256i*>(acked + row);
    const __m256i known = _mm256_loadu_si256(at);
    const __m256i newer = _mm256_cmpgt_epi16(_mm256_sub_epi16(now, known), zero);
    _mm256_storeu_si256(at, _mm256_blendv_epi8(known, now, _mm256_and_si256(_mm256_and_si256(named, live), newer)));
    const __m128i other = _mm_packs_epi16(_mm256_castsi256_si128(_mm256_andnot_si256(live, named)),
                                          _mm256_extracti128_si256(_mm256_andnot_si256(live, named), 1));
    others[row / 64] |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(other))) << row % 64;
  }
}

}  // namespace serried::simd
