#pragma once
/// What the shard knows of what one client knows: the tracked set, and the plans whose datagrams are on their way.
///
///     row of the tracked set
///
///                 create acked                       out of range, evicted, hidden, gone
///       creating ---------------> live ------------------------------> removing ----> empty
///          |                        ^                                     |  removal acked
///          |  never sent: empty     |  create acked                       |
///          +-------> removing       +-------- creating <------------------+  in range again
///
/// In each state only plans of that state may be acked for the row: a change of state takes the row's bit out
/// of all plans in flight first (`forget`). A record is cumulative: it carries every field that changed after the acked
/// tick. So a client that ignores records in datagrams older than the last one applied to that entity, as the protocol
/// says, still knows at least what we believe it to know, whatever is lost, doubled or comes late:
///
///     row is live, acked = t   =>   the client holds each field as it was at t, or newer
///
/// Ticks are kept as their low 16 bits and compared as serial numbers; a row whose acked tick grows old beyond that is
/// created anew.
/// Owner   one shard lane

#include <array>
#include <bit>
#include <cstdint>

#include "interest/select.h"
#include "replicate/config.h"
#include "world/entity.h"

namespace serried::replicate {

enum class RowState : std::uint8_t { empty, creating, live, removing };

/// Bits of Viewer::status.
namespace status {
inline constexpr std::uint8_t state_mask = 0x03;
inline constexpr std::uint8_t generation_shift = 2;  ///< bits 2 and 3
inline constexpr std::uint8_t left_world = 0x10;     ///< removing: the entity is gone, not only out of sight
inline constexpr std::uint8_t unsent = 0x20;         ///< creating, removing: must be said (again) now
inline constexpr std::uint8_t near = 0x40;           ///< closer than near_distance at the last rescan
inline constexpr std::uint8_t ever_sent = 0x80;      ///< some create of this row went out: the client may know it
}  // namespace status

/// A set of rows of the tracked set.
struct RowMask {
  std::array<std::uint64_t, 2> words{};
  void set(unsigned row) noexcept { words[row / 64] |= std::uint64_t{1} << row % 64; }
  void clear(unsigned row) noexcept { words[row / 64] &= ~(std::uint64_t{1} << row % 64); }
  [[nodiscard]] bool test(unsigned row) const noexcept { return (words[row / 64] >> row % 64 & 1) != 0; }
  [[nodiscard]] bool none() const noexcept { return (words[0] | words[1]) == 0; }
  [[nodiscard]] unsigned count() const noexcept {
    return static_cast<unsigned>(std::popcount(words[0]) + std::popcount(words[1]));
  }
  /// The lowest row; 128 when there is none.
  [[nodiscard]] unsigned first() const noexcept {
    const int low = std::countr_zero(words[0]);
    return static_cast<unsigned>(low < 64 ? low : 64 + std::countr_zero(words[1]));
  }
  /// The rows before `row`.
  [[nodiscard]] static RowMask below(unsigned row) noexcept {
    const auto bits = [](unsigned count) { return count < 64 ? (std::uint64_t{1} << count) - 1 : ~std::uint64_t{0}; };
    return {{bits(row), row < 64 ? 0 : bits(row - 64)}};
  }
  [[nodiscard]] RowMask operator&(const RowMask& other) const noexcept {
    return {{words[0] & other.words[0], words[1] & other.words[1]}};
  }
  [[nodiscard]] RowMask operator|(const RowMask& other) const noexcept {
    return {{words[0] | other.words[0], words[1] | other.words[1]}};
  }
  [[nodiscard]] RowMask operator~() const noexcept { return {{~words[0], ~words[1]}}; }
  template <class Each>
  void for_each(Each&& each) const noexcept {
    for (unsigned word = 0; word < 2; ++word)
      for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1)
        each(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
  }
};

/// A point in the order of far records, which is the same for all viewers and at all times: cell by number, class,
/// slot. Whatever comes, goes or moves, viewers too, it parts the same entities.
struct FarPoint {
  std::uint16_t cell = 0, type_class = 0, slot = 0;
  [[nodiscard]] auto operator<=>(const FarPoint&) const noexcept = default;
};

/// A run of far records: what is in view from one point to before another, round the end of the order if that is not
/// behind the first. `nothing` as a class: no run.
struct FarRun {
  static constexpr std::uint16_t nothing = 0xFFFF;
  FarPoint from{0, nothing, 0}, until{};
  [[nodiscard]] bool any() const noexcept { return from.type_class != nothing; }
};

/// What one datagram carried. 32 bytes.
struct Plan {
  RowMask rows;
  FarRun far;
  std::uint16_t id = 0;  ///< 0: free
  std::uint16_t tick = 0;
};
static_assert(sizeof(Plan) == 32);

struct alignas(64) Viewer {
  // Whose it is. By the lane.
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint16_t io_lane = 0;
  std::uint16_t own_slot = world::no_slot;
  bool active = false;  ///< has an entity in the world and is planned for
  bool wants_audit = false;
  std::uint32_t handed = 0;      ///< bytes of datagrams handed over since the join, modulo 2^32
  std::uint32_t send_limit = 0;  ///< what that sum may rise to

  // What to do next.
  std::uint16_t next_plan = 1;
  std::uint16_t resend_ticks = 30;  ///< unanswered after this: say it again
  std::uint16_t round_trip_x8 = 0;  ///< ticks from plan to ack, smoothed, times 8; 0: no sample
  std::uint16_t rows_high = 0;      ///< rows at and beyond are empty
  std::uint16_t row_turn = 0;       ///< where the next datagram begins, so that no row is always last
  std::uint16_t audit_turn = 0;
  std::uint16_t applied_told = 0;  ///< last input sequence echoed
  std::uint32_t threshold = 0;     ///< records of lower priority wait for room; damped
  std::uint32_t told_tick = 0;     ///< tick of the last datagram
  std::uint32_t audit_tick = 0;
  std::uint32_t far_turn_tick = 0;     ///< when the present turn over the far cells began
  std::uint32_t far_turn_ticks = 0;    ///< how long the last complete one took
  std::uint32_t far_turn_records = 0;  ///< told in it
  std::uint32_t far_told = 0;          ///< told in the present one
  std::uint32_t far_seen = 0;          ///< crossings before this number have been looked at
  std::uint32_t far_offset = 0;  ///< places from the first of the cell to far_at, as they were: where to look first
  FarPoint far_at{};             ///< the turn has passed what is before this point
  std::uint16_t far_origin = 0;  ///< the cell where turns begin and end: the viewer's first
  bool far_begun = false;        ///< far_origin is known
  bool far_wrapped = false;      ///< the turn has gone round the last cell
  bool far_resting = false;      ///< the turn is complete, the next has not begun
  bool far_waited = false;       ///< the turn stood still in the last datagram, for what crossed
  std::uint8_t lost_runs = 0;
  interest::Window rescan_window{};
  std::uint32_t rescan_tick = 0;   ///< of the next rescan
  std::uint16_t rescan_pause = 0;  ///< ticks since the one before

  // The tracked set. Row 0 is the viewer's own entity. Each column begins at a line of the cache: that is how they are
  // fetched.
  alignas(64) std::array<std::uint16_t, tracked_rows> slot;
  std::array<std::uint16_t, tracked_rows> acked;
  std::array<std::uint16_t, tracked_rows> sent;
  std::array<std::uint8_t, tracked_rows> weight;
  std::array<std::uint8_t, tracked_rows> status;

  std::array<Plan, plans_in_flight> plans;
  std::array<FarRun, 4> lost_run{};  ///< the first `lost_runs`

  [[nodiscard]] RowState state(unsigned row) const noexcept {
    return static_cast<RowState>(status[row] & status::state_mask);
  }
  [[nodiscard]] std::uint8_t generation(unsigned row) const noexcept {
    return status[row] >> status::generation_shift & 3;
  }
  [[nodiscard]] bool has(unsigned row, std::uint8_t bit) const noexcept { return (status[row] & bit) != 0; }
  /// Bytes that may still be handed over, as serial numbers; below 0 when the limit was lowered.
  [[nodiscard]] std::int32_t send_room() const noexcept { return static_cast<std::int32_t>(send_limit - handed); }
};

/// Make `viewer` new for a client whose entity is at (slot, generation). `round_trip_ticks`: 0 when unknown.
void begin(Viewer& viewer, std::uint16_t slot, std::uint8_t generation, unsigned round_trip_ticks,
           std::uint32_t tick) noexcept;

/// The row that holds `slot`, in whatever state; -1 when none does.
[[nodiscard]] int row_of(const Viewer& viewer, std::uint16_t slot) noexcept;

/// Track an entity. False when no row is free.
bool track(Viewer& viewer, std::uint16_t slot, std::uint8_t generation, std::uint8_t weight) noexcept;
/// Stop tracking: by a removal that is repeated until acked, or at once when the client cannot know of the entity.
void untrack(Viewer& viewer, unsigned row, bool left_world) noexcept;
/// Say everything about the row's entity anew (in sight again, or its acked tick too old to compare with).
void recreate(Viewer& viewer, unsigned row) noexcept;

}  // namespace serried::replicate
