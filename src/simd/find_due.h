#pragma once
/// Which rows of a tracked set are due. Asked of 128 rows for every viewer in every tick, and no branch
/// predictor can foresee the answer, so there is no branch in it.
///
///     summary, 8 bytes      0        2        4          5      6      7
///                         | change | urgent | identity | bits | (not looked at) |
///
/// change, urgent: ticks, low 16 bits. identity: generation (bits 0 and 1), lives (bit 2). bits: moving (0), hidden
/// (1).

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace serried::simd {

inline constexpr unsigned due_rows = 128;
inline constexpr unsigned summary_bytes = 8;

/// Columns of a tracked set, due_rows each. A slot is a row of the summaries; those of rows in state 0 too.
struct DueRows {
  const std::uint16_t* slot;
  const std::uint16_t* acked;  ///< ticks, low 16 bits
  const std::uint16_t* sent;   ///< ticks, low 16 bits
  const std::uint8_t* weight;  ///< 1 to 255, unless the row is empty
  const std::uint8_t* status;  ///< state (bits 0 and 1; 0 empty, 2 live), generation (2 and 3), near (6)
};

struct DueRules {
  std::uint16_t tick;
  std::uint16_t age_max;  ///< an acked tick older than this cannot be compared with
  // How long a row waits, in ticks, by why it waits.
  std::uint16_t resting, distant, near;  ///< a change not yet sent: not moving; moving; moving and near
  std::uint16_t unanswered, refresh;     ///< sent, but not acknowledged; no change
  std::uint32_t threshold;               ///< heavy from this priority on; at most due_priority_max + 1
};
/// Priority is (ticks since sent + 1) x weight, and this much more when the unsent change is urgent.
inline constexpr std::uint32_t due_urgent = 1U << 24;
inline constexpr std::uint32_t due_priority_max = due_urgent + 65'536U * 255U;

/// Sets of rows, one bit each.
struct DueMasks {
  std::uint64_t due[2];    ///< plainly live, and not to wait any longer
  std::uint64_t heavy[2];  ///< of those, with a priority of at least the threshold
  std::uint64_t odd[2];    ///< neither empty nor plainly live: another state, another generation, hidden, or too old
};

/// Look at the rows [0, count). An unsent change waits for the interval of the row's rate, an urgent one for nothing. A
/// row whose change was sent but not acknowledged waits for `unanswered`, a row without a change for `refresh`.
/// Shape   summaries: one of every slot in `rows`; count at most due_rows
/// Cost    bench/replicate_bench.cpp
void find_due(const std::uint8_t* summaries, const DueRows& rows, unsigned count, const DueRules& rules,
              DueMasks& out) noexcept;

/// What find_due finds of one row, were it plainly live: its priority, or 0 when it is not due. The definition.
[[nodiscard]] std::uint32_t due_priority(const std::uint8_t* summaries, const DueRows& rows, unsigned row,
                                         const DueRules& rules) noexcept;

}  // namespace serried::simd
