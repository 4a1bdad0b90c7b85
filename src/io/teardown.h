#pragma once
/// The end of a session: what is told to the client, to its shard and to the handshake lane.

#include "io/io_state.h"

namespace serried::io {

/// Begin the end of a session; `tell` sends Disconnect three times before the slot is free.
void end_session(IoState& state, std::uint32_t slot, message::DisconnectReason reason, bool tell) noexcept;

/// Tell shard and handshake lane that the session is over, and send Disconnect as often as is due. Called again by the
/// sweep until all have been told and nothing of the session stands in a queue: then the slot is free.
void finish_session(IoState& state, std::uint32_t slot, Nanos now) noexcept;

}  // namespace serried::io
