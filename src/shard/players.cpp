/// Joins and leaves of players. Both take effect when the next step begins, so that the tick follows from when the
/// session event was drained and from nothing else.
///
///                  join                      step begins
///       unknown ---------> joining ------------------------> present
///                             ^    join (another session)    |     |  leave
///                             +------------------------------+     +--------> despawned when the step begins
///                             |    join                            |  leave, linger
///                             +---------------------- absent <-----+
///                                                        |  resume_s later, or its place is needed
///                                                        +--------> despawned

#include <algorithm>

#include "channel/congestion.h"
#include "shard/shard_lane.h"

namespace serried::shard {

void ShardLane::join(unsigned io_lane, const link::SessionEvent::Join& event) noexcept {
  std::uint32_t& place = place_of(io_lane, event.session);
  if (place != no_viewer) {
    if (viewers_[place].connection_id == event.connection_id) return;
    // The slot's last session has ended, and its leave has not come.
    if (slots_[place].player_id != event.player_id) leave(place, false);
  }
  const std::uint32_t index = slot_for(event);
  if (index == no_viewer) return refuse(io_lane, event.connection_id, event.session);
  place = index;
  replicate::Viewer& viewer = viewers_[index];
  viewer.connection_id = event.connection_id;
  viewer.session = event.session;
  viewer.io_lane = static_cast<std::uint16_t>(io_lane);
  viewer.wants_audit = event.audit;
  viewer.handed = 0;
  viewer.send_limit = channel::Congestion::window_first;
  PlayerSlot& slot = slots_[index];
  slot.player_id = event.player_id;
  slot.round_trip = event.round_trip;
  still(index, false);
  game_sessions_.clear(index);
  if (!slot.joining) spawns_[spawn_count_++] = index;
  slot.joining = true;
}

/// The place that a player had, taken from the session that has it now, or a new one; no_viewer when there is none.
std::uint32_t ShardLane::slot_for(const link::SessionEvent::Join& event) noexcept {
  if (const std::uint32_t* const known = players_.find(event.player_id); known != nullptr) {
    const std::uint32_t index = *known;
    replicate::Viewer& viewer = viewers_[index];
    std::uint32_t* old = nullptr;
    if (viewer.connection_id != wire::no_connection) old = &place_of(viewer.io_lane, viewer.session);
    if (resume_ticks_ != 0) {
      // A newer session of the player, before the old one has left or after: its leave, if it comes yet, finds no
      // player.
      if (old != nullptr) *old = no_viewer;
      if (viewer.active) --active_viewers_;
      viewer.active = false;
      if (slots_[index].absent) end_absence(index);
      counters_.resumed.add(1);
      return index;
    }
    // No player is absent here, so this one has a session.
    if (old != nullptr) leave(*old, false);
  }
  const std::uint32_t index = free_viewer_count_ != 0 ? free_viewers_[--free_viewer_count_] : give_way();
  if (index == no_viewer) return no_viewer;
  viewers_[index].own_slot = world::no_slot;
  viewers_[index].active = false;
  players_.insert(event.player_id, index);
  return index;
}

/// The place of the player who has been absent longest; no_viewer when none is. Its row rests before it is used again,
/// like every other.
std::uint32_t ShardLane::give_way() noexcept {
  const std::uint32_t index = longest_absent_;
  if (index == no_viewer) return no_viewer;
  end_absence(index);
  players_.erase(slots_[index].player_id);
  given_up_[given_up_count_++] = viewers_[index].own_slot;
  return index;
}

void ShardLane::begin_absence(std::uint32_t index) noexcept {
  PlayerSlot& slot = slots_[index];
  slot.absent = true;
  slot.gone_tick = tick_ + 1 + resume_ticks_;
  slot.before = last_absent_;
  slot.after = no_viewer;
  (last_absent_ != no_viewer ? slots_[last_absent_].after : longest_absent_) = index;
  last_absent_ = index;
  ++absent_;
}

void ShardLane::end_absence(std::uint32_t index) noexcept {
  PlayerSlot& slot = slots_[index];
  slot.absent = false;
  (slot.before != no_viewer ? slots_[slot.before].after : longest_absent_) = slot.after;
  (slot.after != no_viewer ? slots_[slot.after].before : last_absent_) = slot.before;
  --absent_;
}

/// No input, and none held; the yaw stays. What the game keeps from step to step begins anew.
void ShardLane::still(std::uint32_t index, bool absent) noexcept {
  const std::int16_t yaw = inputs_[index].held.yaw;
  inputs_[index] = {};
  inputs_[index].held.yaw = yaw;
  inputs_[index].absent = absent;
  game_players_.clear(index);
}

/// From now on nothing is planned for the viewer.
void ShardLane::leave(std::uint32_t& place, bool linger) noexcept {
  const std::uint32_t index = place;
  place = no_viewer;
  replicate::Viewer& viewer = viewers_[index];
  if (viewer.active) --active_viewers_;
  viewer.active = false;
  viewer.connection_id = wire::no_connection;
  if (linger && resume_ticks_ != 0 && viewer.own_slot != world::no_slot) {
    still(index, true);
    begin_absence(index);
    return;
  }
  players_.erase(slots_[index].player_id);
  despawns_[despawn_count_++] = index;
}

void ShardLane::refuse(unsigned io_lane, std::uint32_t connection_id, std::uint32_t session) noexcept {
  links_[io_lane].rings->notices.push({.connection_id = connection_id, .session = session});
}

void ShardLane::spawn_players() noexcept {
  const std::uint32_t count = spawn_count_;
  spawn_count_ = 0;  // those that must wait gather in front of those that were not looked at
  for (std::uint32_t i = 0; i < count; i += game::spawns_per_slice)
    spawn_players({&spawns_[i], std::min<std::size_t>(count - i, game::spawns_per_slice)});
}

void ShardLane::spawn_players(std::span<const std::uint32_t> viewers) noexcept {
  const ShardSetup& setup = world_.setup_;
  std::array<std::uint64_t, game::spawns_per_slice> player_ids;
  std::array<world::Spawn, game::spawns_per_slice> spawns;
  unsigned count = 0;
  for (const std::uint32_t index : viewers) {
    if (viewers_[index].connection_id == wire::no_connection || viewers_[index].own_slot != world::no_slot) continue;
    player_ids[count] = slots_[index].player_id;
    spawns[count++] = engine_spawn_of(index);
  }
  if (count != 0)
    setup.game.spawn_players(setup.game.context,
                             {setup.world, setup.seed, {player_ids.data(), count}, {spawns.data(), count}});

  const Nanos period = second / setup.world.ticks_per_second;
  const world::Spawn* next = spawns.data();
  for (const std::uint32_t index : viewers) {
    replicate::Viewer& viewer = viewers_[index];
    PlayerSlot& slot = slots_[index];
    slot.joining = false;
    if (viewer.connection_id == wire::no_connection) continue;  // left again
    if (viewer.own_slot == world::no_slot && !spawn(index, *next++)) {
      slot.joining = true;  // there are as many rows as viewers: one rests, and will have rested
      spawns_[spawn_count_++] = index;
      continue;
    }
    const Nanos round_trip = std::min<Nanos>((slot.round_trip + period - 1) / period, 600);
    replicate::begin(viewer, viewer.own_slot, world_.identity_.generation[viewer.own_slot],
                     static_cast<unsigned>(round_trip), tick_);
    viewer.active = true;
    ++active_viewers_;
    viewer_high_ = std::max(viewer_high_, index + 1);
    if (!world_.welcome_.message.empty() && !slot.unwelcomed) slot.unwelcomed = newcomers_.push(index);
  }
}

/// What the engine knows of a player without a row.
world::Spawn ShardLane::engine_spawn_of(std::uint32_t index) const noexcept {
  return {.id = world::player_entity(slots_[index].player_id), .type = world::Type::player, .owner = index};
}

/// The same with what the game adds: the entity as it will be when the next step begins.
world::Spawn ShardLane::spawn_of(std::uint32_t index) const noexcept {
  const ShardSetup& setup = world_.setup_;
  world::Spawn spawn = engine_spawn_of(index);
  setup.game.spawn_players(setup.game.context, {setup.world, setup.seed, {&slots_[index].player_id, 1}, {&spawn, 1}});
  return spawn;
}

/// False when no row is free yet.
bool ShardLane::spawn(std::uint32_t index, const world::Spawn& spawn) noexcept {
  const std::uint16_t row = pool_.take(tick_);
  if (row == world::no_slot) return false;
  world::spawn(world_.frame(tick_), world_.identity_, row, spawn, tick_);
  viewers_[index].own_slot = row;
  inputs_[index].held.yaw = world_.frame(tick_).yaw[row];
  return true;
}

void ShardLane::despawn_players() noexcept {
  for (std::uint32_t i = 0; i < given_up_count_; ++i) free_row(given_up_[i]);
  given_up_count_ = 0;
  for (std::uint32_t i = 0; i < despawn_count_; ++i) despawn(despawns_[i]);
  despawn_count_ = 0;
  while (longest_absent_ != no_viewer && slots_[longest_absent_].gone_tick == tick_) {
    const std::uint32_t index = longest_absent_;
    end_absence(index);
    players_.erase(slots_[index].player_id);
    despawn(index);
  }
}

void ShardLane::despawn(std::uint32_t index) noexcept {
  std::uint16_t& row = viewers_[index].own_slot;
  if (row != world::no_slot) free_row(row);
  row = world::no_slot;
  free_viewers_[free_viewer_count_++] = index;
}

void ShardLane::free_row(std::uint16_t row) noexcept {
  world_.identity_.living[row] = 0;
  world_.identity_.generation[row] = static_cast<std::uint8_t>((world_.identity_.generation[row] + 1) & 3);
  pool_.give(row, tick_);
}

}  // namespace serried::shard
