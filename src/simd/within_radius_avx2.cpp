#include "simd/within_radius_avx2.h"

#include <immintrin.h>

namespace serried::simd {
namespace {

/// Lanes [0, count) of eight.
inline __m256i first_lanes(unsigned count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace

void within_radius_avx2(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                        std::uint64_t* out) noexcept {
  const __m256 from_x = _mm256_set1_ps(x), from_y = _mm256_set1_ps(y), from_z = _mm256_set1_ps(z);
  const __m256 limit = _mm256_set1_ps(limit2);
  const auto closer = [&](__m256 at_x, __m256 at_y, __m256 at_z) {
    const __m256 dx = _mm256_sub_ps(at_x, from_x), dy = _mm256_sub_ps(at_y, from_y), dz = _mm256_sub_ps(at_z, from_z);
    const __m256 sum =
        _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy)), _mm256_mul_ps(dz, dz));
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(sum, limit, _CMP_LT_OQ)));
  };
  for (unsigned first = 0; first < count; first += 64) {
    std::uint64_t bits = 0;
    unsigned i = first;
    for (; i + 8 <= count && i < first + 64; i += 8)
      bits |= std::uint64_t{closer(_mm256_loadu_ps(positions.x + i), _mm256_loadu_ps(positions.y + i),
                                   _mm256_loadu_ps(positions.z + i))}
              << (i - first);
    if (i < count && i < first + 64) {
      const __m256i lanes = first_lanes(count - i);
      const unsigned inside = (1U << (count - i)) - 1;
      bits |=
          std::uint64_t{closer(_mm256_maskload_ps(positions.x + i, lanes), _mm256_maskload_ps(positions.y + i, lanes),
                               _mm256_maskload_ps(positions.z + i, lanes)) &
                        inside}
          << (i - first);
    }
    out[first / 64] = bits;
  }
}

}  // namespace serried::simd
