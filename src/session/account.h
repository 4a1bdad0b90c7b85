#pragma once
/// Twin of admit: what a session owes the protocol for each datagram it sends.

#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// What rides in a row, beside its bytes.
struct Freight {
  channel::Flight flight[wire::Batch::capacity];  ///< what its ack will be about
  bool wants_ack[wire::Batch::capacity];          ///< false for ack-only datagrams
};

/// Give every live row the next sequence of its session, remember what it carries, and fill the header columns.
/// `random` decides where a number is left out: once in about 256 datagrams, a trap for a peer that acks what it
/// never received.
/// Reads   session, flags, length, live      Writes  connection_id, channel, flags, sequence, the sessions' queues of
/// what is in flight      A reliable datagram that has to make room there is lost: its messages are sent again.
/// Owner   io lane      Cost  bench/session_bench.cpp
/// Source  docs/wire-format.md section 1
void account(wire::Batch& batch, Table& table, channel::Pools& pools, const Freight& freight, std::uint64_t random,
             Nanos now) noexcept;

}  // namespace serried::session
