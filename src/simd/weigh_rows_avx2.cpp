/// Eight places are four registers of two each, rows 0 and 4, 1 and 5, 2 and 6, 3 and 7: so a transposition within
/// their halves makes them columns in the order of the rows.

#include "simd/weigh_rows_avx2.h"

#include <immintrin.h>

namespace serried::simd {
namespace {

struct Columns {
  __m256 x, y, z, leave2;
};

inline Columns columns(const std::uint8_t* places, const std::uint16_t* slot) {
  const auto pair = [&](unsigned row) {
    const auto at = [&](unsigned each) {
      return _mm_load_ps(reinterpret_cast<const float*>(places + std::size_t{slot[each]} * place_bytes));
    };
    return _mm256_insertf128_ps(_mm256_castps128_ps256(at(row)), at(row + 4), 1);
  };
  const __m256 p0 = pair(0), p1 = pair(1), p2 = pair(2), p3 = pair(3);
  const __m256d xy01 = _mm256_castps_pd(_mm256_unpacklo_ps(p0, p1)),
                zw01 = _mm256_castps_pd(_mm256_unpackhi_ps(p0, p1));
  const __m256d xy23 = _mm256_castps_pd(_mm256_unpacklo_ps(p2, p3)),
                zw23 = _mm256_castps_pd(_mm256_unpackhi_ps(p2, p3));
  return {_mm256_castpd_ps(_mm256_unpacklo_pd(xy01, xy23)), _mm256_castpd_ps(_mm256_unpackhi_pd(xy01, xy23)),
          _mm256_castpd_ps(_mm256_unpacklo_pd(zw01, zw23)), _mm256_castpd_ps(_mm256_unpackhi_pd(zw01, zw23))};
}

inline __m128i load8(const std::uint8_t* at) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)); }
inline void store8(std::uint8_t* at, __m128i value) { _mm_storel_epi64(reinterpret_cast<__m128i*>(at), value); }

/// Eight numbers below 256 as bytes.
inline __m128i bytes_of(__m256i wide) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  return _mm_packus_epi16(words, words);
}

inline __m256 as_mask(__m256i lanes) { return _mm256_castsi256_ps(lanes); }
inline std::uint64_t bits_of(__m256 lanes) { return static_cast<unsigned>(_mm256_movemask_ps(lanes)); }

}  // namespace

void weigh_rows_avx2(const std::uint8_t* places, const WeighRows& rows, unsigned count, const Eye& eye,
                     WeighedRows& out) noexcept {
  const __m256 eye_x = _mm256_set1_ps(eye.x), eye_y = _mm256_set1_ps(eye.y), eye_z = _mm256_set1_ps(eye.z);
  const __m256 near2 = _mm256_set1_ps(eye.near2), most = _mm256_set1_ps(255.0F * eye.near2);
  const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (unsigned row = 0; row < count; row += 8) {
    const Columns place = columns(places, rows.slot + row);
    const __m256 dx = _mm256_sub_ps(place.x, eye_x), dy = _mm256_sub_ps(place.y, eye_y),
                 dz = _mm256_sub_ps(place.z, eye_z);
    const __m256 distance2 =
        _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy)), _mm256_mul_ps(dz, dz));

    // Rows [1, count) in state 1 or 2: one more has bit 1 set, and no other has.
    const __m128i status = load8(rows.status + row);
    const __m256i wide = _mm256_cvtepu8_epi32(status);
    const __m256i state = _mm256_add_epi32(_mm256_and_si256(wide, _mm256_set1_epi32(3)), _mm256_set1_epi32(1));
    const __m256i asked =
        _mm256_and_si256(_mm256_cmpgt_epi32(number, _mm256_set1_epi32(-static_cast<int>(row))),
                         _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count - row)), number));
    const __m256i looked_at = _mm256_and_si256(
        asked, _mm256_cmpeq_epi32(_mm256_and_si256(state, _mm256_set1_epi32(2)), _mm256_set1_epi32(2)));
    const __m256 held = _mm256_and_ps(as_mask(looked_at), _mm256_cmp_ps(distance2, place.leave2, _CMP_LE_OQ));
    const __m256 near = _mm256_and_ps(held, _mm256_cmp_ps(distance2, near2, _CMP_LT_OQ));

    const __m256 share = _mm256_div_ps(most, _mm256_add_ps(near2, distance2));
    const __m256i weight = _mm256_cvttps_epi32(_mm256_max_ps(_mm256_set1_ps(8.0F), share));
    const __m256i near_bit = _mm256_set1_epi32(0x40);
    const __m256i bits = _mm256_or_si256(_mm256_andnot_si256(_mm256_and_si256(asked, near_bit), wide),
                                         _mm256_and_si256(_mm256_castps_si256(near), near_bit));
    const __m128i held_bytes = _mm_packs_epi16(_mm_packs_epi32(_mm256_castsi256_si128(_mm256_castps_si256(held)),
                                                               _mm256_extracti128_si256(_mm256_castps_si256(held), 1)),
                                               _mm_setzero_si128());
    store8(rows.weight + row, _mm_blendv_epi8(load8(rows.weight + row), bytes_of(weight), held_bytes));
    store8(rows.status + row, bytes_of(bits));
    _mm256_store_ps(out.distance2.data() + row, _mm256_blendv_ps(_mm256_set1_ps(-1.0F), distance2, held));
    out.held[row / 64] |= bits_of(held) << row % 64;
    out.gone[row / 64] |= bits_of(_mm256_andnot_ps(held, as_mask(looked_at))) << row % 64;
  }
}

}  // namespace serried::simd
