#pragma once
/// Every session once in a sweep period: silence, retransmissions, keys, addresses, builds.

#include "io/io_state.h"

namespace serried::io {

/// A slice of all sessions and of the table of attempts, as large as the time since the last one asks for.
void sweep(IoState& state, Nanos now) noexcept;

}  // namespace serried::io
