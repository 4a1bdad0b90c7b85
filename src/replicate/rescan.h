#pragma once
/// What is tracked: reconsidered every fourth to twelfth tick, staggered by viewer, over a moving window of the
/// neighbourhood.

#include "replicate/coarse.h"
#include "replicate/viewer.h"
#include "world/publish.h"

namespace serried::replicate {

/// What all viewers of a shard read while a tick is replicated. Nothing of it changes between the second barrier of a
/// tick and the first barrier of the next.
struct ReplicationContext {
  const world::Config* world;
  const Config* config;
  const interest::Grid* grid;
  const world::Published* published;
  const CoarseFractions* coarse;  ///< what foes are told of health and mana
  std::uint32_t tick;
  unsigned shard;
};

/// Weigh the tracked entities by distance, let go of those beyond their radius, and take in nearer ones, within 95 % of
/// it: as long as there is room all in view, then only those clearly nearer than the furthest. Says when to come back:
/// soon where something changed, later where nothing did.
/// Reads   context
/// Writes  viewer
/// Owner   shard lane
void rescan(Viewer& viewer, const ReplicationContext& context) noexcept;

}  // namespace serried::replicate
