/// Rows and messages for shards.

#include "io/to_shard.h"

#include <algorithm>

#include "io/reliable.h"

namespace serried::io {

using message::Type;
using metrics::Drop;

namespace {

void push_rows(IoState& state, unsigned shard) noexcept {
  IoState::Steering& steering = state.steering[shard];
  if (steering.rows == 0) return;
  const unsigned taken = state.shards[shard]->inputs.push(steering.row.data(), steering.rows);
  if (taken < steering.rows) state.counters.drops.add(Drop::shard_ring_full, steering.rows - taken);
  for (unsigned i = taken; i < steering.rows; ++i)
    state.table.outbound(session::slot_of(steering.row[i].connection_id)).held_back = true;
  for (unsigned i = 0; i < taken; ++i) state.counters.inputs.add(steering.row[i].has_input);
  steering.rows = 0;
}

}  // namespace

void steer_row(IoState& state, unsigned shard, const link::InputRow& row) noexcept {
  IoState::Steering& steering = state.steering[shard];
  steering.row[steering.rows++] = row;
  if (steering.rows == steering.row.size()) push_rows(state, shard);
}

void steer(IoState& state) noexcept {
  for (unsigned shard = 0; shard < state.steering.size(); ++shard) push_rows(state, shard);
}

bool has_message_room(IoState& state, std::uint32_t slot) noexcept {
  return !state.table.reliable(slot).nearly_full() && !state.table.cold(slot).join_waits &&
         state.shards[state.table.admission(slot).shard]->game_messages.free() != 0 && !state.spare.empty();
}

bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, Type type,
                       std::span<const std::uint8_t> content) noexcept {
  if (!has_message_room(state, slot)) return false;
  const auto bytes = static_cast<std::uint32_t>(content.size() + 1);
  link::GameMessage game_message;
  if (bytes <= link::GameMessage::buffer_bytes_max) {
    game_message = link::GameMessage::in_buffer(state.spare.pop(), bytes);
  } else {
    // It came packed, and what a datagram unpacks to is longer than a datagram.
    const std::uint16_t block = state.pools.block.acquire(bytes);
    if (block == channel::BlockPool::none) return false;
    game_message = link::GameMessage::in_block(state.pools.block.bytes(block).data(), block, bytes);
  }
  game_message.message[0] = static_cast<std::uint8_t>(type);
  std::copy(content.begin(), content.end(), game_message.message + 1);
  lend_game_message(state, slot, channel, game_message);
  return true;
}

void lend_game_message(IoState& state, std::uint32_t slot, wire::Channel channel,
                       link::GameMessage game_message) noexcept {
  const session::Admission& session = state.table.admission(slot);
  game_message.connection_id = session.connection_id;
  game_message.channel = channel;
  static_cast<void>(state.shards[session.shard]->game_messages.push(game_message));
  state.counters.game_messages_in.add(1);
}

link::InputRow plan_acks_row(IoState& state, std::uint32_t slot, const PlanAcks& plan_acks) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  link::InputRow row;
  row.connection_id = state.table.admission(slot).connection_id;
  row.send_limit = send_limit(state, slot);
  outbound.held_back = row.send_limit - outbound.taken_bytes < wire::datagram_bytes_max;
  row.plan_acked = plan_acks.acked;
  row.plan_acked_mask = plan_acks.acked_mask;
  row.plan_lost = plan_acks.lost;
  row.plan_lost_mask = plan_acks.lost_mask;
  return row;
}

}  // namespace serried::io
