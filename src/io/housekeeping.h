#pragma once
/// What time and the other lanes bring to an io lane.

#include "io/io_state.h"

namespace serried::io {

/// Results of the handshake lane, notices of shards, session events that waited, acks that are due, a slice of the
/// sweep over sessions and attempts. Bounded. Returns how much there was to do.
unsigned housekeeping(IoState& state, Nanos now) noexcept;

}  // namespace serried::io
