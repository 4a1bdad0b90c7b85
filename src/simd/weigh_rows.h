#pragma once
/// How far away the entities of a tracked set are, and what weight that gives them: 128 rows that lie anywhere.
///
///     place, 16 bytes     0   4   8   12
///                         | x | y | z | leave2 |
///
/// leave2: beyond this squared distance no viewer tracks it; below 0: it is gone.

#include <array>
#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace serried::simd {

inline constexpr unsigned weigh_rows_max = 128;
inline constexpr unsigned place_bytes = 16;

/// Columns of a tracked set, weigh_rows_max each. A slot is a row of the places; those of rows in state 0 too.
struct WeighRows {
  const std::uint16_t* slot;
  std::uint8_t* weight;  ///< of those held: weight_at
  std::uint8_t* status;  ///< state (bits 0 and 1; 1 and 2 are looked at); near (6): closer than the near distance
};

struct Eye {
  float x, y, z;
  float near2;  ///< square of the near distance
};

struct WeighedRows {
  std::array<std::uint64_t, 2> held{};                      ///< rows in state 1 or 2 whose entity is not beyond leave2
  std::array<std::uint64_t, 2> gone{};                      ///< the others of those states
  alignas(32) std::array<float, weigh_rows_max> distance2;  ///< of those held, units squared; -1 for all other rows

  /// The row held that is furthest away, the last of several; 0 when none is.
  [[nodiscard]] unsigned furthest() const noexcept;
};

/// 255 at the eye, half of it at the near distance, never below 8: what is far ages until its turn comes.
[[nodiscard]] inline std::uint8_t weight_at(float distance2, float near2) noexcept {
  const float weight = 255.0F * near2 / (near2 + distance2);
  return static_cast<std::uint8_t>(static_cast<int>(weight < 8.0F ? 8.0F : weight));
}

/// Look at the rows [1, count); row 0 is the eye's own, and not touched. Squares are summed in the order x, y, z and
/// without fused steps, so every instruction set finds the same. Rows that are not held are not near, and keep their
/// weights.
/// Shape   places: aligned to their size, one of every slot in `rows`; count at most weigh_rows_max
/// Cost    bench/replicate_bench.cpp
void weigh_rows(const std::uint8_t* places, const WeighRows& rows, unsigned count, const Eye& eye,
                WeighedRows& out) noexcept;

}  // namespace serried::simd
