#pragma once
/// What sessions have to say, as bursts.

#include "io/io_state.h"
#include "session/record_sent.h"

namespace serried::io {

/// Fill `batch` with what sessions have to say: control messages first, then the shards' bodies, fairly. Bundles the
/// ack block before each body.
/// Writes  data, length, path, session, flags, live; info
/// Drops   session_gone
void gather(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, Nanos now) noexcept;

/// Fill `batch` with datagrams that need no more work.
void gather_ready(IoState& state, wire::Batch& batch) noexcept;

}  // namespace serried::io
