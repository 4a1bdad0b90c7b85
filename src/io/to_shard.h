#pragma once
/// From a session to its shard: inputs and acks of plans as rows, game messages as memory that is lent.

#include "io/io_state.h"
#include "message/type.h"

namespace serried::io {

/// Hand the input rows to their shards.
/// Drops   messages: shard_ring_full
void steer(IoState& state) noexcept;
/// One row for one shard; a full burst is handed over at once.
void steer_row(IoState& state, unsigned shard, const link::InputRow& row) noexcept;

/// A row for the shard with nothing but acks of plans, and the send limit.
[[nodiscard]] link::InputRow plan_acks_row(IoState& state, std::uint32_t slot, const PlanAcks& plan_acks) noexcept;

/// Whether the session's shard takes a game message now, and all answers that it may have will find room: those of the
/// messages that the shard has not read yet are counted. The shard must know the session before its messages: the
/// session's own join goes first when it waits. Joins of other sessions do not matter.
[[nodiscard]] bool has_message_room(IoState& state, std::uint32_t slot) noexcept;
/// Whether one more message may be queued that the session did not ask for: not where it would take the room of answers
/// to messages that the shard has, or of control messages.
[[nodiscard]] bool leaves_room_for_answers(IoState& state, std::uint32_t slot, std::uint32_t bytes) noexcept;
/// One message of class 3 for the session's shard. False: no room now.
[[nodiscard]] bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                                     std::span<const std::uint8_t> content, Nanos now) noexcept;
/// Lend the session's shard the memory of a game message. Precondition: has_message_room.
void lend_game_message(IoState& state, std::uint32_t slot, wire::Channel channel,
                       link::GameMessage game_message) noexcept;
/// The shard has read a game message of this session, if there still is one, and given its memory back: what waits for
/// room is offered again.
void on_game_message_read(IoState& state, std::uint32_t connection_id, Nanos now) noexcept;

}  // namespace serried::io
