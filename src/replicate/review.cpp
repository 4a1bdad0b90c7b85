#include "replicate/plan.h"

namespace serried::replicate {
namespace {

std::uint16_t age(std::uint32_t now, std::uint16_t then) noexcept { return static_cast<std::uint16_t>(now - then); }

bool newer(std::uint16_t a, std::uint16_t b) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(a - b)) > 0;
}

// Above any age times weight.
constexpr std::uint32_t urgent_priority = 1U << 24;

/// 0: not due.
std::uint32_t priority_of(const Viewer& viewer, const Scene& scene, const world::Brief& brief, unsigned row) noexcept {
  const std::uint16_t unsent_for = age(scene.tick, viewer.sent[row]);
  const std::uint32_t weighted = (std::uint32_t{unsent_for} + 1) * viewer.weight[row];
  if (newer(brief.change, viewer.sent[row])) {
    if (newer(brief.urgent, viewer.sent[row])) return urgent_priority + weighted;
    const bool moving = (brief.bits & world::Brief::is_moving) != 0;
    // What a client predicts, its own entity, it must be able to reconcile at every tick.
    const unsigned interval = row == 0 || (moving && viewer.has(row, status::near)) ? 1
                              : moving                                              ? scene.config->distant_interval_ticks
                                                                                    : scene.config->resting_interval_ticks;
    return unsent_for >= interval ? weighted : 0;
  }
  if (newer(brief.change, viewer.acked[row])) return unsent_for >= viewer.resend_ticks ? weighted : 0;
  return unsent_for >= scene.config->refresh_ticks ? weighted : 0;
}

}  // namespace

void review(Viewer& viewer, const Scene& scene, Review& review) noexcept {
  review.due_count = review.create_count = review.removal_count = 0;
  review.own_due = false;
  const world::Brief* briefs = scene.published->brief.data();
  for (unsigned row = 0; row < viewer.rows_high; ++row) {
    RowState state = viewer.state(row);
    if (state == RowState::empty) continue;
    const world::Brief& brief = briefs[viewer.slot[row]];
    if (state != RowState::removing) {
      const bool same = brief.identity == (viewer.generation(row) | world::Brief::is_living);
      const bool hidden = row != 0 && (brief.bits & world::Brief::is_hidden) != 0 &&
                          brief.faction != briefs[viewer.own_slot].faction;
      if (!same || hidden) [[unlikely]] {
        untrack(viewer, row, !same);
        state = viewer.state(row);
        if (state == RowState::empty) continue;
      } else if (state == RowState::live && age(scene.tick, viewer.acked[row]) > world::change_age_max) [[unlikely]] {
        recreate(viewer, row);  // too old to compare with
        state = RowState::creating;
      }
    }
    if (state == RowState::live) {
      const std::uint32_t priority = priority_of(viewer, scene, brief, row);
      if (priority == 0) continue;
      if (row == 0) {
        review.own_due = true;
      } else {
        __builtin_prefetch(&scene.published->near[viewer.slot[row]]);
        review.due[review.due_count] = static_cast<std::uint8_t>(row);
        review.priority[review.due_count++] = priority;
      }
    } else if (viewer.has(row, status::unsent) || age(scene.tick, viewer.sent[row]) >= viewer.resend_ticks) {
      if (state == RowState::creating) {
        review.creates[review.create_count++] = static_cast<std::uint8_t>(row);
      } else {
        review.removals[review.removal_count++] = static_cast<std::uint8_t>(row);
      }
    }
  }
}

bool wanted(const Viewer& viewer, const Scene& scene, const Review& review, std::uint16_t applied_input) noexcept {
  if (applied_input != viewer.applied_told || review.own_due) return true;
  if ((review.due_count | review.create_count | review.removal_count) != 0) return true;
  if (scene.tick - viewer.told_tick >= scene.config->quiet_ticks) return true;
  return !viewer.far_resting || scene.tick - viewer.far_turn_tick >= scene.config->far_cycle_ticks || viewer.lost_runs != 0;
}

}  // namespace serried::replicate
