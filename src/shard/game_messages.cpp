/// Game messages: in from the io lanes to the game, out to single viewers, and broadcasts to the viewers of all
/// shards. Nothing is taken that could not be dealt with: while rings or buffers have no room, game messages stay in
/// their ring, and the io lane acks no more of them.

#include <algorithm>

#include "session/id.h"
#include "shard/shard_lane.h"

namespace serried::shard {

using metrics::Drop;

// The io lane keeps room for the answers before it hands a message over.
static_assert(game::answers_max <= link::GameMessage::answers_max &&
              game::answers_bytes_max <= link::GameMessage::answers_bytes_max);

/// Buffers, and room for the rows, of so many messages and one row more.
bool ShardLane::has_room(Link& link, unsigned messages) noexcept {
  if (link.empty_count < messages) refill(link);
  return link.empty_count >= messages && link.rings->filled.free() > messages;
}

/// Precondition: has_room
void ShardLane::send_message(const replicate::Viewer& viewer, std::span<const std::uint8_t> message,
                             std::uint8_t flags) noexcept {
  Link& link = links_[viewer.io_lane];
  const wire::Buffer buffer = link.empties[--link.empty_count];
  std::uint8_t* const body = buffer.data + link::body_offset;
  std::copy(message.begin(), message.end(), body);
  link.rings->filled.push(link::OutRow::Message{.session = viewer.session,
                                                .connection_id = viewer.connection_id,
                                                .body_bytes = static_cast<std::uint16_t>(message.size()),
                                                .channel = wire::Channel::reliable_ordered,
                                                .flags = flags,
                                                .owner = buffer.owner,
                                                .body = body});
}

unsigned ShardLane::read_game_messages(unsigned io_lane, Nanos now) noexcept {
  Link& link = links_[io_lane];
  unsigned read = 0;
  std::uint32_t bytes = 0;
  while (const unsigned count = next_slice(link, bytes)) {
    handle(io_lane, {&link.game_messages[link.message_at], count}, now);
    link.message_at += count;
    read += count;
  }
  counters_.game_messages.add(read);
  return read;
}

/// How many of the waiting game messages the game gets next: there is room for all answers that they may have. `bytes`
/// counts what the poll has read.
unsigned ShardLane::next_slice(Link& link, std::uint32_t& bytes) noexcept {
  if (link.message_at == link.message_count || !has_room(link, game::answers_max)) return 0;
  const unsigned most =
      std::min({game::messages_per_slice, link.message_count - link.message_at, link.empty_count / game::answers_max,
                link.rings->filled.free() / (game::answers_max + 1)});
  unsigned count = 0;
  while (count < most && bytes < game_message_bytes_per_poll)
    bytes += link.game_messages[link.message_at + count++].bytes;
  return count;
}

/// Give the messages to the game, act on their outcomes in their order, and give back the memory that they lie in.
void ShardLane::handle(unsigned io_lane, std::span<const link::GameMessage> game_messages, Nanos now) noexcept {
  std::array<game::Message, game::messages_per_slice> messages;
  std::array<game::Outcome, game::messages_per_slice> outcomes;
  std::array<std::uint32_t, game::messages_per_slice> senders;  ///< by game message
  unsigned count = 0;
  for (std::size_t i = 0; i < game_messages.size(); ++i) {
    senders[i] = viewer_of(io_lane, game_messages[i].connection_id);
    if (senders[i] != no_viewer)
      messages[count++] = {sender_of(senders[i]), {game_messages[i].message, game_messages[i].bytes}};
  }
  const game::Callbacks& game = world_.setup_.game;
  if (count != 0)
    game.on_messages(game.context, {.world = world_.setup_.world,
                                    .now = now,
                                    .players = game_players_,
                                    .sessions = game_sessions_,
                                    .messages = {messages.data(), count},
                                    .outcomes = outcomes.data()});
  const game::Outcome* outcome = outcomes.data();
  for (std::size_t i = 0; i < game_messages.size(); ++i) {
    if (senders[i] != no_viewer) act_on(senders[i], *outcome++, now);
    links_[io_lane].rings->filled.push(game_messages[i].back());
  }
}

void ShardLane::act_on(std::uint32_t index, const game::Outcome& outcome, Nanos now) noexcept {
  switch (outcome.handled) {
    case game::Handled::yes:
      break;
    case game::Handled::malformed:
      return counters_.drops.add(Drop::bad_message);
    case game::Handled::unexpected:
      return counters_.drops.add(Drop::unexpected_message);
    case game::Handled::unknown:
      return counters_.drops.add(Drop::unknown_message);
  }
  base::ByteReader out{outcome.answers.written()};
  while (out.remaining() != 0)
    send_message(viewers_[index], out.read_bytes(static_cast<std::size_t>(out.read_varint())), 0);
  if (outcome.broadcasts) broadcast(outcome.broadcast, now);
}

/// Where the entity was after the last step. Precondition: it is placed.
std::array<float, 3> ShardLane::position_of(std::uint32_t index) const noexcept {
  const Simulation& world = world_;
  return world.frame(tick_).motion_of(viewers_[index].own_slot).position;
}

/// As of the last step; for a player that has just joined, as it will be.
game::Sender ShardLane::sender_of(std::uint32_t index) const noexcept {
  const Simulation& world = world_;
  game::Sender sender{.player_id = slots_[index].player_id, .input = inputs_[index].applied, .player = index};
  const std::uint16_t row = viewers_[index].own_slot;
  if (row == world::no_slot) {
    const world::Spawn spawn = spawn_of(index);
    sender.position = spawn.position;
    sender.health = spawn.health;
  } else {
    sender.position = position_of(index);
    sender.health = world.frame(tick_).health[row];
  }
  return sender;
}

/// To all shards or to none.
void ShardLane::broadcast(const game::Broadcast& broadcast, Nanos now) noexcept {
  const unsigned shards = world_.setup_.shards;
  bool room = true;
  for (unsigned to = 0; to < shards; ++to) room &= world_.broadcasts(shard_, to).free() != 0;
  if (!room || (broadcast.is_everywhere() && !everywhere_.take(now)))
    return counters_.drops.add(Drop::broadcast_overflow);
  for (unsigned to = 0; to < shards; ++to) world_.broadcasts(shard_, to).push(broadcast);
}

bool ShardLane::next_broadcast() noexcept {
  const unsigned shards = world_.setup_.shards;
  for (unsigned i = 0; i < shards && !delivering_; ++i) {
    delivering_ = world_.broadcasts(deliver_from_, shard_).pop(&broadcast_, 1) == 1;
    deliver_from_ = deliver_from_ + 1 < shards ? deliver_from_ + 1 : 0;
  }
  delivered_ = 0;
  return delivering_;
}

/// The present broadcast to the next viewers. One without room holds up the others: broadcasts wait, and then are
/// refused where they come from.
unsigned ShardLane::deliver() noexcept {
  const unsigned welcomed = welcome();
  if (!delivering_ && !next_broadcast()) return welcomed;
  unsigned looked = 0;
  for (; delivered_ < viewer_high_ && looked < viewers_per_poll; ++delivered_, ++looked) {
    const replicate::Viewer& viewer = viewers_[delivered_];
    if (!viewer.active || !broadcast_.reaches(position_of(delivered_))) continue;
    if (!has_room(links_[viewer.io_lane], 1)) break;
    send_message(viewer, broadcast_.content(), link::message_flag::may_drop);
    counters_.broadcasts_delivered.add(1);
  }
  if (delivered_ >= viewer_high_) {
    delivering_ = false;
    ++looked;
  }
  return welcomed + looked;
}

unsigned ShardLane::welcome() noexcept {
  const std::span<const std::uint8_t> message = world_.welcome_.message;
  unsigned welcomed = 0;
  for (; !newcomers_.empty() && welcomed < viewers_per_poll; ++welcomed) {
    const std::uint32_t index = newcomers_.front();
    const replicate::Viewer& viewer = viewers_[index];
    if (viewer.active) {
      Link& link = links_[viewer.io_lane];
      if (!has_room(link, 1)) break;
      if (message.size() <= link::out_body_bytes_max) {
        send_message(viewer, message, link::message_flag::may_drop);
      } else {
        link.rings->filled.push(link::OutRow::Shared{.session = viewer.session,
                                                     .connection_id = viewer.connection_id,
                                                     .channel = wire::Channel::reliable_ordered,
                                                     .message = &world_.welcome_});
      }
    }
    slots_[index].unwelcomed = false;
    static_cast<void>(newcomers_.pop());
  }
  return welcomed;
}

}  // namespace serried::shard
