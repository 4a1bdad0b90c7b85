#include "replicate/acks.h"

#include <algorithm>

#include "simd/raise_acked.h"

namespace serried::replicate {
namespace {

static_assert(tracked_rows == simd::raise_acked_rows && status::state_mask == 3 &&
              static_cast<int>(RowState::live) == 2);

Plan* plan_of(Viewer& viewer, std::uint16_t id) noexcept {
  Plan& plan = viewer.plans[id % plans_in_flight];
  return id != 0 && plan.id == id ? &plan : nullptr;
}

void take_sample(Viewer& viewer, unsigned ticks) noexcept {
  const unsigned sample = std::min(ticks, 600U) * 8;
  const unsigned smoothed = viewer.round_trip_x8 == 0 ? sample : (viewer.round_trip_x8 * 7U + sample) / 8;
  viewer.round_trip_x8 = static_cast<std::uint16_t>(std::max(smoothed, 1U));
  viewer.resend_ticks = static_cast<std::uint16_t>(std::clamp(smoothed * 3 / 16 + 6, 10U, 300U));
}

/// A row that is not live, by far the rarer.
void change_acked(Viewer& viewer, unsigned row, std::uint16_t tick) noexcept {
  const RowState state = viewer.state(row);
  if (state == RowState::creating) {
    viewer.status[row] = static_cast<std::uint8_t>((viewer.status[row] & ~(status::state_mask | status::unsent)) |
                                                   static_cast<unsigned>(RowState::live));
    viewer.acked[row] = tick;
  } else if (state == RowState::removing) {
    viewer.slot[row] = world::no_slot;
    viewer.status[row] = 0;
    viewer.weight[row] = 0;
    // Later plans may carry the same removal: their acks must not reach the next tenant of the row.
    for (Plan& other : viewer.plans) other.rows.clear(row);
  }
}

}  // namespace

bool on_acked(Viewer& viewer, std::uint16_t id, std::uint32_t tick) noexcept {
  Plan* plan = plan_of(viewer, id);
  if (plan == nullptr) return false;
  plan->id = 0;
  take_sample(viewer, static_cast<std::uint16_t>(tick - plan->tick));
  const std::uint16_t plan_tick = plan->tick;
  RowMask others;
  simd::raise_acked(viewer.acked.data(), viewer.status.data(), plan->rows.words.data(), plan_tick, others.words.data());
  others.for_each([&](unsigned row) { change_acked(viewer, row, plan_tick); });
  return true;
}

void on_lost(Viewer& viewer, std::uint16_t id) noexcept {
  Plan* plan = plan_of(viewer, id);
  if (plan == nullptr) return;
  plan->id = 0;
  plan->rows.for_each([&](unsigned row) {
    if (viewer.sent[row] != plan->tick) return;  // said again since
    if (viewer.state(row) == RowState::live) {
      viewer.sent[row] = viewer.acked[row];
    } else {
      viewer.status[row] |= status::unsent;
    }
  });
  if (plan->far.any() && viewer.lost_runs < viewer.lost_run.size()) viewer.lost_run[viewer.lost_runs++] = plan->far;
}

}  // namespace serried::replicate
