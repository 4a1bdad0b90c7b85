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

/// Whether the session's shard takes a game message now, and the session could be sent an answer. The shard must know
/// the session before its messages: the session's own join goes first when it waits. Joins of other sessions do not
/// matter.
[[nodiscard]] bool has_message_room(IoState& state, std::uint32_t slot) noexcept;
/// One message of class 3 for the session's shard. False: no room now.
[[nodiscard]] bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                                     std::span<const std::uint8_t> content) noexcept;
/// Lend the session's shard the memory of a game message. Precondition: has_message_room.
void lend_game_message(IoState& state, std::uint32_t slot, wire::Channel channel,
                       link::GameMessage game_message) noexcept;

}  // namespace serried::io
