/// Rows and messages for shards.

#include "io/to_shard.h"

#include <algorithm>

#include "io/reliable.h"

namespace serried::io {

using message::Type;
using metrics::Drop;

namespace {

/// Kept on channel 1 for RekeyRequest and CheckIntegrity, of which one each may be unacked.
constexpr unsigned control_messages = 2;
constexpr std::uint32_t control_bytes = 64;
/// Chunks that the answers to one game message may take.
constexpr std::uint32_t answers_chunks =
    link::GameMessage::answers_max + channel::ChunkPool::chunks_for(link::GameMessage::answers_bytes_max);
/// While less than half of the pool is free a session is answered no more than this fourth of what it may have unacked.
constexpr unsigned scarce_messages = channel::Reliable::unacked_messages_max * 3 / 4;

/// Answers to so many game messages, control messages, and `more` of together `bytes` find room.
bool keeps_room(IoState& state, std::uint32_t slot, unsigned questions, unsigned more, std::uint32_t bytes) noexcept {
  const unsigned messages = questions * link::GameMessage::answers_max + control_messages + more;
  const std::uint32_t chunks = (state.at_shards + 1) * answers_chunks + state.pools.chunk.capacity() / 64;
  return state.table.reliable(slot).has_room(
             messages, questions * link::GameMessage::answers_bytes_max + control_bytes + bytes) &&
         state.pools.chunk.free_chunks() >= chunks;
}

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
  const session::Cold& cold = state.table.cold(slot);
  const unsigned withheld = state.pools.chunk.scarce() ? scarce_messages : 0;
  return keeps_room(state, slot, cold.at_shard + 1U, withheld, 0) && !cold.join_waits &&
         state.shards[state.table.admission(slot).shard]->game_messages.free() != 0 && !state.spare.empty();
}

bool leaves_room_for_answers(IoState& state, std::uint32_t slot, std::uint32_t bytes) noexcept {
  return keeps_room(state, slot, state.table.cold(slot).at_shard, 1, bytes);
}

bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, Type type,
                       std::span<const std::uint8_t> content, Nanos now) noexcept {
  if (!has_message_room(state, slot)) return false;
  const auto bytes = static_cast<std::uint32_t>(content.size() + 1);
  link::GameMessage game_message;
  if (bytes <= link::GameMessage::buffer_bytes_max) {
    game_message = link::GameMessage::in_buffer(state.spare.pop(), bytes);
  } else {
    // It came packed, and what a datagram unpacks to is longer than a datagram.
    const std::uint16_t block = state.pools.block.acquire_received(bytes, now);
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
  ++state.table.cold(slot).at_shard;
  ++state.at_shards;
  state.counters.game_messages_in.add(1);
}

void on_game_message_read(IoState& state, std::uint32_t connection_id, Nanos now) noexcept {
  --state.at_shards;
  const std::uint32_t slot = state.table.find(connection_id);
  if (slot == session::Table::none) return;
  --state.table.cold(slot).at_shard;
  channel::Reliable& reliable = state.table.reliable(slot);
  if (!session::opens(state.table.admission(slot).state) || !reliable.holds()) return;
  ReliableContext context{state, slot, now};
  static_cast<void>(reliable.hand_over(state.pools, reliable_receiver(context), now));
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
