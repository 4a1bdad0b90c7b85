#include "replicate/rescan.h"

#include <algorithm>
#include <bit>

namespace serried::replicate {
namespace {

// A newcomer must be this much nearer (0.8 of the distance) than whom it displaces, so that two do not take turns.
constexpr float exchange_factor2 = 0.64F;
constexpr float unlimited = 3e38F;

/// 255 beside the viewer, half of it at near_distance, never below 8: what is far ages until its turn comes.
std::uint8_t weight_at(float distance2, float near2) noexcept {
  const float weight = 255.0F * near2 / (near2 + distance2);
  return static_cast<std::uint8_t>(static_cast<int>(weight < 8.0F ? 8.0F : weight));
}

bool hidden_from(const world::Published& published, std::uint16_t slot, std::uint16_t viewer_slot) noexcept {
  const world::Brief& brief = published.brief[slot];
  return (brief.bits & world::Brief::is_hidden) != 0 && brief.faction != published.brief[viewer_slot].faction;
}

struct Tracked {
  unsigned count = 0;                         ///< creating and live, without the viewer's own
  bool changed = false;                       ///< somebody was let go of, or taken in
  std::array<float, tracked_rows> distance2;  ///< of those; below 0 for the others

  /// The row furthest away, the last of several; 0, the viewer's own, when there is none. Compared as integers, which
  /// order these floats the same and make the search for the most a vector.
  [[nodiscard]] unsigned furthest() const noexcept {
    const auto bits = std::bit_cast<std::array<std::int32_t, tracked_rows>>(distance2);
    std::int32_t most = 0;
    for (const std::int32_t value : bits) most = value > most ? value : most;
    for (unsigned row = tracked_rows; --row > 0;)
      if (bits[row] == most) return row;
    return 0;
  }
};

/// How far away each tracked entity is; those that are gone, or beyond their radius, are let go of.
void measure(Viewer& viewer, const Scene& scene, const world::Place& eye, Tracked& tracked) noexcept {
  const world::Place* places = scene.published->place.data();
  const world::Brief* briefs = scene.published->brief.data();
  tracked.distance2.fill(-1.0F);
  // All distances first, nothing else between them: their lines come from afar, and so many of them at once.
  std::array<float, tracked_rows> distance2;
  for (unsigned row = 1; row < viewer.rows_high; ++row) {
    const world::Place& place = places[viewer.slot[row]];
    const float dx = place.x - eye.x, dy = place.y - eye.y, dz = place.z - eye.z;
    distance2[row] = dx * dx + dy * dy + dz * dz;
  }
  unsigned high = 1;
  for (unsigned row = 1; row < viewer.rows_high; ++row) {
    const RowState state = viewer.state(row);
    if (state != RowState::empty) high = row + 1;
    if (state != RowState::creating && state != RowState::live) continue;
    const world::Brief& brief = briefs[viewer.slot[row]];
    const bool living = brief.identity == (viewer.generation(row) | world::Brief::is_living);
    const float leave = scene.world->radius[static_cast<std::size_t>(brief.type)] * scene.world->leave_factor;
    if (!living || distance2[row] > leave * leave) [[unlikely]] {
      untrack(viewer, row, !living);
      tracked.changed = true;
      continue;
    }
    tracked.distance2[row] = distance2[row];
    ++tracked.count;
  }
  viewer.rows_high = static_cast<std::uint16_t>(high);
}

/// By steps that the compiler makes vectors of; the viewer's own row keeps what it has.
void weigh(Viewer& viewer, const Tracked& tracked, float near2) noexcept {
  std::array<std::int32_t, tracked_rows> weight, near;
  for (unsigned row = 0; row < tracked_rows; ++row) {
    const float distance2 = tracked.distance2[row];
    weight[row] = weight_at(distance2 < 0.0F ? 0.0F : distance2, near2);
    near[row] = static_cast<std::int32_t>(distance2 >= 0.0F) & static_cast<std::int32_t>(distance2 < near2);
  }
  const std::uint8_t own_weight = viewer.weight[0], own_status = viewer.status[0];
  for (unsigned row = 0; row < tracked_rows; ++row) {
    viewer.weight[row] = static_cast<std::uint8_t>(weight[row]);
    viewer.status[row] =
        static_cast<std::uint8_t>((viewer.status[row] & ~status::near) | (near[row] != 0 ? status::near : 0));
  }
  viewer.weight[0] = own_weight;
  viewer.status[0] = own_status;
}

/// The slots of a viewer's rows, in `known` as long as this lives.
class KnownSlots {
 public:
  KnownSlots(const Viewer& viewer, SlotSet& known) noexcept : known_(known) {
    for (unsigned row = 0; row < viewer.rows_high; ++row) {
      const RowState state = viewer.state(row);
      if (state == RowState::empty) continue;
      slots_[count_++] = viewer.slot[row];
      known_.set(viewer.slot[row]);
      any_removing_ |= state == RowState::removing;
    }
  }
  ~KnownSlots() {
    for (unsigned i = 0; i < count_; ++i) known_.clear(slots_[i]);
  }
  KnownSlots(const KnownSlots&) = delete;
  KnownSlots& operator=(const KnownSlots&) = delete;

  [[nodiscard]] bool any_removing() const noexcept { return any_removing_; }

 private:
  SlotSet& known_;
  std::array<std::uint16_t, tracked_rows> slots_;
  unsigned count_ = 0;
  bool any_removing_ = false;
};

/// In view, known to be alive, and not hidden.
bool eligible(const Viewer& viewer, const Scene& scene, const interest::Candidate& candidate) noexcept {
  const world::Brief& brief = scene.published->brief[candidate.slot];
  const float radius = scene.world->radius[static_cast<std::size_t>(brief.type)];
  return candidate.distance2 <= radius * radius && (brief.identity & world::Brief::is_living) != 0 &&
         !hidden_from(*scene.published, candidate.slot, viewer.own_slot);
}

/// Whether one look went round the whole neighbourhood: the window is where it was.
bool saw_all(const interest::Window& after, const interest::Window& before, const Scene& scene) noexcept {
  const unsigned reach = scene.grid->neighbours_in_use(scene.shard);
  if (reach == 0) return true;
  return after.offset == before.offset && after.neighbour % reach == before.neighbour % reach &&
         reach <= scene.config->rescan_cells;
}

void come_back(Viewer& viewer, const Scene& scene, bool quiet) noexcept {
  const Config& config = *scene.config;
  const unsigned pause = quiet ? std::min(2U * viewer.rescan_pause, config.rescan_ticks_max) : config.rescan_ticks;
  // Who come in one tick look round at once, and not in one tick ever after.
  const unsigned apart = viewer.rescan_pause == 0 ? viewer.own_slot % config.rescan_ticks : 0;
  viewer.rescan_pause = static_cast<std::uint16_t>(std::max(pause, config.rescan_ticks));
  viewer.rescan_tick = scene.tick + viewer.rescan_pause + apart;
}

}  // namespace

void rescan(Viewer& viewer, const Scene& scene, SlotSet& known) noexcept {
  const world::Place& eye = scene.published->place[viewer.own_slot];
  const std::array<float, 3> position{eye.x, eye.y, eye.z};
  const float near2 = scene.config->near_distance * scene.config->near_distance;
  Tracked tracked;
  measure(viewer, scene, eye, tracked);
  weigh(viewer, tracked, near2);
  const bool full = tracked.count >= scene.config->tracked_max;
  unsigned furthest = full ? tracked.furthest() : 0;
  const float limit2 = full ? tracked.distance2[furthest] * exchange_factor2 : unlimited;

  const interest::Window before = viewer.rescan_window;
  std::array<interest::Candidate, 512> candidates;
  const unsigned found =
      interest::select(*scene.grid, scene.shard, position, limit2,
                       {scene.config->candidates, scene.config->rescan_cells}, viewer.rescan_window, candidates.data());
  const KnownSlots known_slots(viewer, known);
  unsigned exchanges = 0;
  for (unsigned i = 0; i < found; ++i) {
    const interest::Candidate& candidate = candidates[i];
    const bool is_known = known.test(candidate.slot);
    if ((is_known && !known_slots.any_removing()) || !eligible(viewer, scene, candidate)) continue;
    const std::uint8_t generation = scene.published->brief[candidate.slot].identity & 3;
    if (is_known) {
      const int found_row = row_of(viewer, candidate.slot);
      if (found_row < 0) continue;
      const auto row = static_cast<unsigned>(found_row);
      // Its removal is on the way, but it is back in view: the client gets it anew. (A different entity in the same
      // slot waits until the removal is acked.)
      if (viewer.state(row) == RowState::removing && viewer.generation(row) == generation &&
          tracked.count < scene.config->tracked_max) {
        recreate(viewer, row);
        tracked.changed = true;
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
    tracked.changed = true;
    ++tracked.count;
  }
  come_back(viewer, scene, !tracked.changed && saw_all(viewer.rescan_window, before, scene));
}

}  // namespace serried::replicate
