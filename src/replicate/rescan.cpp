#include "replicate/rescan.h"

#include <algorithm>

namespace serried::replicate {
namespace {

// A newcomer must be this much nearer (0.8 of the distance) than whom it displaces, so that two do not take turns.
constexpr float exchange_factor2 = 0.64F;
constexpr float unlimited = 3e38F;

/// 255 beside the viewer, half of it at near_distance, never below 8: what is far ages until its turn comes.
std::uint8_t weight_at(float distance2, float near2) noexcept {
  return static_cast<std::uint8_t>(static_cast<int>(std::max(255.0F * near2 / (near2 + distance2), 8.0F)));
}

bool hidden_from(const world::Published& published, std::uint16_t slot, std::uint16_t viewer_slot) noexcept {
  const world::Brief& brief = published.brief[slot];
  return (brief.bits & world::Brief::is_hidden) != 0 && brief.faction != published.brief[viewer_slot].faction;
}

struct Tracked {
  unsigned count = 0;                         ///< creating and live, without the viewer's own
  std::array<float, tracked_rows> distance2;  ///< of those; below 0 for the others

  /// The row furthest away; 0, the viewer's own, when there is none. In two passes, so that both are vectors.
  [[nodiscard]] unsigned furthest() const noexcept {
    float most = 0.0F;
    for (const float value : distance2) most = value > most ? value : most;
    std::uint16_t best = 0;
    for (std::uint16_t row = 1; row < tracked_rows; ++row) best = distance2[row] == most ? row : best;
    return best;
  }
};

/// How far away each tracked entity is; those that are gone, or beyond their radius, are let go of.
void measure(Viewer& viewer, const Scene& scene, const world::Place& eye, Tracked& tracked) noexcept {
  const world::Place* places = scene.published->place.data();
  const world::Brief* briefs = scene.published->brief.data();
  tracked.distance2.fill(-1.0F);
  unsigned high = 1;
  for (unsigned row = 1; row < viewer.rows_high; ++row) {
    const RowState state = viewer.state(row);
    if (state != RowState::empty) high = row + 1;
    if (state != RowState::creating && state != RowState::live) continue;
    const std::uint16_t slot = viewer.slot[row];
    const world::Brief& brief = briefs[slot];
    const bool living = brief.identity == (viewer.generation(row) | world::Brief::is_living);
    const float dx = places[slot].x - eye.x, dy = places[slot].y - eye.y, dz = places[slot].z - eye.z;
    const float distance2 = dx * dx + dy * dy + dz * dz;
    const float leave = scene.world->radius[static_cast<std::size_t>(brief.type)] * scene.world->leave_factor;
    if (!living || distance2 > leave * leave) [[unlikely]] {
      untrack(viewer, row, !living);
      continue;
    }
    tracked.distance2[row] = distance2;
    ++tracked.count;
  }
  viewer.rows_high = static_cast<std::uint16_t>(high);
}

void weigh(Viewer& viewer, const Tracked& tracked, float near2) noexcept {
  for (unsigned row = 1; row < tracked_rows; ++row) {
    const float distance2 = tracked.distance2[row];
    viewer.weight[row] = weight_at(distance2 < 0.0F ? 0.0F : distance2, near2);
    const std::uint8_t bit = distance2 >= 0.0F && distance2 < near2 ? status::near : std::uint8_t{0};
    viewer.status[row] = static_cast<std::uint8_t>((viewer.status[row] & ~status::near) | bit);
  }
}

/// In view, known to be alive, and not hidden.
bool eligible(const Viewer& viewer, const Scene& scene, const interest::Candidate& candidate) noexcept {
  const world::Brief& brief = scene.published->brief[candidate.slot];
  const float radius = scene.world->radius[static_cast<std::size_t>(brief.type)];
  return candidate.distance2 <= radius * radius && (brief.identity & world::Brief::is_living) != 0 &&
         !hidden_from(*scene.published, candidate.slot, viewer.own_slot);
}

}  // namespace

void rescan(Viewer& viewer, const Scene& scene) noexcept {
  const world::Place& eye = scene.published->place[viewer.own_slot];
  const std::array<float, 3> position{eye.x, eye.y, eye.z};
  const float near2 = scene.config->near_distance * scene.config->near_distance;
  Tracked tracked;
  measure(viewer, scene, eye, tracked);
  weigh(viewer, tracked, near2);
  const bool full = tracked.count >= scene.config->tracked_max;
  unsigned furthest = full ? tracked.furthest() : 0;
  const float limit2 = full ? tracked.distance2[furthest] * exchange_factor2 : unlimited;

  std::array<interest::Candidate, 512> candidates;
  const unsigned found =
      interest::select(*scene.grid, scene.shard, position, limit2,
                       {scene.config->candidates, scene.config->rescan_cells}, viewer.rescan_window, candidates.data());
  unsigned exchanges = 0;
  for (unsigned i = 0; i < found; ++i) {
    const interest::Candidate& candidate = candidates[i];
    if (!eligible(viewer, scene, candidate)) continue;
    const std::uint8_t generation = scene.published->brief[candidate.slot].identity & 3;
    const int known = row_of(viewer, candidate.slot);
    if (known >= 0) {
      const auto row = static_cast<unsigned>(known);
      // Its removal is on the way, but it is back in view: the client gets it anew. (A different entity in the same
      // slot waits until the removal is acked.)
      if (viewer.state(row) == RowState::removing && viewer.generation(row) == generation &&
          tracked.count < scene.config->tracked_max) {
        recreate(viewer, row);
        ++tracked.count;
      }
      continue;
    }
    if (tracked.count >= scene.config->tracked_max) {
      if (furthest == 0) furthest = tracked.furthest();
      if (furthest == 0 || candidate.distance2 >= tracked.distance2[furthest] * exchange_factor2) continue;
      if (exchanges == scene.config->exchanges_max || row_of(viewer, world::no_slot) < 0) continue;
      untrack(viewer, furthest, false);
      tracked.distance2[furthest] = -1.0F;
      furthest = 0;
      ++exchanges;
      --tracked.count;
    }
    if (!track(viewer, candidate.slot, generation, weight_at(candidate.distance2, near2))) break;
    ++tracked.count;
  }
}

}  // namespace serried::replicate
