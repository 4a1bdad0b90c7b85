#pragma once
/// Who is tracked: reconsidered every fourth to twelfth tick, staggered by viewer, over a moving window of the
/// neighbourhood.

#include "replicate/viewer.h"
#include "world/publish.h"

namespace serried::replicate {

/// What all viewers of a shard read while a tick is replicated. Nothing of it changes between the second meet of a tick
/// and the first meet of the next.
struct Scene {
  const world::Config* world;
  const Config* config;
  const interest::Grid* grid;
  const world::Published* published;
  std::uint32_t tick;
  unsigned shard;
};

/// A set of slots, of any number: scratch of one shard lane, empty between two uses.
class SlotSet {
 public:
  void set(std::uint16_t slot) noexcept { words_[slot / 64] |= std::uint64_t{1} << slot % 64; }
  void clear(std::uint16_t slot) noexcept { words_[slot / 64] &= ~(std::uint64_t{1} << slot % 64); }
  [[nodiscard]] bool test(std::uint16_t slot) const noexcept { return (words_[slot / 64] >> slot % 64 & 1) != 0; }

 private:
  std::array<std::uint64_t, 65'536 / 64> words_{};
};

/// Weigh the tracked entities by distance, let go of those beyond their radius (and 5 %), and take in nearer ones: as
/// long as there is room whoever is in view, then only those clearly nearer than the furthest.
/// Says when to come back: soon where something changed, later where nothing did.
/// Reads   scene     Writes  viewer, known, which is empty before and behind      Owner  shard lane
void rescan(Viewer& viewer, const Scene& scene, SlotSet& known) noexcept;

}  // namespace serried::replicate
