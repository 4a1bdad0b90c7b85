#include <algorithm>
#include <cstddef>

#include "replicate/plan.h"
#include "simd/find_due.h"

namespace serried::replicate {
namespace {

using world::ChangeSummary;

// What simd/find_due.h knows of rows and summaries, said twice so that it need not include them.
static_assert(tracked_rows == simd::due_rows && sizeof(ChangeSummary) == simd::summary_bytes);
static_assert(offsetof(ChangeSummary, change) == 0 && offsetof(ChangeSummary, urgent) == 2 &&
              offsetof(ChangeSummary, identity) == 4);
static_assert(offsetof(ChangeSummary, bits) == 5 && ChangeSummary::is_living == 4 && ChangeSummary::is_moving == 1 &&
              ChangeSummary::is_hidden == 2);
static_assert(status::state_mask == 3 && status::generation_shift == 2 && status::near == 0x40);
static_assert(static_cast<int>(RowState::empty) == 0 && static_cast<int>(RowState::live) == 2);

std::uint16_t age(std::uint32_t now, std::uint16_t then) noexcept { return static_cast<std::uint16_t>(now - then); }

simd::DueRules rules_of(const Viewer& viewer, const ReplicationContext& context) noexcept {
  const Config& config = *context.config;
  return {.tick = static_cast<std::uint16_t>(context.tick),
          .age_max = world::change_age_max,
          .resting = static_cast<std::uint16_t>(config.resting_interval_ticks),
          .distant = static_cast<std::uint16_t>(config.distant_interval_ticks),
          .near = 1,
          .unanswered = viewer.resend_ticks,
          .refresh = static_cast<std::uint16_t>(config.refresh_ticks),
          .threshold = std::min(viewer.threshold, simd::due_priority_max + 1)};
}

/// A row that is not plainly live, or whose entity is not plainly there. Returns whether it is live after all.
bool resolve_row(Viewer& viewer, const ReplicationContext& context, unsigned row, DueSet& due_set) noexcept {
  const ChangeSummary& summary = context.published->summary[viewer.slot[row]];
  RowState state = viewer.state(row);
  if (state == RowState::empty) return false;
  if (state != RowState::removing) {
    const bool same = summary.identity == (viewer.generation(row) | ChangeSummary::is_living);
    const bool hidden = row != 0 && (summary.bits & ChangeSummary::is_hidden) != 0 &&
                        is_foe(*context.published, viewer.slot[row], viewer.own_slot);
    if (!same || hidden) {
      untrack(viewer, row, !same);
    } else if (state == RowState::live && age(context.tick, viewer.acked[row]) > world::change_age_max) {
      recreate(viewer, row);  // too old to compare with
    }
    state = viewer.state(row);
    if (state == RowState::live) return true;
    if (state == RowState::empty) return false;
  }
  if (viewer.has(row, status::unsent) || age(context.tick, viewer.sent[row]) >= viewer.resend_ticks)
    (state == RowState::creating ? due_set.creates : due_set.removals).set(row);
  return false;
}

}  // namespace

void find_due_rows(Viewer& viewer, const ReplicationContext& context, DueSet& due_set) noexcept {
  const auto* summaries = reinterpret_cast<const std::uint8_t*>(context.published->summary.data());
  const simd::DueRows rows{viewer.slot.data(), viewer.acked.data(), viewer.sent.data(), viewer.weight.data(),
                           viewer.status.data()};
  const simd::DueRules rules = rules_of(viewer, context);
  simd::DueMasks masks;
  simd::find_due(summaries, rows, viewer.rows_high, rules, masks);
  due_set = {.due = {{masks.due[0], masks.due[1]}}, .heavy = {{masks.heavy[0], masks.heavy[1]}}};
  due_set.due.clear(0);
  due_set.heavy.clear(0);

  // A client predicts its own entity, and must be able to reconcile it at every tick.
  simd::DueRules own = rules;
  own.resting = 1;
  due_set.own_due = resolve_row(viewer, context, 0, due_set) && simd::due_priority(summaries, rows, 0, own) != 0;

  RowMask odd{{masks.odd[0], masks.odd[1]}};
  odd.clear(0);
  odd.for_each([&](unsigned row) {
    if (!resolve_row(viewer, context, row, due_set)) return;
    const std::uint32_t priority = simd::due_priority(summaries, rows, row, rules);
    if (priority != 0) due_set.due.set(row);
    if (priority != 0 && priority >= rules.threshold) due_set.heavy.set(row);
  });
  const world::EncodedRecord* ready = context.published->encoded.data();
  if (due_set.own_due) __builtin_prefetch(&ready[viewer.own_slot]);
  due_set.due.for_each([&](unsigned row) { __builtin_prefetch(&ready[viewer.slot[row]]); });
}

bool wanted(const Viewer& viewer, const ReplicationContext& context, const DueSet& due_set,
            std::uint16_t applied_input) noexcept {
  if (applied_input != viewer.applied_told || due_set.own_due) return true;
  if (!(due_set.due | due_set.creates | due_set.removals).none()) return true;
  if (context.tick - viewer.told_tick >= context.config->quiet_ticks) return true;
  return !viewer.far_resting || context.tick - viewer.far_turn_tick >= context.config->far_cycle_ticks ||
         viewer.lost_runs != 0;
}

}  // namespace serried::replicate
