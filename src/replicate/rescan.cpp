#include "replicate/rescan.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "interest/select.h"
#include "simd/weigh_rows.h"

namespace serried::replicate {
namespace {

// A newcomer must be this much nearer (0.8 of the distance) than the one it displaces, so that two do not take turns.
constexpr float exchange_factor2 = 0.64F;
constexpr float unlimited = 3e38F;

// What simd/weigh_rows.h knows of rows and places.
static_assert(tracked_rows == simd::weigh_rows_max && sizeof(world::Place) == simd::place_bytes);
static_assert(offsetof(world::Place, x) == 0 && offsetof(world::Place, leave2) == 12);
static_assert(status::state_mask == 3 && status::near == 0x40);
static_assert(static_cast<int>(RowState::creating) == 1 && static_cast<int>(RowState::live) == 2);

bool hidden_from(const world::Published& published, std::uint16_t slot, std::uint16_t viewer_slot) noexcept {
  return (published.summary[slot].bits & world::ChangeSummary::is_hidden) != 0 && is_foe(published, slot, viewer_slot);
}

float near2_of(const ReplicationContext& context) noexcept {
  return context.config->near_distance * context.config->near_distance;
}

/// In view, known to be alive, and not hidden.
bool eligible(const Viewer& viewer, const ReplicationContext& context, const interest::Candidate& candidate) noexcept {
  const world::ChangeSummary& summary = context.published->summary[candidate.slot];
  const float radius = context.world->radius[static_cast<std::size_t>(summary.type)] * context.world->enter_share;
  return candidate.distance2 <= radius * radius && (summary.identity & world::ChangeSummary::is_living) != 0 &&
         !hidden_from(*context.published, candidate.slot, viewer.own_slot);
}

/// Untrack the row's entity: out of range, displaced by a nearer one, or dead.
void let_go(Viewer& viewer, const ReplicationContext& context, unsigned row) noexcept {
  const world::ChangeSummary& summary = context.published->summary[viewer.slot[row]];
  untrack(viewer, row, summary.identity != (viewer.generation(row) | world::ChangeSummary::is_living));
}

/// A row whose removal is on its way, but whose entity is back in view: the client gets it anew. (Another entity in the
/// same slot waits until the removal is acked.)
bool comes_back(Viewer& viewer, const ReplicationContext& context, unsigned row,
                const interest::Candidate& candidate) noexcept {
  if (viewer.state(row) != RowState::removing || !eligible(viewer, context, candidate)) return false;
  if (viewer.generation(row) != (context.published->summary[candidate.slot].identity & 3)) return false;
  recreate(viewer, row);
  viewer.weight[row] = simd::weight_at(candidate.distance2, near2_of(context));
  return true;
}

/// Whether one look went round the whole neighbourhood: the window is where it was.
bool saw_all(const interest::Window& after, const interest::Window& before,
             const ReplicationContext& context) noexcept {
  const unsigned reach = context.grid->neighbours_in_use(context.shard);
  if (reach == 0) return true;
  return after.offset == before.offset && after.neighbour % reach == before.neighbour % reach &&
         reach <= context.config->rescan_cells;
}

void look_again(Viewer& viewer, const ReplicationContext& context, bool quiet) noexcept {
  const Config& config = *context.config;
  const unsigned pause = quiet ? std::min(2U * viewer.rescan_pause, config.rescan_ticks_max) : config.rescan_ticks;
  // Viewers that joined in one tick rescan in the same tick once, and in different ticks from then on.
  const unsigned apart = viewer.rescan_pause == 0 ? viewer.own_slot % config.rescan_ticks : 0;
  viewer.rescan_pause = static_cast<std::uint16_t>(std::max(pause, config.rescan_ticks));
  viewer.rescan_tick = context.tick + viewer.rescan_pause + apart;
}

}  // namespace

void rescan(Viewer& viewer, const ReplicationContext& context) noexcept {
  const Config& config = *context.config;
  const world::Place& eye = context.published->place[viewer.own_slot];
  const float near2 = near2_of(context);
  simd::WeighedRows weighed;
  const auto* places = reinterpret_cast<const std::uint8_t*>(context.published->place.data());
  simd::weigh_rows(places, {viewer.slot.data(), viewer.weight.data(), viewer.status.data()}, viewer.rows_high,
                   {eye.x, eye.y, eye.z, near2}, weighed);
  const RowMask gone{weighed.gone};
  bool changed = !gone.none();
  gone.for_each([&](unsigned row) { let_go(viewer, context, row); });
  while (viewer.rows_high > 1 && viewer.state(viewer.rows_high - 1U) == RowState::empty) --viewer.rows_high;

  unsigned tracked = RowMask{weighed.held}.count();  // creating and live, without the viewer's own
  const bool full = tracked >= config.tracked_max;
  unsigned furthest = full ? weighed.furthest() : 0;
  const float limit2 = full ? weighed.distance2[furthest] * exchange_factor2 : unlimited;

  const interest::Window before = viewer.rescan_window;
  std::array<interest::Candidate, 512> candidates;
  const unsigned found =
      interest::select(*context.grid, context.shard, {eye.x, eye.y, eye.z}, limit2,
                       {config.candidates, config.rescan_cells}, viewer.rescan_window, candidates.data());
  unsigned exchanges = 0;
  const std::span<const interest::Candidate> selected{candidates.data(), found};
  for (const interest::Candidate& candidate : selected) {
    if (tracked >= config.tracked_max && exchanges == config.exchanges_max) break;
    const int known = row_of(viewer, candidate.slot);
    if (known >= 0) {
      if (tracked < config.tracked_max && comes_back(viewer, context, static_cast<unsigned>(known), candidate)) {
        changed = true;
        ++tracked;
      }
      continue;
    }
    if (!eligible(viewer, context, candidate)) continue;
    if (tracked >= config.tracked_max) {
      if (furthest == 0) furthest = weighed.furthest();
      if (furthest == 0 || candidate.distance2 >= weighed.distance2[furthest] * exchange_factor2) continue;
      if (row_of(viewer, world::no_slot) < 0) break;
      let_go(viewer, context, furthest);
      weighed.distance2[furthest] = -1.0F;
      furthest = 0;
      ++exchanges;
      --tracked;
    }
    const std::uint8_t generation = context.published->summary[candidate.slot].identity & 3;
    if (!track(viewer, candidate.slot, generation, simd::weight_at(candidate.distance2, near2))) break;
    changed = true;
    ++tracked;
  }
  look_again(viewer, context, !changed && saw_all(viewer.rescan_window, before, context));
}

}  // namespace serried::replicate
