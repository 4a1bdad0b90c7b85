#pragma once
/// Twin of record_received: what a session owes the protocol for each datagram it sends.

#include "session/peers.h"
#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// What a row carries, beside its bytes; and the packets that lose their place in the queues because these rows are
/// sent.
struct SendBatchInfo {
  struct Lost {
    std::uint32_t session;
    channel::SentPacket packet;
  };
  channel::SentPacket packet[wire::Batch::capacity];  ///< what its ack will be about
  bool ack_eliciting[wire::Batch::capacity];          ///< false for ack-only datagrams
  unsigned lost_count;
  Lost lost[wire::Batch::capacity];  ///< made room in the queue of what is in flight: no ack of it will be noticed
};

/// Give every live row the next sequence of its session, remember what it carries, and fill the header columns.
/// `random` decides where a number is left out: once in about 256 datagrams, a trap for a peer that acks what it
/// never received. Of what goes to recorded peers nothing is remembered: no ack will tell what became of it.
/// Reads   session, flags, length, live
/// Writes  connection_id, channel, flags, sequence, the sessions' queues of what is in flight, info.lost: the
///         owners of these must be told that no ack will come
/// Owner   io lane
/// Cost    bench/session_bench.cpp
/// Source  docs/wire-format.md section 1
template <Peers peers = Peers::live>
void record_sent(wire::Batch& batch, Table& table, SendBatchInfo& info, std::uint64_t random, Nanos now) noexcept;

}  // namespace serried::session
