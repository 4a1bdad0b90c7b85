#pragma once
/// What comes back from the handshake lane. Twin of connect, which sends it there.

#include "io/io_state.h"

namespace serried::io {

/// Results of jobs, at most 16, and sessions that are superseded, at most 64. Returns how many there were.
unsigned handshake_results(IoState& state, Nanos now) noexcept;

}  // namespace serried::io
