#pragma once
/// A session's change of keys.

#include "io/io_state.h"

namespace serried::io {

/// A datagram opened under Rekey::other_receive_key: the client has the new keys.
void switch_keys(IoState& state, std::uint32_t slot, Nanos now) noexcept;
/// RekeyResponse came on channel 1. Protocol errors end the session.
[[nodiscard]] metrics::Drop on_rekey_response(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content,
                                              Nanos now) noexcept;
/// A job whose work is PrepareRekey or ComputeRekey is back.
void on_rekey_job(IoState& state, const link::HandshakeJob& job, Nanos now) noexcept;
/// Called by the sweep for every established or playing session: begin, give up, or finish a rekey.
void sweep_rekey(IoState& state, std::uint32_t slot, Nanos now) noexcept;

}  // namespace serried::io
