#pragma once
/// The sessions with which a lane of a server in measurement mode begins: their players are in the world, as if each
/// had come through the handshake.

#include "io/io_state.h"
#include "session/measurement.h"

namespace serried::io {

/// Open those of the lane. Preconditions: no session was opened before, and the table has a place for each.
/// Writes  the session table, the joins that wait for their shards
/// Owner   the io lane, before its first poll
void open_measured_sessions(IoState& state, const session::Measurement& measurement, Nanos now) noexcept;

}  // namespace serried::io
