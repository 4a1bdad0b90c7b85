#include "replicate/acks.h"
#include "session/id.h"
#include "shard/shard_lane.h"

namespace serried::shard {

using metrics::Drop;

/// Session events before inputs and game messages, so that a session's first of these finds its viewer. An io lane
/// hands over a session's join before its game messages: these are taken off their ring first, and read when the
/// session events that went before them are all here.
unsigned ShardLane::drain(Nanos now) noexcept {
  unsigned taken = 0;
  ring_backlog_ = false;
  std::array<link::SessionEvent, ring_burst> events;
  std::array<link::InputRow, ring_burst> rows;
  for (unsigned io_lane = 0; io_lane < links_.size(); ++io_lane) {
    Link& link = links_[io_lane];
    link::IoShardLink& rings = *link.rings;
    if (link.message_at == link.message_count) {
      link.message_at = 0;
      link.message_count = rings.game_messages.pop(link.game_messages.data(), game_messages_per_poll);
      ring_backlog_ |= link.message_count == game_messages_per_poll;
    }
    bool joined = false;
    // Every join may end in a notice: take none whose refusal would find no room.
    if (rings.notices.free() >= ring_burst) {
      const unsigned count = rings.session_events.pop(events.data(), ring_burst);
      for (unsigned i = 0; i < count; ++i) take_session_event(io_lane, events[i]);
      joined = count < ring_burst;
      ring_backlog_ |= !joined;
      taken += count;
    }
    const unsigned count = rings.inputs.pop(rows.data(), ring_burst);
    for (unsigned i = 0; i < count; ++i) {
      if (i + 4 < count) fetch_answered(io_lane, rows[i + 4]);
      take_input(io_lane, rows[i]);
    }
    ring_backlog_ |= count == ring_burst;
    taken += count;
    if (joined) taken += read_game_messages(io_lane, now);
    ring_backlog_ |= link.message_at != link.message_count;
  }
  return taken;
}

void ShardLane::take_session_event(unsigned io_lane, const link::SessionEvent& event) noexcept {
  if (event.session() >= world_.setup_.sessions_per_lane) {
    counters_.drops.add(Drop::shard_unknown_viewer);
    return;
  }
  if (event.kind() == link::SessionEvent::Kind::join) return join(io_lane, event.join());
  std::uint32_t& place = place_of(io_lane, event.session());
  if (place != no_viewer && viewers_[place].connection_id == event.connection_id()) leave(place, event.leave().linger);
}

std::uint32_t ShardLane::viewer_of(unsigned io_lane, std::uint32_t connection_id) noexcept {
  const std::uint32_t session = session::slot_of(connection_id);
  const std::uint32_t index = session < world_.setup_.sessions_per_lane ? place_of(io_lane, session) : no_viewer;
  if (index != no_viewer && viewers_[index].connection_id == connection_id) return index;
  counters_.drops.add(Drop::shard_unknown_viewer);
  return no_viewer;
}

/// Ask for what take_input is going to touch of a viewer: it comes from afar, and the rows ahead are known.
void ShardLane::fetch_answered(unsigned io_lane, const link::InputRow& row) noexcept {
  const std::uint32_t session = session::slot_of(row.connection_id);
  if (session >= world_.setup_.sessions_per_lane) return;
  const std::uint32_t index = place_of(io_lane, session);
  if (index == no_viewer) return;
  const replicate::Viewer& viewer = viewers_[index];
  const auto fetch_lines = [](const auto& first, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(reinterpret_cast<const char*>(&first) + at, 1);
  };
  fetch_lines(viewer, 128);
  fetch_lines(inputs_[index], sizeof(world::InputQueue));
  if ((row.plan_acked_mask | row.plan_lost_mask) == 0) return;
  fetch_lines(viewer.acked, sizeof viewer.acked);
  fetch_lines(viewer.status, sizeof viewer.status);
  fetch_lines(viewer.plans[row.plan_acked % replicate::plans_in_flight], 1);
}

void ShardLane::take_input(unsigned io_lane, const link::InputRow& row) noexcept {
  const std::uint32_t index = viewer_of(io_lane, row.connection_id);
  if (index == no_viewer) return;
  replicate::Viewer& viewer = viewers_[index];
  viewer.send_limit = row.send_limit;
  const auto plans = [](std::uint16_t newest, std::uint32_t mask, auto&& each) {
    for (; mask != 0; mask &= mask - 1) each(static_cast<std::uint16_t>(newest - std::countr_zero(mask)));
  };
  if (viewer.active) {
    plans(row.plan_acked, row.plan_acked_mask, [&](std::uint16_t plan) {
      counters_.acks.add(1);
      if (!replicate::on_acked(viewer, plan, tick_)) return;
      round_trips_x8_ += viewer.round_trip_x8;
      ++round_trips_;
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

}  // namespace serried::shard
