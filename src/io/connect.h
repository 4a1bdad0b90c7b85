#pragma once
/// Clear datagrams: the handshake up to the point where keys are needed. Twin of handshake_results.

#include "io/io_state.h"

namespace serried::io {

/// Process the clear datagrams of the burst (Connects) and take them out of `live`.
/// Writes  attempts, the handshake ring, ready
/// Drops   bad_connect, banned, address_rate, prefix_rate, cookie_budget, attempts_full, attempt_known,
///         handshake_ring_full
/// Source  docs/wire-format.md section 4
void connect(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// Send a ConnectionDenied, in clear.
void send_denied(IoState& state, const crypt::PublicKey& client_ephemeral, message::DenyReason reason,
                 std::uint32_t retry_after_ms, const wire::Path& to) noexcept;

}  // namespace serried::io
