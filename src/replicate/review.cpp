#include <algorithm>
#include <cstddef>

#include "simd/find_due.h"
#include "replicate/plan.h"

namespace serried::replicate {
namespace {

using world::Brief;

// What the kernel knows of rows and briefs, said twice so that it need not include them.
static_assert(tracked_rows == simd::due_rows && sizeof(Brief) == simd::brief_bytes);
static_assert(offsetof(Brief, change) == 0 && offsetof(Brief, urgent) == 2 && offsetof(Brief, identity) == 4);
static_assert(offsetof(Brief, bits) == 5 && Brief::is_living == 4 && Brief::is_moving == 1 && Brief::is_hidden == 2);
static_assert(status::state_mask == 3 && status::generation_shift == 2 && status::near == 0x40);
static_assert(static_cast<int>(RowState::empty) == 0 && static_cast<int>(RowState::live) == 2);

std::uint16_t age(std::uint32_t now, std::uint16_t then) noexcept { return static_cast<std::uint16_t>(now - then); }

simd::DueRules rules_of(const Viewer& viewer, const Scene& scene) noexcept {
  const Config& config = *scene.config;
  return {.tick = static_cast<std::uint16_t>(scene.tick),
          .age_max = world::change_age_max,
          .resting = static_cast<std::uint16_t>(config.resting_interval_ticks),
          .distant = static_cast<std::uint16_t>(config.distant_interval_ticks),
          .near = 1,
          .unanswered = viewer.resend_ticks,
          .refresh = static_cast<std::uint16_t>(config.refresh_ticks),
          .threshold = std::min(viewer.threshold, simd::due_priority_max + 1)};
}

/// A row that is not plainly live, or whose entity is not plainly there. Returns whether it is live after all.
bool settle(Viewer& viewer, const Scene& scene, unsigned row, Review& review) noexcept {
  const Brief& brief = scene.published->brief[viewer.slot[row]];
  RowState state = viewer.state(row);
  if (state == RowState::empty) return false;
  if (state != RowState::removing) {
    const bool same = brief.identity == (viewer.generation(row) | Brief::is_living);
    const bool hidden = row != 0 && (brief.bits & Brief::is_hidden) != 0 &&
                        brief.faction != scene.published->brief[viewer.own_slot].faction;
    if (!same || hidden) {
      untrack(viewer, row, !same);
    } else if (state == RowState::live && age(scene.tick, viewer.acked[row]) > world::change_age_max) {
      recreate(viewer, row);  // too old to compare with
    }
    state = viewer.state(row);
    if (state == RowState::live) return true;
    if (state == RowState::empty) return false;
  }
  if (viewer.has(row, status::unsent) || age(scene.tick, viewer.sent[row]) >= viewer.resend_ticks)
    (state == RowState::creating ? review.creates : review.removals).set(row);
  return false;
}

}  // namespace

void review(Viewer& viewer, const Scene& scene, Review& review) noexcept {
  const auto* briefs = reinterpret_cast<const std::uint8_t*>(scene.published->brief.data());
  const simd::DueRows rows{viewer.slot.data(), viewer.acked.data(), viewer.sent.data(), viewer.weight.data(),
                             viewer.status.data()};
  const simd::DueRules rules = rules_of(viewer, scene);
  simd::DueMasks masks;
  simd::find_due(briefs, rows, viewer.rows_high, rules, masks);
  review = {.due = {{masks.due[0], masks.due[1]}}, .heavy = {{masks.heavy[0], masks.heavy[1]}}};
  review.due.clear(0);
  review.heavy.clear(0);

  // What a client predicts, its own entity, it must be able to reconcile at every tick.
  simd::DueRules own = rules;
  own.resting = 1;
  review.own_due = settle(viewer, scene, 0, review) && simd::due_priority(briefs, rows, 0, own) != 0;

  RowMask odd{{masks.odd[0], masks.odd[1]}};
  odd.clear(0);
  odd.for_each([&](unsigned row) {
    if (!settle(viewer, scene, row, review)) return;
    const std::uint32_t priority = simd::due_priority(briefs, rows, row, rules);
    if (priority != 0) review.due.set(row);
    if (priority != 0 && priority >= rules.threshold) review.heavy.set(row);
  });
  const world::Ready* ready = scene.published->ready.data();
  if (review.own_due) __builtin_prefetch(&ready[viewer.own_slot]);
  review.due.for_each([&](unsigned row) { __builtin_prefetch(&ready[viewer.slot[row]]); });
}

bool wanted(const Viewer& viewer, const Scene& scene, const Review& review, std::uint16_t applied_input) noexcept {
  if (applied_input != viewer.applied_told || review.own_due) return true;
  if (!(review.due | review.creates | review.removals).none()) return true;
  if (scene.tick - viewer.told_tick >= scene.config->quiet_ticks) return true;
  return !viewer.far_resting || scene.tick - viewer.far_turn_tick >= scene.config->far_cycle_ticks ||
         viewer.lost_runs != 0;
}

}  // namespace serried::replicate
