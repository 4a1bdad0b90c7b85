#pragma once
/// Where the shard lanes of a simulation wait for one another, without waiting: a counter per shard, and a question.
/// A lane that finds others missing returns from poll and asks again next time, so that lanes may share a core, or a
/// thread.

#include <atomic>
#include <cstdint>

#include "world/entity.h"

namespace serried::shard {

/// Written by each shard for itself, read by all. What a shard wrote before it arrived is visible to every lane that
/// saw it there.
class PhaseBarrier {
 public:
  explicit PhaseBarrier(unsigned shards) noexcept : shards_(shards) {}

  /// Phases rise: 2 * tick is the first barrier of a tick, 2 * tick + 1 the second.
  void arrive(unsigned shard, std::uint64_t phase) noexcept {
    place_[shard].phase.store(phase, std::memory_order_release);
  }
  [[nodiscard]] bool all_at(std::uint64_t phase) const noexcept {
    for (unsigned shard = 0; shard < shards_; ++shard)
      if (place_[shard].phase.load(std::memory_order_acquire) < phase) return false;
    return true;
  }

 private:
  struct alignas(64) Place {
    std::atomic<std::uint64_t> phase{0};
  };
  unsigned shards_;
  Place place_[world::shards_max];
};

}  // namespace serried::shard
