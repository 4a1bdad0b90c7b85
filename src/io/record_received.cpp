/// What every authentic datagram does to its session, whatever its messages say: it is a sign of life, it may come
/// under new keys or from a new address, it acknowledges, and it is to be acknowledged.

#include "io/record_received.h"

#include "io/rekey.h"
#include "io/reliable.h"
#include "io/reply.h"
#include "io/roam.h"
#include "io/teardown.h"
#include "wire/datagram.h"

namespace serried::io {
namespace {

using channel::SentDatagrams;
using metrics::Drop;

/// An ack that came later than is known of this client, or of what a timeout had declared lost.
[[gnu::noinline]] void on_unusual_ack(IoState& state, std::uint32_t slot, std::uint64_t sequence,
                                      const channel::AckResult& acked, Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  if (acked.late != 0 && state.table.admission(slot).replay.peek(sequence - 1) == Drop::replay_seen)
    outbound.sent.note_late(acked.late, now);
  if (acked.too_early && outbound.congestion.on_too_early()) state.counters.early_timeouts.add(1);
}

/// What the ack block says. False: it lies.
bool acknowledge(IoState& state, std::uint32_t slot, std::uint64_t sequence, base::ByteReader& body,
                 PlanAcks& plan_acks, Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  channel::AckBlock block;
  if (!channel::read_ack_block(body, block)) return false;
  // Was the window what held us back? Otherwise there is no reason to believe in a larger one.
  const bool limited = 2 * outbound.sent.bytes_in_flight() >= outbound.congestion.window();
  channel::AckResult acked;
  if (outbound.sent.acknowledge(block, state.config.parameters.ack_delay_us * microsecond, now, state.outcomes.data(),
                                acked) != SentDatagrams::Verdict::ok)
    return false;
  if ((acked.late | Nanos{acked.too_early}) != 0) [[unlikely]]
    on_unusual_ack(state, slot, sequence, acked, now);
  const bool told = (acked.acked_bytes | acked.lost_bytes) != 0;
  if (told) outbound.congestion.on_ack_result(acked, outbound.sent.last_sequence(), limited);
  if (acked.outcomes != 0) on_outcomes(state, slot, state.outcomes.data(), acked.outcomes, &plan_acks, now);
  if (told && state.table.admission(slot).send_wanted) note_sendable(state, slot, now);
  return true;
}

Drop record_one(IoState& state, wire::Batch& batch, unsigned row, Nanos now) noexcept {
  const std::uint32_t slot = batch.session[row];
  session::Admission& session = state.table.admission(slot);
  session.heard_at = now;
  state.table.outbound(slot).sealed_bytes += batch.length[row];
  const bool odd = (batch.flags[row] & wire::flag::key_phase) != 0;
  if (odd != (session.receive_phase != 0)) [[unlikely]]
    switch_keys(state, slot, now);
  wire::Path& known = state.table.peer(slot).path;
  const bool newest = batch.sequence[row] == session.replay.largest();
  if (wire::same_endpoint(known, batch.path[row])) [[likely]] {
    session::charge(session, state.limits);
    if (newest) known = batch.path[row];  // the link address or VLAN may have changed: learn it
  } else {
    state.abuse_guard.foreign_verified();
    session::refund_foreign(state.table.cold(slot), state.limits);
    note_foreign(state, slot, batch.path[row], batch.length[row], newest, now);
  }

  const std::size_t body_bytes =
      std::size_t{batch.length[row]} - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
  base::ByteReader body{{batch.data[row] + wire::header_bytes, body_bytes}};
  state.plan_acks[row] = {};
  if ((batch.flags[row] & wire::flag::acknowledgment) != 0 &&
      !acknowledge(state, slot, batch.sequence[row], body, state.plan_acks[row], now)) {
    end_session(state, slot, message::DisconnectReason::protocol_error, true);
    return Drop::bad_ack;
  }
  state.ack_bytes[row] = static_cast<std::uint8_t>(body_bytes - body.remaining());
  state.counters.received_body_bytes.add(body_bytes);
  return Drop::none;
}

}  // namespace

void note_received(IoState& state, std::uint32_t slot, std::uint64_t sequence, channel::AckPolicy policy,
                   Nanos now) noexcept {
  session::Admission& session = state.table.admission(slot);
  channel::ReceivedDatagrams& received = state.table.outbound(slot).received;
  const Nanos delay_max = state.config.parameters.ack_delay_us * microsecond;
  received.note(sequence, policy, now);
  const Nanos due = received.due_at(delay_max);
  // The second reliable datagram, or the 32nd of any: do not let its sender wait.
  if (due == 0 && reply(state, slot, [](base::ByteWriter&) {})) return;
  if (due == ~Nanos{0} || session.ack_queued) return;
  session.ack_queued = state.due_acks.push({slot, session.connection_id, due});
}

void record_received(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) state.table.outbound(batch.session[batch.live[i]]).sent.prefetch();
  batch.filter(state.counters.drops, [&](unsigned row) noexcept {
    // An earlier row of this very burst may have ended the session.
    if (!session::opens(state.table.admission(batch.session[row]).state)) return Drop::session_ending;
    return record_one(state, batch, row, now);
  });
}

}  // namespace serried::io
