#include "replicate/plan.h"

namespace serried::replicate {
namespace {

std::uint16_t age(std::uint32_t now, std::uint16_t then) noexcept { return static_cast<std::uint16_t>(now - then); }

bool newer(std::uint16_t a, std::uint16_t b) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(a - b)) > 0;
}

// Above any age times weight.
constexpr std::uint32_t urgent_priority = 1U << 24;

/// How long a row waits, by why it waits; a table, because in a crowd no branch predictor knows who moves.
struct Waits {
  std::array<std::uint16_t, 4> with_news;  ///< by is_moving, is_near << 1
  std::uint16_t unanswered, refresh;
};

Waits waits_of(const Viewer& viewer, const Config& config) noexcept {
  const auto resting = static_cast<std::uint16_t>(config.resting_interval_ticks);
  const auto distant = static_cast<std::uint16_t>(config.distant_interval_ticks);
  return {{resting, distant, resting, 1}, viewer.resend_ticks, static_cast<std::uint16_t>(config.refresh_ticks)};
}

/// 0: not due. Urgent news wait for nothing, other news for the interval of the row's rate, news that were told but not
/// acknowledged for the resend time, and no news for the refresh.
std::uint32_t priority_of(const Viewer& viewer, const Waits& waits, std::uint32_t tick, const world::Brief& brief,
                          unsigned row) noexcept {
  const std::uint16_t untold_for = age(tick, viewer.sent[row]);
  const bool news = newer(brief.change, viewer.sent[row]);
  const bool urgent = news & newer(brief.urgent, viewer.sent[row]);
  const unsigned rate = (brief.bits & world::Brief::is_moving) | (viewer.has(row, status::near) ? 2U : 0U);
  const std::uint16_t known = newer(brief.change, viewer.acked[row]) ? waits.unanswered : waits.refresh;
  const std::uint16_t wait = news ? waits.with_news[rate] : known;
  const std::uint32_t weighted = (std::uint32_t{untold_for} + 1) * viewer.weight[row] + (urgent ? urgent_priority : 0);
  return urgent | (untold_for >= wait) ? weighted : 0;
}
static_assert(world::Brief::is_moving == 1);

/// A row that is not plainly live, or whose entity is not plainly there. Returns whether it is live after all.
bool settle(Viewer& viewer, const Scene& scene, unsigned row, const world::Brief& brief, Review& review) noexcept {
  RowState state = viewer.state(row);
  if (state == RowState::empty) return false;
  if (state != RowState::removing) {
    const bool same = brief.identity == (viewer.generation(row) | world::Brief::is_living);
    const bool hidden = row != 0 && (brief.bits & world::Brief::is_hidden) != 0 &&
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
  if (viewer.has(row, status::unsent) || age(scene.tick, viewer.sent[row]) >= viewer.resend_ticks) {
    if (state == RowState::creating) {
      review.creates[review.create_count++] = static_cast<std::uint8_t>(row);
    } else {
      review.removals[review.removal_count++] = static_cast<std::uint8_t>(row);
    }
  }
  return false;
}

}  // namespace

void review(Viewer& viewer, const Scene& scene, Review& review) noexcept {
  constexpr auto live = static_cast<std::uint8_t>(RowState::live);
  const world::Brief* briefs = scene.published->brief.data();
  const world::Near* nears = scene.published->near.data();
  Waits waits = waits_of(viewer, *scene.config);
  const std::uint16_t resting = waits.with_news[0];
  review.create_count = review.removal_count = 0;

  // What a client predicts, its own entity, it must be able to reconcile at every tick.
  waits.with_news[0] = waits.with_news[2] = 1;
  const world::Brief& own = briefs[viewer.own_slot];
  review.own_due = settle(viewer, scene, 0, own, review) && priority_of(viewer, waits, scene.tick, own, 0) != 0;
  waits.with_news[0] = waits.with_news[2] = resting;

  unsigned due = 0;
  for (unsigned row = 1; row < viewer.rows_high; ++row) {
    const std::uint8_t row_status = viewer.status[row];
    const std::uint16_t slot = viewer.slot[row] == world::no_slot ? viewer.own_slot : viewer.slot[row];
    const world::Brief& brief = briefs[slot];
    const unsigned same = (row_status >> status::generation_shift & 3U) | world::Brief::is_living;
    const bool plain = (row_status & status::state_mask) == live && brief.identity == same &&
                       (brief.bits & world::Brief::is_hidden) == 0 &&
                       age(scene.tick, viewer.acked[row]) <= world::change_age_max;
    if (!plain) [[unlikely]] {
      if (!settle(viewer, scene, row, brief, review)) continue;
    }
    __builtin_prefetch(&nears[slot]);
    const std::uint32_t priority = priority_of(viewer, waits, scene.tick, brief, row);
    review.due[due] = static_cast<std::uint8_t>(row);
    review.priority[due] = priority;
    due += priority != 0 ? 1 : 0;
  }
  review.due_count = due;
}

bool wanted(const Viewer& viewer, const Scene& scene, const Review& review, std::uint16_t applied_input) noexcept {
  if (applied_input != viewer.applied_told || review.own_due) return true;
  if ((review.due_count | review.create_count | review.removal_count) != 0) return true;
  if (scene.tick - viewer.told_tick >= scene.config->quiet_ticks) return true;
  return !viewer.far_resting || scene.tick - viewer.far_turn_tick >= scene.config->far_cycle_ticks ||
         viewer.lost_runs != 0;
}

}  // namespace serried::replicate
