#include "shard/shard_lane.h"

#include <algorithm>

#include "base/check.h"
#include "base/serial.h"
#include "base/setup.h"

namespace serried::shard {

namespace {

/// When a tick begins late by more than this share of a tick, the server itself kept the inputs waiting. In this tick
/// and in the few after it, while the io lane still takes from the port what came meanwhile, no input is kept back.
constexpr Nanos late_share = 2;
constexpr std::uint32_t catch_up_ticks = 3;

unsigned npcs_of(const ShardSetup& setup, unsigned shard) {
  unsigned count = 0;
  for (std::uint64_t id = 1; id <= setup.world.npcs; ++id)
    count += world::shard_of_npc(id, setup.shards) == shard ? 1 : 0;
  return count;
}

/// Places for viewers: a row each.
std::size_t viewers_of(const Simulation& simulation, unsigned shard) {
  return simulation.rows_per_shard() - npcs_of(simulation.setup(), shard);
}

}  // namespace

SERRIED_SETUP ShardLane::ShardLane(Simulation& simulation, unsigned shard, std::vector<link::IoShardLink*> links)
    : world_(simulation),
      shard_(shard),
      first_row_(std::size_t{shard} * simulation.rows_per_shard()),
      tick_(simulation.setup().first_tick),
      pool_(static_cast<unsigned>(first_row_), simulation.rows_per_shard(), simulation.setup().world.slot_rest_ticks),
      resume_ticks_(simulation.setup().world.resume_s * simulation.setup().world.ticks_per_second),
      players_(viewers_of(simulation, shard)),
      newcomers_(viewers_of(simulation, shard)),
      everywhere_(simulation.setup().game.broadcasts_per_s, simulation.setup().game.broadcasts_burst) {
  const ShardSetup& setup = simulation.setup();
  SERRIED_CHECK(shard < setup.shards);
  SERRIED_CHECK(links.size() == setup.io_lanes);
  const std::size_t viewers = viewers_of(simulation, shard);
  viewers_ = world::Column<replicate::Viewer>(viewers);
  inputs_ = world::Column<world::InputQueue>(viewers);
  free_viewers_ = world::Column<std::uint32_t>(viewers);
  spawns_ = world::Column<std::uint32_t>(viewers);
  despawns_ = world::Column<std::uint32_t>(viewers);
  slots_ = world::Column<PlayerSlot>(viewers);
  given_up_ = world::Column<std::uint16_t>(viewers);
  player_column_ = world::Column<std::byte>(viewers * setup.game.player_bytes);
  session_column_ = world::Column<std::byte>(viewers * setup.game.session_bytes);
  game_players_ = {player_column_.data(), setup.game.player_bytes};
  game_sessions_ = {session_column_.data(), setup.game.session_bytes};
  for (std::size_t i = 0; i < viewers; ++i)  // lowest last: taken first
    free_viewers_[i] = static_cast<std::uint32_t>(viewers - 1 - i);
  free_viewer_count_ = static_cast<std::uint32_t>(viewers);
  const std::size_t sessions = std::size_t{setup.io_lanes} * setup.sessions_per_lane;
  viewer_of_session_ = world::Column<std::uint32_t>(sessions);
  for (std::size_t i = 0; i < sessions; ++i) viewer_of_session_[i] = no_viewer;
  links_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) links_[i].rings = links[i];
  counters_.interval_ticks.set(throttle_.interval());
  counters_.interval_ticks_max.set(throttle_.interval());
  populate();
}

SERRIED_SETUP ShardLane::~ShardLane() = default;

/// The NPCs of this shard, in the frame before the first tick, which steps them.
SERRIED_SETUP void ShardLane::populate() {
  const ShardSetup& setup = world_.setup();
  std::vector<world::Spawn> spawns;
  for (std::uint64_t id = 1; id <= setup.world.npcs; ++id)
    if (world::shard_of_npc(id, setup.shards) == shard_) spawns.push_back({.id = id, .type = world::Type::npc});
  setup.game.spawn_npcs(setup.game.context, {setup.world, setup.seed, spawns});
  for (const world::Spawn& spawn : spawns) {
    const std::uint16_t row = pool_.take(tick_);
    SERRIED_CHECK(row != world::no_slot);
    world::spawn(world_.frame(tick_), world_.identity_, row, spawn, tick_);
  }
  world_.sums_[shard_].entities.store(pool_.used(), std::memory_order_relaxed);
}

void ShardLane::close() noexcept {
  for (Link& link : links_) {
    const unsigned returned = link.rings->empties.push(link.empties.data(), link.empty_count);
    SERRIED_CHECK(returned == link.empty_count);  // they came out of this ring, which io lanes never fill to the brim
    link.empty_count = 0;
    for (; link.message_at < link.message_count; ++link.message_at) {
      const link::GameMessage& unread = link.game_messages[link.message_at];
      if (!unread.lies_in_buffer()) continue;  // the io lane's own memory
      const bool home = link.rings->filled.push(unread.back()) || link.rings->empties.push(unread.buffer());
      SERRIED_CHECK(home);
    }
  }
}

unsigned ShardLane::poll(Nanos now) noexcept {
  // Not while stepping: what arrives then belongs to the next tick, for rows already stepped and rows yet to come.
  unsigned work = phase_ != Phase::step ? drain(now) : 0;
  // Nor while planning: then the empty buffers are for that.
  if (phase_ != Phase::step && phase_ != Phase::plan) work += deliver();
  return work + advance(now);
}

unsigned ShardLane::advance(Nanos now) noexcept {
  const std::uint64_t barrier_phase = begun_ticks_ * 2;
  switch (phase_) {
    case Phase::idle:
      // What was there when the tick became due is part of it: empty the rings first, within reason.
      if (ring_backlog_ && drain_polls_ < 64) {
        ++drain_polls_;
        return 0;
      }
      if (!tick_due(now)) return 0;
      begin_tick();
      phase_ = Phase::step;
      return 1;
    case Phase::step:
      return step();
    case Phase::barrier_stepped:
      if (!world_.barrier_.all_at(barrier_phase)) return 0;
      if (shard_ == 0) world_.remember_hash(tick_);
      phase_ = Phase::add_up;
      return 1;
    case Phase::add_up:
      if (world_.grid_.add_up(shard_, cells_per_poll)) {
        row_ = first_row_;
        phase_ = Phase::publish;
      }
      return 1;
    case Phase::publish:
      return publish();
    case Phase::barrier_indexed:
      if (!world_.barrier_.all_at(barrier_phase + 1)) return 0;
      viewer_ = 0;
      far_staleness_ = 0;
      planning_since_ = world_.setup_.clock != nullptr ? world_.setup_.clock() : now;
      phase_ = Phase::plan;
      return 1;
    case Phase::plan: {
      const unsigned planned = slice();
      if (viewer_ >= viewer_high_) end_tick(now);
      return planned + 1;
    }
  }
  return 0;
}

/// Shard 0 keeps the time. A tick that is late begins at once; one that is late by more than a whole tick takes the
/// place of those missed, so that a slow machine has fewer ticks and never a backlog of them.
bool ShardLane::tick_due(Nanos now) noexcept {
  if (shard_ != 0) return base::is_later(world_.started_.load(std::memory_order_acquire), tick_);
  const Nanos period = second / world_.setup_.world.ticks_per_second;
  if (begun_ticks_ == 0) next_tick_ = now;
  if (now < next_tick_) return false;
  const Nanos late = now - next_tick_, missed = late / period;
  counters_.ticks_late.add(missed);
  if (late > period / late_share) world_.catching_up_until_.store(tick_ + catch_up_ticks, std::memory_order_relaxed);
  next_tick_ += missed * period;
  world_.scheduled_.store(next_tick_, std::memory_order_relaxed);
  next_tick_ += period;
  world_.started_.store(tick_ + 1, std::memory_order_release);
  return true;
}

void ShardLane::begin_tick() noexcept {
  ++tick_;
  ++begun_ticks_;
  // Ours until the tick ends: shard 0 may begin the next one while we still have viewers before us.
  scheduled_ = world_.scheduled_.load(std::memory_order_relaxed);
  const std::uint32_t catching_up_until = world_.catching_up_until_.load(std::memory_order_relaxed);
  take_ = !base::is_later(tick_, catching_up_until) ? world::Take::all : world::Take::smoothly;
  drain_polls_ = 0;
  hash_ = 0;
  living_ = 0;
  // Beside the round trip: the tick that begins, and the ticks between two datagrams to a viewer.
  if (round_trips_ != 0)
    acked_age_ = 1 + throttle_.interval() + static_cast<std::uint32_t>(round_trips_x8_ / (8 * round_trips_));
  round_trips_x8_ = round_trips_ = 0;
  spawn_players();
  despawn_players();
  world_.grid_.clear(shard_);
  row_ = first_row_;
  row_end_ = pool_.high();
}

unsigned ShardLane::step() noexcept {
  const ShardSetup& setup = world_.setup_;
  const game::Callbacks& game = setup.game;
  const std::size_t last = std::min(row_ + rows_per_poll, row_end_);
  const world::Frame& previous = world_.frame(tick_ - 1);
  world::Frame& next = world_.frame(tick_);
  game.think(game.context, {setup.world, setup.seed, tick_, previous, world_.identity_, row_, last});
  world::step_rows(setup.world, world_.identity_, previous, next, inputs_.data(), tick_, row_, last, take_);
  game.step(game.context, {tick_, world_.identity_, next, game_players_, row_, last});
  world_.grid_.count(shard_, next, world_.identity_, row_, last);
  hash_ += world::hash_rows(next, world_.identity_, row_, last);
  const auto stepped = static_cast<unsigned>(last - row_);
  row_ = last;
  if (row_ < row_end_) return stepped;
  world_.sums_[shard_].hash.store(hash_, std::memory_order_relaxed);
  world_.sums_[shard_].entities.store(pool_.used(), std::memory_order_relaxed);
  world_.barrier_.arrive(shard_, begun_ticks_ * 2);
  phase_ = Phase::barrier_stepped;
  return stepped + 1;
}

unsigned ShardLane::publish() noexcept {
  const std::size_t last = std::min(row_ + rows_per_poll, row_end_);
  const world::Frame& now = world_.frame(tick_);
  world::publish_rows(world_.setup_.world, now, world_.identity_, world_.published_, tick_, acked_age_, row_, last);
  world_.grid_.scatter(shard_, now, world_.identity_, row_, last);
  const auto published = static_cast<unsigned>(last - row_);
  row_ = last;
  if (row_ == row_end_) {
    world_.barrier_.arrive(shard_, begun_ticks_ * 2 + 1);
    phase_ = Phase::barrier_indexed;
  }
  return published + 1;
}

void ShardLane::end_tick(Nanos now) noexcept {
  phase_ = Phase::idle;
  if (shard_ == 0) counters_.ticks.add(1);
  counters_.players.set(active_viewers_);
  counters_.entities.set(pool_.used());
  counters_.absent.set(absent_);
  counters_.far_staleness_ticks.set(far_staleness_);
  const Nanos ended = world_.setup_.clock != nullptr ? world_.setup_.clock() : now;
  const Nanos total = ended > scheduled_ ? ended - scheduled_ : 0;
  counters_.tick_total.record(total);

  const std::uint64_t starved =
      counters_.drops.value(metrics::Drop::no_buffer) + counters_.drops.value(metrics::Drop::filled_ring_full);
  const Nanos plans = ended > planning_since_ ? ended - planning_since_ : 0;
  throttle_.note(total, plans, second / world_.setup_.world.ticks_per_second, starved != starved_);
  starved_ = starved;
  counters_.interval_ticks.set(throttle_.interval());
  counters_.interval_ticks_max.set(std::max<std::uint64_t>(counters_.interval_ticks_max.value(), throttle_.interval()));
}

void Simulation::remember_hash(std::uint32_t tick) noexcept {
  std::uint64_t hash = 0;
  for (unsigned shard = 0; shard < setup_.shards; ++shard) hash += sums_[shard].hash.load(std::memory_order_relaxed);
  HashEntry& entry = history_[tick % history_ticks];
  entry.known.store(0, std::memory_order_release);
  entry.hash.store(hash, std::memory_order_release);
  entry.known.store(known_as(tick), std::memory_order_release);
  hashed_.store(tick, std::memory_order_release);
}

}  // namespace serried::shard
