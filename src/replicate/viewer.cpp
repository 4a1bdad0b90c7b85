#include "replicate/viewer.h"

#include <algorithm>
#include <cstring>

namespace serried::replicate {
namespace {

/// Take the row out of all plans in flight: their acks say nothing of its new state.
void forget(Viewer& viewer, unsigned row) noexcept {
  for (Plan& plan : viewer.plans) plan.rows.clear(row);
}

std::uint8_t status_of(RowState state, std::uint8_t generation, std::uint8_t bits) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(state) | unsigned{generation} << status::generation_shift |
                                   bits);
}

void empty(Viewer& viewer, unsigned row) noexcept {
  forget(viewer, row);
  viewer.slot[row] = world::no_slot;
  viewer.status[row] = 0;
  viewer.weight[row] = 0;
}

}  // namespace

void begin(Viewer& viewer, std::uint16_t slot, std::uint8_t generation, unsigned round_trip_ticks,
           std::uint32_t tick) noexcept {
  viewer.next_plan = 1;
  viewer.round_trip_x8 = static_cast<std::uint16_t>(std::min(round_trip_ticks, 600U) * 8);
  viewer.resend_ticks = static_cast<std::uint16_t>(std::clamp(round_trip_ticks * 3 / 2 + 6, 15U, 300U));
  viewer.row_turn = 1;
  viewer.audit_turn = 0;
  viewer.applied_told = 0;
  viewer.threshold = 0;
  viewer.told_tick = tick;
  viewer.audit_tick = tick;
  viewer.far_turn_tick = tick;
  viewer.far_turn_ticks = 0;
  viewer.far_turn_records = viewer.far_told = 0;
  viewer.far_begun = viewer.far_resting = viewer.far_waited = false;
  viewer.rescan_window = {};
  viewer.rescan_tick = tick;
  viewer.rescan_pause = 0;
  viewer.lost_runs = 0;
  viewer.slot.fill(world::no_slot);
  viewer.acked.fill(0);
  viewer.sent.fill(0);
  viewer.weight.fill(0);
  viewer.status.fill(0);
  viewer.plans.fill(Plan{});

  viewer.own_slot = slot;
  viewer.slot[0] = slot;
  viewer.weight[0] = 255;
  viewer.status[0] = status_of(RowState::creating, generation, status::unsent | status::near);
  viewer.rows_high = 1;
}

int row_of(const Viewer& viewer, std::uint16_t slot) noexcept {
  // Thirty-two rows at a time, then the one: vectors by the compiler's own extension, on any instruction set.
  using Eight [[gnu::vector_size(16)]] = std::uint16_t;
  for (unsigned row = 0; row < tracked_rows; row += 32) {
    std::array<Eight, 4> rows;
    std::memcpy(rows.data(), &viewer.slot[row], sizeof rows);
    const auto hits = (rows[0] == slot) | (rows[1] == slot) | (rows[2] == slot) | (rows[3] == slot);
    std::array<std::uint64_t, 2> any;
    std::memcpy(any.data(), &hits, sizeof any);
    if ((any[0] | any[1]) == 0) continue;
    while (viewer.slot[row] != slot) ++row;
    return static_cast<int>(row);
  }
  return -1;
}

bool track(Viewer& viewer, std::uint16_t slot, std::uint8_t generation, std::uint8_t weight) noexcept {
  const int row = row_of(viewer, world::no_slot);
  if (row < 0) return false;
  const auto at = static_cast<unsigned>(row);
  viewer.slot[at] = slot;
  viewer.weight[at] = weight;
  viewer.status[at] = status_of(RowState::creating, generation, status::unsent);
  viewer.rows_high = static_cast<std::uint16_t>(std::max(unsigned{viewer.rows_high}, at + 1));
  return true;
}

void untrack(Viewer& viewer, unsigned row, bool left_world) noexcept {
  if (!viewer.has(row, status::ever_sent)) {
    empty(viewer, row);
    return;
  }
  forget(viewer, row);
  viewer.status[row] =
      status_of(RowState::removing, viewer.generation(row),
                static_cast<std::uint8_t>(status::unsent | status::ever_sent | (left_world ? status::left_world : 0)));
}

void recreate(Viewer& viewer, unsigned row) noexcept {
  forget(viewer, row);
  const auto kept = static_cast<std::uint8_t>(viewer.status[row] & (status::near | status::ever_sent));
  viewer.status[row] =
      status_of(RowState::creating, viewer.generation(row), static_cast<std::uint8_t>(kept | status::unsent));
}

}  // namespace serried::replicate
