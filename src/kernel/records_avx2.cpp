/// One record is three stores: slot, mask and section modulo 4 (the last stays only before a position), the position
/// with whatever follows it, and the rest, of which one shuffle closes the gaps. Each store begins where what is named
/// before it ends, so what is not named is overwritten.
///
///     line       12    14         20     21      25
///                | yaw | velocity | anim | flags |      shuffled by 4 bits of the mask into     yaw anim flags
///                velocity

#include "kernel/records_avx2.h"

#include <immintrin.h>

namespace serried::kernel {
namespace {

constexpr unsigned position_bit = 0x01, section_bit = 0x20, fields = 0x3F, generation_shift = 6;

/// By the mask's bits 1 to 4: which bytes of the sixteen from yaw on, and how many.
struct Rest {
  alignas(16) std::uint8_t shuffle[16][16];
  std::uint8_t bytes[16];
};
constexpr Rest rest = [] {
  struct Part {
    std::uint8_t first, count;
  };
  constexpr Part parts[4] = {{0, 2}, {8, 1}, {9, 4}, {2, 6}};  // yaw, anim, flags, velocity
  Rest table{};
  for (unsigned mask = 0; mask < 16; ++mask) {
    std::uint8_t bytes = 0;
    for (unsigned part = 0; part < 4; ++part)
      for (std::uint8_t i = 0; (mask >> part & 1) != 0 && i < parts[part].count; ++i)
        table.shuffle[mask][bytes++] = static_cast<std::uint8_t>(parts[part].first + i);
    table.bytes[mask] = bytes;
  }
  return table;
}();

template <class T>
inline void store(std::uint8_t* to, T value) {
  __builtin_memcpy(to, &value, sizeof value);
}

/// Fields that changed after `acked`.
inline unsigned changed_since(const std::uint8_t* line, std::uint32_t acked) {
  const __m256i version = _mm256_load_si256(reinterpret_cast<const __m256i*>(line + 32));
  const __m256i after = _mm256_set1_epi32(static_cast<int>(acked + 1));
  const __m256i newer = _mm256_cmpeq_epi32(_mm256_max_epu32(version, after), version);
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(newer))) & fields;
}

}  // namespace

std::uint8_t* write_records_avx2(const RecordSource& source, std::uint64_t rows[2], std::uint8_t* at,
                                 const std::uint8_t* end, const std::uint8_t* hard_end) noexcept {
  const std::uint8_t* const last = hard_end - record_room;
  for (unsigned word = 0; word < 2; ++word) {
    for (std::uint64_t bits = rows[word]; bits != 0; bits &= bits - 1) {
      const unsigned row = word * 64 + static_cast<unsigned>(__builtin_ctzll(bits));
      const std::uint32_t slot = source.slot[row];
      const std::uint8_t* const line = source.lines + std::size_t{slot} * record_line_bytes;
      const std::uint32_t acked = source.tick - static_cast<std::uint16_t>(source.tick - source.acked[row]);
      const unsigned mask = changed_since(line, acked);
      const std::size_t position = mask & position_bit;
      const std::size_t rest_bytes = rest.bytes[mask >> 1 & 15];
      if (mask == 0 || (mask & section_bit) != 0 || at > last || at + 3 + position * 7 + rest_bytes > end)
          [[unlikely]] {
        rows[word] = bits;
        return at;
      }
      const std::uint32_t said = mask | static_cast<std::uint32_t>(line[56]) << generation_shift;
      store(at, slot | said << 16 | static_cast<std::uint32_t>(line[59]) << 24);
      at += 3 + position;
      std::uint64_t place;
      __builtin_memcpy(&place, line + 6, sizeof place);
      store(at, place);
      at += 6 * position;
      const __m128i unsorted = _mm_loadu_si128(reinterpret_cast<const __m128i*>(line + 12));
      const __m128i order = _mm_load_si128(reinterpret_cast<const __m128i*>(rest.shuffle[mask >> 1 & 15]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm_shuffle_epi8(unsorted, order));
      at += rest_bytes;
      source.sent[row] = static_cast<std::uint16_t>(source.tick);
    }
    rows[word] = 0;
  }
  return at;
}

}  // namespace serried::kernel
