#pragma once
/// Twin of record_sent: what a session owes the protocol for each datagram that it receives.

#include "io/io_state.h"

namespace serried::io {

/// What every authentic datagram does to its session: it was heard, it must be acked, it may carry acks.
/// Reads   data, length, session, path, live
/// Writes  plan_acks, ack_bytes, verdict, live, sessions
/// Drops   bad_ack, session_ending
void record_received(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// The receiving half of acks: the datagram was taken in.
void note_received(IoState& state, std::uint32_t slot, std::uint64_t sequence, channel::AckPolicy policy,
                   Nanos now) noexcept;

}  // namespace serried::io
