#include "channel/congestion.h"
#include "lane/shard_lane.h"
#include "replicate/acks.h"
#include "session/id.h"

namespace serried::lane {

using observe::Drop;

/// Commands before inputs, so that a session's first input finds its viewer.
unsigned ShardLane::drain() noexcept {
  unsigned taken = 0;
  ring_backlog_ = false;
  std::array<Command, ring_burst> commands;
  std::array<InputRow, ring_burst> rows;
  for (unsigned io_lane = 0; io_lane < links_.size(); ++io_lane) {
    IoShardLink& rings = *links_[io_lane].rings;
    // Every join may end in a notice: take none whose refusal would find no room.
    if (rings.notices.free() >= birth_count_ + ring_burst) {
      const unsigned count = rings.commands.pop(commands.data(), ring_burst);
      for (unsigned i = 0; i < count; ++i) take_command(io_lane, commands[i]);
      ring_backlog_ |= count == ring_burst;
      taken += count;
    }
    const unsigned count = rings.inputs.pop(rows.data(), ring_burst);
    for (unsigned i = 0; i < count; ++i) take_input(io_lane, rows[i]);
    ring_backlog_ |= count == ring_burst;
    taken += count;
  }
  return taken;
}

void ShardLane::take_command(unsigned io_lane, const Command& command) noexcept {
  if (command.session >= world_.setup().sessions_per_lane) {
    counters_.drops.add(Drop::shard_unknown_viewer);
    return;
  }
  std::uint32_t& place = viewer_of_session_[std::size_t{io_lane} * world_.setup().sessions_per_lane + command.session];
  const bool same = place != no_viewer && viewers_[place].connection_id == command.connection_id;
  if (command.kind == Command::Kind::leave) {
    if (same) leave(place);
    return;
  }
  if (same) return;
  if (place != no_viewer) leave(place);  // the slot's last session ended without a word
  if (free_viewer_count_ == 0) {
    links_[io_lane].rings->notices.push(
        {.kind = Notice::Kind::world_full, .connection_id = command.connection_id, .session = command.session});
    return;
  }
  place = free_viewers_[--free_viewer_count_];
  replicate::Viewer& viewer = viewers_[place];
  viewer.connection_id = command.connection_id;
  viewer.session = command.session;
  viewer.io_lane = static_cast<std::uint16_t>(io_lane);
  viewer.own_slot = world::no_slot;
  viewer.active = false;
  viewer.wants_audit = command.audit;
  viewer.handed = 0;
  viewer.send_limit = channel::Congestion::window_first;
  inputs_[place] = {};
  births_[birth_count_++] = {place, command.player_id, command.round_trip};
}

/// The entity and the viewer end when the next step begins; from now on nothing is planned for it.
void ShardLane::leave(std::uint32_t& place) noexcept {
  viewers_[place].active = false;
  viewers_[place].connection_id = wire::no_connection;
  deaths_[death_count_++] = place;
  place = no_viewer;
}

void ShardLane::take_input(unsigned io_lane, const InputRow& row) noexcept {
  const ShardSetup& setup = world_.setup();
  const std::uint32_t session = session::slot_of(row.connection_id);
  const std::uint32_t index = session < setup.sessions_per_lane
                                  ? viewer_of_session_[std::size_t{io_lane} * setup.sessions_per_lane + session]
                                  : no_viewer;
  if (index == no_viewer || viewers_[index].connection_id != row.connection_id) {
    counters_.drops.add(Drop::shard_unknown_viewer);
    return;
  }
  replicate::Viewer& viewer = viewers_[index];
  viewer.send_limit = row.send_limit;
  const auto plans = [](std::uint16_t newest, std::uint32_t mask, auto&& each) {
    for (; mask != 0; mask &= mask - 1) each(static_cast<std::uint16_t>(newest - std::countr_zero(mask)));
  };
  if (viewer.active) {
    plans(row.plan_acked, row.plan_acked_mask, [&](std::uint16_t plan) {
      replicate::on_acked(viewer, plan, tick_);
      counters_.acks.add(1);
    });
    plans(row.plan_lost, row.plan_lost_mask, [&](std::uint16_t plan) {
      replicate::on_lost(viewer, plan);
      counters_.losses.add(1);
    });
  }
  if (row.has_input == 0) return;
  counters_.inputs.add(1);
  const motion::Intent intent{row.move_x, row.move_y, row.yaw, row.buttons};
  switch (inputs_[index].push(row.input_sequence, intent)) {
    case world::InputQueue::Result::queued:
      break;
    case world::InputQueue::Result::stale:
      counters_.drops.add(Drop::stale_input);
      break;
    case world::InputQueue::Result::oldest_dropped:
      counters_.drops.add(Drop::input_queue_full);
      break;
  }
}

void ShardLane::refuse(const replicate::Viewer& viewer) noexcept {
  links_[viewer.io_lane].rings->notices.push(
      {.kind = Notice::Kind::world_full, .connection_id = viewer.connection_id, .session = viewer.session});
}

}  // namespace serried::lane
