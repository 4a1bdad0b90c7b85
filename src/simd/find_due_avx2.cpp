/// Sixteen rows at a time, in lanes of 16 bits. The summaries are fetched by pairs of ordinary loads: a gather
/// instruction is slower where it is microcode. Four registers of four summaries each,
///
///     y0  rows 0 1 | 8 9      y1  2 3 | 10 11      y2  4 5 | 12 13      y3  6 7 | 14 15
///
/// become the columns change, urgent, and identity with bits, in the order of the rows.

#include "simd/find_due_avx2.h"

#include <immintrin.h>

namespace serried::simd {
namespace {

inline __m256i four_summaries(const std::uint8_t* summaries, const std::uint16_t* slot) {
  const auto at = [&](unsigned row) {
    return reinterpret_cast<const __m128i*>(summaries + std::size_t{slot[row]} * summary_bytes);
  };
  const auto pair = [&](unsigned row) {
    return _mm_castps_si128(
        _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(at(row))), reinterpret_cast<const __m64*>(at(row + 1))));
  };
  return _mm256_inserti128_si256(_mm256_castsi128_si256(pair(0)), pair(8), 1);
}

struct Columns {
  __m256i change, urgent, who;
};

inline Columns columns(const std::uint8_t* summaries, const std::uint16_t* slot) {
  const __m256i y0 = four_summaries(summaries, slot), y1 = four_summaries(summaries, slot + 2);
  const __m256i y2 = four_summaries(summaries, slot + 4), y3 = four_summaries(summaries, slot + 6);
  const __m256i even01 = _mm256_unpacklo_epi16(y0, y1), odd01 = _mm256_unpackhi_epi16(y0, y1);
  const __m256i even23 = _mm256_unpacklo_epi16(y2, y3), odd23 = _mm256_unpackhi_epi16(y2, y3);
  const __m256i ticks01 = _mm256_unpacklo_epi16(even01, odd01), ticks23 = _mm256_unpacklo_epi16(even23, odd23);
  const __m256i who01 = _mm256_unpackhi_epi16(even01, odd01), who23 = _mm256_unpackhi_epi16(even23, odd23);
  return {_mm256_unpacklo_epi64(ticks01, ticks23), _mm256_unpackhi_epi64(ticks01, ticks23),
          _mm256_unpacklo_epi64(who01, who23)};
}

inline __m256i all(unsigned value) { return _mm256_set1_epi16(static_cast<short>(value)); }
inline __m256i load16(const std::uint16_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
inline __m256i widened(const std::uint8_t* at) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
inline __m256i newer(__m256i a, __m256i b) {
  return _mm256_cmpgt_epi16(_mm256_sub_epi16(a, b), _mm256_setzero_si256());
}
inline __m256i at_least(__m256i a, __m256i b) { return _mm256_cmpeq_epi16(_mm256_max_epu16(a, b), a); }
inline __m256i has_all(__m256i a, unsigned bits) {
  return _mm256_cmpeq_epi16(_mm256_and_si256(a, all(bits)), all(bits));
}
inline __m256i choose(__m256i when, __m256i yes, __m256i no) { return _mm256_blendv_epi8(no, yes, when); }

/// Of two vectors of sixteen masks the bits: the first's in the low half.
inline std::uint32_t bits_of(__m256i low, __m256i high) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xD8);
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

/// Lanes whose priority is below the threshold.
inline __m256i light(__m256i untold_for, __m256i weight, __m256i urgent, __m256i threshold) {
  const __m256i low = _mm256_mullo_epi16(untold_for, weight), high = _mm256_mulhi_epu16(untold_for, weight);
  const __m256i more = _mm256_and_si256(urgent, all(due_urgent >> 16));
  const auto half = [&](__m256i product, __m256i extra) {
    return _mm256_cmpgt_epi32(threshold, _mm256_add_epi32(product, extra));
  };
  return _mm256_packs_epi32(half(_mm256_unpacklo_epi16(low, high), _mm256_unpacklo_epi16(weight, more)),
                            half(_mm256_unpackhi_epi16(low, high), _mm256_unpackhi_epi16(weight, more)));
}

}  // namespace

void find_due_avx2(const std::uint8_t* summaries, const DueRows& rows, unsigned count, const DueRules& rules,
                   DueMasks& out) noexcept {
  const __m256i tick = all(rules.tick), threshold = _mm256_set1_epi32(static_cast<int>(rules.threshold));
  for (unsigned row = 0; row < count; row += 16) {
    const Columns summary = columns(summaries, rows.slot + row);
    const __m256i acked = load16(rows.acked + row), sent = load16(rows.sent + row);
    const __m256i status = widened(rows.status + row), weight = widened(rows.weight + row);

    const __m256i state = _mm256_and_si256(status, all(3));
    const __m256i identity = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(status, 2), all(3)), all(4));
    const __m256i plain = _mm256_and_si256(
        _mm256_and_si256(_mm256_cmpeq_epi16(state, all(2)),
                         // identity in the low byte, and of the bits only `hidden`, which must not be set
                         _mm256_cmpeq_epi16(_mm256_and_si256(summary.who, all(0x02FF)), identity)),
        at_least(all(rules.age_max), _mm256_sub_epi16(tick, acked)));
    const __m256i empty = _mm256_cmpeq_epi16(state, _mm256_setzero_si256());

    const __m256i untold_for = _mm256_sub_epi16(tick, sent);
    const __m256i unsent = newer(summary.change, sent);
    const __m256i urgent = _mm256_and_si256(unsent, newer(summary.urgent, sent));
    const __m256i moving = choose(has_all(status, 0x40), all(rules.near), all(rules.distant));
    const __m256i told = choose(newer(summary.change, acked), all(rules.unanswered), all(rules.refresh));
    const __m256i wait = choose(unsent, choose(has_all(summary.who, 0x0100), moving, all(rules.resting)), told);
    const __m256i due = _mm256_and_si256(plain, _mm256_or_si256(urgent, at_least(untold_for, wait)));

    const std::uint32_t found = bits_of(due, _mm256_andnot_si256(light(untold_for, weight, urgent, threshold), due));
    const std::uint32_t strange = ~bits_of(plain, plain) & ~bits_of(empty, empty) & 0xFFFF;
    const std::uint64_t inside = count - row >= 16 ? 0xFFFF : (1U << (count - row)) - 1;
    out.due[row / 64] |= (found & inside) << row % 64;
    out.heavy[row / 64] |= (found >> 16 & inside) << row % 64;
    out.odd[row / 64] |= (strange & inside) << row % 64;
  }
}

}  // namespace serried::simd
