#pragma once
/// The shard lane: the entities of its players and of its share of the NPCs, and what its players are told.
///
///     poll:  drain | step | (meet) | add up | publish, scatter | (meet) | select, review, compose, publish rows | idle
///
/// One poll does one bounded piece of one phase: at most 256 rows or 64 viewers. A lane owns its rows of the frame, its
/// viewers and their input queues; it reads everybody's rows, and locks nothing.
///
///     io lane --inputs, commands, empties--> shard lane --filled, notices--> io lane        (rows.h)

#include <vector>

#include "base/counter.h"
#include "base/histogram.h"
#include "lane/pace.h"
#include "lane/rows.h"
#include "lane/simulation.h"
#include "observe/drop.h"
#include "replicate/plan.h"
#include "world/input_queue.h"
#include "world/row_pool.h"

namespace serried::lane {

struct ShardCounters {
  base::Counter ticks;
  base::Counter ticks_late;  ///< shard 0: ticks left out because the one before took too long
  base::Counter polls, busy_polls;
  base::Counter viewers, entities;  ///< now
  base::Counter inputs, acks, losses;
  base::Counter hashed_tick, world_hash;  ///< shard 0: the last one known
  base::Counter interval_ticks;           ///< now: ticks between two datagrams to one viewer, 1 unless overloaded
  base::Counter interval_ticks_max;       ///< so far
  base::Counter far_staleness_ticks;      ///< longest turn over the far cells of any viewer, in the last tick
  base::Histogram tick_busy;              ///< ns of work in a tick (setup.clock)
  base::Histogram tick_total;             ///< ns from the scheduled start to the last slice handed over
  observe::DropCounters drops;  ///< shard_unknown_viewer, stale_input, input_queue_full, no_buffer, filled_ring_full
  replicate::PlanCounters plan;
};

class ShardLane {
 public:
  /// `links` by io lane; they, and `simulation`, outlive the lane. One lane per shard, all before any is polled.
  ShardLane(Simulation& simulation, unsigned shard, std::vector<IoShardLink*> links);
  ~ShardLane();
  ShardLane(const ShardLane&) = delete;
  ShardLane& operator=(const ShardLane&) = delete;

  /// One bounded piece of work. Returns how many items were worked on; 0 when there was nothing to do.
  /// Shape   at most 256 rows, or 64 viewers, or 4,096 bins, and 64 rows of each ring
  /// Reads   rings, the frames of all shards     Writes  own rows, own viewers, rings     Owner  shard lane
  /// Drops   see ShardCounters::drops
  unsigned poll(Nanos now) noexcept;

  /// Put the empty buffers that it holds back into its rings, for the io lanes to close: after the last poll.
  void close() noexcept;

  /// Between two ticks, and no row waits in a ring.
  [[nodiscard]] bool idle() const noexcept { return phase_ == Phase::idle; }
  [[nodiscard]] std::uint32_t tick() const noexcept { return tick_; }
  [[nodiscard]] const ShardCounters& counters() const noexcept { return counters_; }

 private:
  enum class Phase : std::uint8_t { idle, step, meet_stepped, add_up, publish, meet_indexed, plan };

  static constexpr std::uint32_t no_viewer = ~std::uint32_t{0};
  static constexpr unsigned ring_burst = 64;
  static constexpr unsigned rows_per_poll = 256;
  static constexpr unsigned bins_per_poll = 4'096;
  static constexpr unsigned viewers_per_poll = 64;

  struct Birth {
    std::uint32_t viewer;
    std::uint64_t player_id;
    std::uint64_t round_trip;
  };
  struct Link {
    IoShardLink* rings = nullptr;
    unsigned empty_count = 0, out_count = 0, out_room = 0;
    std::array<wire::Buffer, viewers_per_poll> empties;
    std::array<OutRow, viewers_per_poll> out;
  };

  // shard_rings.cpp
  unsigned drain() noexcept;
  void take_command(unsigned io_lane, const Command& command) noexcept;
  void take_input(unsigned io_lane, const InputRow& row) noexcept;
  void leave(std::uint32_t& place) noexcept;
  void refuse(const replicate::Viewer& viewer) noexcept;

  // shard_lane.cpp
  unsigned advance(Nanos now) noexcept;
  [[nodiscard]] bool tick_due(Nanos now) noexcept;
  void begin_tick() noexcept;
  void bear_players() noexcept;
  void bury_players() noexcept;
  unsigned step() noexcept;
  unsigned publish() noexcept;
  void end_tick(Nanos now) noexcept;

  // shard_slice.cpp
  unsigned slice() noexcept;
  void plan_for(std::uint32_t index, const replicate::Scene& scene) noexcept;
  void open_slice() noexcept;
  void close_slice() noexcept;

  // shard_lane_setup.cpp
  void populate();

  Simulation& world_;
  const unsigned shard_;
  const std::size_t first_row_;
  Phase phase_ = Phase::idle;
  std::uint32_t tick_ = 0;
  Nanos next_tick_ = 0;  ///< shard 0
  Nanos scheduled_ = 0;  ///< when the present tick was to begin
  Nanos busy_ = 0;
  unsigned drain_polls_ = 0;
  bool ring_backlog_ = false;
  std::size_t row_ = 0, row_end_ = 0;
  std::uint32_t viewer_ = 0, viewer_high_ = 0, active_viewers_ = 0;
  Pace pace_{world_.setup().replicate.interval_max_ticks};
  std::uint64_t starved_ = 0;  ///< viewers that went without, up to the last tick
  std::uint32_t far_staleness_ = 0;
  std::uint64_t hash_ = 0, living_ = 0;

  world::RowPool pool_;
  world::Column<replicate::Viewer> viewers_;
  world::Column<world::InputQueue> inputs_;
  world::Column<std::uint32_t> free_viewers_;
  std::uint32_t free_viewer_count_ = 0;
  world::Column<std::uint32_t> viewer_of_session_;  ///< [io lane * sessions_per_lane + session]
  world::Column<Birth> births_;                     ///< joined since the last step began
  world::Column<std::uint32_t> deaths_;             ///< left since: viewers
  std::uint32_t birth_count_ = 0, death_count_ = 0;
  std::vector<Link> links_;
  replicate::Review review_{};
  ShardCounters counters_;
};

}  // namespace serried::lane
