#pragma once
/// The shard lane: the entities of its players and of its share of the NPCs, and what its players are told.
///
///     poll:  drain, deliver | step | (barrier) | add up | publish, scatter | (barrier)
///            | rescan, find what is due, compose, hand over | idle
///
/// One poll does one bounded piece of one phase: at most 256 rows or 64 viewers. A lane owns its rows of the frame, its
/// viewers and their input queues; it reads all rows, and locks nothing.
///
///     io lane --inputs, session events, game messages, empties--> shard lane --filled, notices--> io lane   (rows.h)
///     shard lane --broadcasts--> every shard lane, its own too                                        (simulation.h)

#include <vector>

#include "base/budget.h"
#include "base/counter.h"
#include "base/fixed_fifo.h"
#include "base/fixed_map.h"
#include "base/histogram.h"
#include "base/prng.h"
#include "link/rows.h"
#include "metrics/drop.h"
#include "replicate/plan.h"
#include "shard/simulation.h"
#include "shard/update_throttle.h"
#include "world/input_queue.h"
#include "world/row_pool.h"
#include "world/step.h"

namespace serried::shard {

/// Owner   the shard lane; readable from any thread
struct ShardCounters {
#define SERRIED_SHARD_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
  base::Histogram tick_total;  ///< ns from the scheduled start to the last slice handed over
  /// shard_unknown_viewer, stale_input, input_queue_full, bad_message, unknown_message, unexpected_message,
  /// broadcast_overflow, no_buffer, window_full, filled_ring_full
  metrics::DropCounters drops;
  replicate::PlanCounters plan;
};

class ShardLane {
 public:
  /// `links` by io lane; they, and `simulation`, outlive the lane. One lane per shard, all before any is polled.
  ShardLane(Simulation& simulation, unsigned shard, std::vector<link::IoShardLink*> links);
  ~ShardLane();
  ShardLane(const ShardLane&) = delete;
  ShardLane& operator=(const ShardLane&) = delete;

  /// One bounded piece of work. Returns how many items were worked on; 0 when there was nothing to do.
  /// Shape   at most 256 rows, or 64 viewers, or 1,087 occupied cells; and 64 rows of each ring, 32 messages of each
  ///         (together 64 KiB and a message), a broadcast for 64 viewers
  /// Reads   rings, the frames of all shards
  /// Writes  own rows, own viewers, rings
  /// Owner   shard lane
  /// Drops   see ShardCounters::drops
  unsigned poll(Nanos now) noexcept;

  /// Put the buffers that it holds back into its rings, for the io lanes to close: after the last poll.
  void close() noexcept;

  /// Between two ticks.
  [[nodiscard]] bool idle() const noexcept { return phase_ == Phase::idle; }
  [[nodiscard]] std::uint32_t tick() const noexcept { return tick_; }
  [[nodiscard]] const ShardCounters& counters() const noexcept { return counters_; }

 private:
  enum class Phase : std::uint8_t { idle, step, barrier_stepped, add_up, publish, barrier_indexed, plan };

  static constexpr std::uint32_t no_viewer = ~std::uint32_t{0};
  static constexpr unsigned ring_burst = 64;
  static constexpr unsigned rows_per_poll = 256;
  static constexpr unsigned cells_per_poll = 1'024;
  static constexpr unsigned viewers_per_poll = 64;
  static constexpr unsigned game_messages_per_poll = 32;
  static constexpr std::uint32_t game_message_bytes_per_poll = 64 * 1024;

  /// What a viewer's player is to the lane, beside the viewer.
  struct PlayerSlot {
    std::uint64_t player_id;
    std::uint64_t round_trip;     ///< as the join said
    bool joining;                 ///< stands in spawns_
    bool unwelcomed;              ///< stands in newcomers_
    bool absent;                  ///< stands in the list of the absent
    std::uint32_t gone_tick;      ///< absent: when it is despawned
    std::uint32_t before, after;  ///< absent: the neighbours in that list
  };
  struct Link {
    link::IoShardLink* rings = nullptr;
    unsigned empty_count = 0, out_count = 0, out_room = 0;
    unsigned message_at = 0, message_count = 0;
    std::array<wire::Buffer, viewers_per_poll> empties;
    std::array<link::OutRow, viewers_per_poll> out;
    std::array<link::GameMessage, game_messages_per_poll> game_messages;  ///< out of the ring, not yet read
  };
  struct PlayerHash {
    std::uint64_t operator()(std::uint64_t player_id) const noexcept { return base::mix(player_id); }
  };

  // rings.cpp
  unsigned drain(Nanos now) noexcept;
  void take_session_event(unsigned io_lane, const link::SessionEvent& event) noexcept;
  void take_input(unsigned io_lane, const link::InputRow& row) noexcept;
  void fetch_answered(unsigned io_lane, const link::InputRow& row) noexcept;
  /// The viewer of a session; no_viewer, and counted, when there is none.
  [[nodiscard]] std::uint32_t viewer_of(unsigned io_lane, std::uint32_t connection_id) noexcept;
  [[nodiscard]] std::uint32_t& place_of(unsigned io_lane, std::uint32_t session) noexcept {
    return viewer_of_session_[std::size_t{io_lane} * world_.setup_.sessions_per_lane + session];
  }

  // players.cpp
  void join(unsigned io_lane, const link::SessionEvent::Join& event) noexcept;
  void leave(std::uint32_t& place, bool linger) noexcept;
  void refuse(unsigned io_lane, std::uint32_t connection_id, std::uint32_t session) noexcept;
  [[nodiscard]] std::uint32_t slot_for(const link::SessionEvent::Join& event) noexcept;
  void still(std::uint32_t index, bool absent) noexcept;
  void begin_absence(std::uint32_t index) noexcept;
  void end_absence(std::uint32_t index) noexcept;
  [[nodiscard]] std::uint32_t give_way() noexcept;
  void free_row(std::uint16_t row) noexcept;
  void spawn_players() noexcept;
  void spawn_players(std::span<const std::uint32_t> viewers) noexcept;
  [[nodiscard]] bool spawn(std::uint32_t index, const world::Spawn& spawn) noexcept;
  [[nodiscard]] world::Spawn engine_spawn_of(std::uint32_t index) const noexcept;
  [[nodiscard]] world::Spawn spawn_of(std::uint32_t index) const noexcept;
  void despawn_players() noexcept;
  void despawn(std::uint32_t index) noexcept;

  // game_messages.cpp
  unsigned read_game_messages(unsigned io_lane, Nanos now) noexcept;
  [[nodiscard]] unsigned next_slice(Link& link, std::uint32_t& bytes) noexcept;
  void handle(unsigned io_lane, std::span<const link::GameMessage> game_messages, Nanos now) noexcept;
  void act_on(std::uint32_t index, const game::Outcome& outcome, Nanos now) noexcept;
  [[nodiscard]] game::Sender sender_of(std::uint32_t index) const noexcept;
  [[nodiscard]] std::array<float, 3> position_of(std::uint32_t index) const noexcept;
  void broadcast(const game::Broadcast& broadcast, Nanos now) noexcept;
  unsigned deliver() noexcept;
  [[nodiscard]] bool next_broadcast() noexcept;
  unsigned welcome() noexcept;
  [[nodiscard]] bool has_room(Link& link, unsigned messages) noexcept;
  void send_message(const replicate::Viewer& viewer, std::span<const std::uint8_t> message,
                    std::uint8_t flags) noexcept;

  // shard_lane.cpp
  void populate();
  unsigned advance(Nanos now) noexcept;
  [[nodiscard]] bool tick_due(Nanos now) noexcept;
  void begin_tick() noexcept;
  unsigned step() noexcept;
  unsigned publish() noexcept;
  void end_tick(Nanos now) noexcept;

  // slice.cpp
  unsigned slice() noexcept;
  void fetch(std::uint32_t index) const noexcept;
  void look_for(std::uint32_t index, const replicate::ReplicationContext& context, replicate::DueSet& due_set) noexcept;
  void plan_for(std::uint32_t index, const replicate::ReplicationContext& context,
                const replicate::DueSet& due_set) noexcept;
  void open_slice() noexcept;
  static void refill(Link& link) noexcept;
  void close_slice() noexcept;

  Simulation& world_;
  const unsigned shard_;
  const std::size_t first_row_;
  Phase phase_ = Phase::idle;
  std::uint32_t tick_;             ///< wraps
  std::uint64_t begun_ticks_ = 0;  ///< ticks since the start: what the barriers count by
  Nanos next_tick_ = 0;            ///< shard 0
  Nanos scheduled_ = 0;            ///< when the present tick was to begin
  world::Take take_ = world::Take::smoothly;
  Nanos planning_since_ = 0;
  unsigned drain_polls_ = 0;
  bool ring_backlog_ = false;
  std::uint64_t round_trips_x8_ = 0, round_trips_ = 0;  ///< of viewers that acked since the last tick began
  std::uint32_t acked_age_ = 4;                         ///< what they know is about so old in the tick that comes
  std::size_t row_ = 0, row_end_ = 0;
  std::uint32_t viewer_ = 0, viewer_high_ = 0, active_viewers_ = 0;
  UpdateThrottle throttle_{world_.setup().replicate.interval_max_ticks};
  std::uint64_t starved_ = 0;  ///< viewers that went without, up to the last tick
  std::uint32_t far_staleness_ = 0;
  std::uint64_t hash_ = 0, living_ = 0;

  world::RowPool pool_;
  world::Column<replicate::Viewer> viewers_;
  world::Column<world::InputQueue> inputs_;
  world::Column<std::uint32_t> free_viewers_;
  std::uint32_t free_viewer_count_ = 0;
  world::Column<std::uint32_t> viewer_of_session_;  ///< [io lane * sessions_per_lane + session]
  // Viewers: those that joined since the last step began or wait for a row, those that left since.
  world::Column<std::uint32_t> spawns_, despawns_;
  std::uint32_t spawn_count_ = 0, despawn_count_ = 0;
  // Rows of absent players who gave way since.
  world::Column<std::uint16_t> given_up_;
  std::uint32_t given_up_count_ = 0;

  // By viewer; one that is absent keeps its row, its input queue and its place here.
  world::Column<PlayerSlot> slots_;
  // The absent in the order in which their sessions ended: a list through their slots.
  std::uint32_t absent_ = 0, longest_absent_ = no_viewer, last_absent_ = no_viewer;
  const std::uint32_t resume_ticks_;
  base::FixedMap<std::uint64_t, std::uint32_t, PlayerHash> players_;  ///< viewers of those present or absent

  // The game's own, by viewer.
  world::Column<std::byte> player_column_, session_column_;
  game::PlayerMemory game_players_, game_sessions_;  ///< views of them

  base::FixedFifo<std::uint32_t> newcomers_;  ///< viewers to be welcomed
  base::Budget everywhere_;                   ///< broadcasts to everywhere
  game::Broadcast broadcast_;                 ///< the one being delivered
  std::uint32_t delivered_ = 0;               ///< to the viewers before this one
  bool delivering_ = false;
  unsigned deliver_from_ = 0;  ///< shard whose ring is looked at next

  std::vector<Link> links_;
  std::array<replicate::DueSet, 2> due_sets_{};
  ShardCounters counters_;
};

}  // namespace serried::shard
