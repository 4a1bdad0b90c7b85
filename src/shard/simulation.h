#pragma once
/// What the shard lanes of one world share: frames, grid, published states, the barrier, the rings between shards, and
/// the history of hashes. Built once, before the first lane is polled; outlives the lanes.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "game/host.h"
#include "interest/grid.h"
#include "link/rows.h"
#include "link/spsc.h"
#include "replicate/coarse.h"
#include "replicate/config.h"
#include "serried/time.h"
#include "shard/phase_barrier.h"
#include "world/config.h"
#include "world/frame.h"
#include "world/publish.h"

namespace serried::shard {

struct ShardSetup {
  world::Config world{};
  replicate::Config replicate{};
  unsigned shards = 1;
  unsigned io_lanes = 1;
  unsigned sessions_per_lane = 1'024;  ///< slots of an io lane's session table
  std::uint64_t seed = 1;
  std::uint32_t first_tick = 0;  ///< the number before that of the first tick
  game::Callbacks game{};        ///< the game that is played; all of its functions are there
  Nanos (*clock)() = nullptr;    ///< to measure the cost of ticks with; nullptr: the `now` of poll
  std::vector<int> nodes{};      ///< NUMA nodes of the shards' cores; empty: memory lies where it comes to lie

  /// Every fault of the parts and of their combination. Empty: a Simulation can be built.
  [[nodiscard]] std::vector<std::string> validate() const;
};

class Simulation {
 public:
  /// Precondition: setup.validate() is empty.
  explicit Simulation(const ShardSetup& setup);

  /// The hash of the world as it was at `tick`; false when that is not yet known or longer ago than 1,024 ticks.
  /// Any thread.
  [[nodiscard]] bool world_hash(std::uint32_t tick, std::uint64_t& out) const noexcept;
  /// The last tick whose hash is known; setup().first_tick before there is one. Any thread.
  [[nodiscard]] std::uint32_t hashed_tick() const noexcept { return hashed_.load(std::memory_order_acquire); }
  /// Living entities at the end of the last step. Any thread.
  [[nodiscard]] std::uint64_t entity_count() const noexcept;

  struct Living {
    std::uint64_t id;
    std::uint16_t slot;
    std::uint8_t generation;
    world::Type type;
    std::uint8_t faction;
    std::uint16_t level;
    std::array<float, 3> position;
    message::EntityState state;
  };
  /// Every living entity as of the last complete tick. Control path, only while no lane is being polled.
  void for_each_entity(const std::function<void(const Living&)>& visit) const;

  /// The memory that is shared and yet one shard's: its rows, and its part of the grid. Pages at its ends are others'
  /// too.
  void each_memory(unsigned shard, const std::function<void(std::span<const std::byte>)>& visit) const;

  [[nodiscard]] const ShardSetup& setup() const noexcept { return setup_; }
  [[nodiscard]] const interest::Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] unsigned rows_per_shard() const noexcept { return rows_per_shard_; }

 private:
  friend class ShardLane;

  static constexpr unsigned history_ticks = 1'024;
  struct HashEntry {
    std::atomic<std::uint64_t> known{0};  ///< of which tick, see known_as; 0: of none
    std::atomic<std::uint64_t> hash{0};
  };
  [[nodiscard]] static constexpr std::uint64_t known_as(std::uint32_t tick) noexcept { return std::uint64_t{tick} + 1; }
  struct alignas(64) ShardSum {
    std::atomic<std::uint64_t> hash{0};
    std::atomic<std::uint64_t> entities{0};
  };

  [[nodiscard]] world::Frame& frame(std::uint32_t tick) noexcept { return frames_[tick & 1]; }
  [[nodiscard]] const world::Frame& frame(std::uint32_t tick) const noexcept { return frames_[tick & 1]; }
  void remember_hash(std::uint32_t tick) noexcept;
  using Broadcasts = link::Spsc<game::Broadcast>;
  static constexpr unsigned broadcasts_waiting = 63;  ///< from one shard to one other
  [[nodiscard]] Broadcasts& broadcasts(unsigned from, unsigned to) noexcept {
    return *broadcasts_[std::size_t{from} * setup_.shards + to];
  }

  ShardSetup setup_;
  unsigned rows_per_shard_;
  std::array<world::Frame, 2> frames_;
  world::Identity identity_;
  world::Published published_;
  interest::Grid grid_;
  replicate::CoarseFractions coarse_;
  PhaseBarrier barrier_;
  std::vector<std::unique_ptr<Broadcasts>> broadcasts_;  ///< [from * shards + to]
  link::SharedMessage welcome_;                          ///< the game's

  // Shard 0 says when a tick begins; the others follow.
  alignas(64) std::atomic<std::uint32_t> started_{0};
  std::atomic<Nanos> scheduled_{0};
  std::atomic<std::uint32_t> catching_up_until_{0};  ///< the tick with which a late start is over for the players

  alignas(64) std::array<ShardSum, world::shards_max> sums_;
  std::array<HashEntry, history_ticks> history_;
  std::atomic<std::uint32_t> hashed_{0};
};

}  // namespace serried::shard
