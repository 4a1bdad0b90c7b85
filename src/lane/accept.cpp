/// What every authentic datagram does to its session, whatever it says.

#include "lane/io_state.h"
#include "wire/datagram.h"

namespace serried::lane {
namespace {

using channel::SentDatagrams;
using observe::Drop;

/// Parts of the protocol that this version does not take: reliable channels, fragments, compression, rekey.
constexpr std::uint8_t unsupported_flags =
    wire::flag::fragment | wire::flag::compressed | wire::flag::reliable_handshake | wire::flag::key_phase;

/// Outcomes as masks behind the newest plan of each kind; what lies further back goes in rows of its own.
PlanNews summarise(IoState& state, std::uint32_t slot, const SentDatagrams::Outcome* outcome, unsigned count) noexcept {
  PlanNews news;
  const session::Admission& session = state.table.admission(slot);
  for (unsigned i = count; i-- > 0;) {
    std::uint16_t& newest = outcome[i].acked ? news.acked : news.lost;
    std::uint32_t& mask = outcome[i].acked ? news.acked_mask : news.lost_mask;
    if (mask == 0) newest = outcome[i].tag;
    const auto behind = static_cast<std::uint16_t>(newest - outcome[i].tag);
    if (behind < 32) {
      mask |= 1U << behind;
      continue;
    }
    InputRow row;
    row.connection_id = session.connection_id;
    row.session = slot;
    (outcome[i].acked ? row.plan_acked : row.plan_lost) = outcome[i].tag;
    (outcome[i].acked ? row.plan_acked_mask : row.plan_lost_mask) = 1;
    steer_row(state, session.shard, row);
  }
  return news;
}

void note_received(IoState& state, std::uint32_t slot, std::uint64_t sequence, bool wants_ack, Nanos now) noexcept {
  session::Admission& session = state.table.admission(slot);
  channel::ReceivedDatagrams& received = state.table.outbound(slot).received;
  const Nanos delay_max = state.config.parameters.ack_delay_us * microsecond;
  received.note(sequence, wants_ack, now);
  if (!received.pending() || session.ack_queued) return;
  session.ack_queued = state.due_acks.push({slot, session.connection_id, received.due_at(delay_max)});
}

Drop accept_one(IoState& state, wire::Batch& batch, unsigned row, Nanos now) noexcept {
  const std::uint32_t slot = batch.session[row];
  session::Admission& session = state.table.admission(slot);
  session.heard_at = now;
  if (wire::Path& known = state.table.peer(slot).path;
      wire::same_endpoint(known, batch.path[row]) && !(known == batch.path[row]))
    known = batch.path[row];  // the link address or VLAN changed: learn it

  if (batch.channel[row] != static_cast<std::uint8_t>(wire::Channel::unreliable) ||
      (batch.flags[row] & unsupported_flags) != 0)
    return Drop::unsupported_channel;

  const std::size_t body_bytes =
      std::size_t{batch.length[row]} - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
  base::ByteReader body{{batch.data[row] + wire::header_bytes, body_bytes}};
  state.news[row] = {};
  if ((batch.flags[row] & wire::flag::acknowledgment) != 0) {
    channel::AckBlock block;
    std::array<SentDatagrams::Outcome, SentDatagrams::capacity> outcomes;
    unsigned count = 0;
    const bool whole = channel::read_ack_block(body, block);
    if (!whole ||
        state.table.outbound(slot).sent.acknowledge(block, state.config.parameters.ack_delay_us * microsecond, now,
                                                    outcomes.data(), count) != SentDatagrams::Verdict::ok) {
      end_session(state, slot, message::DisconnectReason::protocol_error, true);
      return Drop::bad_ack;
    }
    if (count != 0) state.news[row] = summarise(state, slot, outcomes.data(), count);
  }
  state.ack_bytes[row] = static_cast<std::uint8_t>(body_bytes - body.remaining());
  note_received(state, slot, batch.sequence[row], body.remaining() != 0, now);
  state.counters.received_body_bytes.add(body_bytes);
  return Drop::none;
}

}  // namespace

void accept(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) state.table.outbound(batch.session[batch.live[i]]).prefetch();
  batch.filter(state.counters.drops, [&](unsigned row) noexcept {
    // An earlier row of this very burst may have ended the session.
    if (!session::opens(state.table.admission(batch.session[row]).state)) return Drop::session_ending;
    return accept_one(state, batch, row, now);
  });
}

}  // namespace serried::lane
