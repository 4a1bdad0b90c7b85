/// The reliable channels of a lane's sessions, between the session's Reliable (channel/reliable.h) and the lane: what
/// comes in order goes to dispatch or to the shard, what is due goes out as the congestion window allows.

#include "io/reliable.h"

#include <algorithm>

#include "channel/reliable.h"
#include "io/dispatch.h"
#include "io/reply.h"
#include "io/teardown.h"
#include "io/to_shard.h"
#include "wire/datagram.h"

namespace serried::io {
namespace {

using channel::Accepted;
using channel::Queued;
using channel::Reliable;
using channel::SentDatagrams;
using message::DisconnectReason;
using metrics::Drop;

constexpr unsigned sends_per_poll = 256;
/// With more rows than this in the queue of replies no session gets its turn: half of what a poll transmits, so that
/// acks, control messages and the shards' bodies never wait behind a backlog of reliable ones.
constexpr std::size_t queued_max = 2 * wire::Batch::capacity;
constexpr unsigned datagrams_per_turn = 10;  ///< of one session, so that a long message does not hold up the others

bool take(void* context, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
  auto& [state, slot, now] = *static_cast<ReliableContext*>(context);
  return on_reliable_message(state, slot, channel, type, content, now);
}

bool leave_out(void* context, message::Type type) {
  auto& [state, slot, now] = *static_cast<ReliableContext*>(context);
  return leaves_out(state, slot, type, now);
}

void note_taken(void* context, message::Type type) {
  auto& [state, slot, now] = *static_cast<ReliableContext*>(context);
  count_taken(state, slot, type, now);
}

/// A message that came in fragments is for the game alone. Its block is lent to the shard. However short it is, or
/// cut, it counts as one of its class: beyond its rate it waits; on channel 0, or if it is spoken, it is dropped.
bool take_block(void* context, wire::Channel channel, std::uint16_t block, std::uint32_t bytes) {
  const ReliableContext& at = *static_cast<ReliableContext*>(context);
  IoState& state = at.state;  // no binding: clang 14's lambdas may not capture one
  const std::uint32_t slot = at.slot;
  const session::Admission& session = state.table.admission(slot);
  std::uint8_t* const message = state.pools.block.bytes(block).data();
  const auto type = static_cast<message::Type>(message[0]);
  const auto refuse = [&](Drop reason) {
    state.counters.drops.add(reason);
    state.pools.block.release(block);
    return true;
  };
  if (!session::opens(session.state) || type < message::Type::game_first) return refuse(Drop::unknown_message);
  if (session.state != session::State::playing || !has_message_room(state, slot)) return false;
  if (!within_rate(state, slot, type, at.now))
    return channel == wire::Channel::unreliable || is_spoken(type) ? refuse(Drop::message_rate) : false;
  lend_game_message(state, slot, channel, link::GameMessage::in_block(message, block, bytes));
  return true;
}

/// Outcomes of plans as masks behind the newest of each kind; what lies further back goes in rows of its own.
void add_outcome(IoState& state, std::uint32_t slot, PlanAcks& plan_acks, std::uint16_t plan, bool acked) noexcept {
  std::uint16_t& newest = acked ? plan_acks.acked : plan_acks.lost;
  std::uint32_t& mask = acked ? plan_acks.acked_mask : plan_acks.lost_mask;
  if (mask == 0) newest = plan;
  const auto behind = static_cast<std::uint16_t>(newest - plan);
  if (behind < 32) {
    mask |= 1U << behind;
    return;
  }
  PlanAcks far;
  (acked ? far.acked : far.lost) = plan;
  (acked ? far.acked_mask : far.lost_mask) = 1;
  steer_row(state, state.table.admission(slot).shard, plan_acks_row(state, slot, far));
}

/// Pack what was written, in place. True: it pays.
bool pack(IoState& state, std::uint32_t slot, base::ByteWriter& out) noexcept {
  if (out.size() <= channel::pack_above_bytes) return false;
  const std::size_t bytes = state.packer.pack(out.written(), state.unpacked, state.dictionary_of(slot));
  if (bytes == 0) return false;
  state.counters.packed_from_bytes.add(out.size());
  state.counters.packed_to_bytes.add(bytes);
  out.rewind(out.position() - out.size());
  out.write_bytes({state.unpacked.data(), bytes});
  return true;
}

/// The window lets a datagram go, beside so much that has no sequence yet.
bool has_room(const session::Outbound& outbound, std::uint32_t bytes, unsigned datagrams) noexcept {
  return outbound.congestion.room(outbound.sent.bytes_in_flight() + bytes,
                                  outbound.sent.datagrams_in_flight() + datagrams) >= wire::datagram_bytes_max;
}

/// One datagram of reliable messages, if window and pace let it go. False: not now, or there is nothing.
bool send_one(IoState& state, std::uint32_t slot, std::uint32_t& bytes_out, unsigned& datagrams_out,
              Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  Reliable& reliable = state.table.reliable(slot);
  if (reliable.due_at() > now || outbound.congestion.next_at() > now) return false;
  if (!has_room(outbound, bytes_out, datagrams_out)) return false;
  Reliable::Composed composed;
  std::uint32_t bytes = 0;
  const bool sent = reply_with(state, slot, [&](base::ByteWriter& out, ReplyRow& row) {
    composed = reliable.compose(state.pools, out, now);
    row.packet = composed.packet;
    row.flags = composed.fragment        ? wire::flag::fragment
                : pack(state, slot, out) ? wire::flag::compressed
                                         : std::uint8_t{0};
    bytes = static_cast<std::uint32_t>(out.size()) + link::OutRow::datagram_overhead;
    return composed.any();
  });
  if (!sent) return false;
  outbound.congestion.paced(bytes, outbound.sent.round_trip().smoothed(), now);
  bytes_out += bytes;
  ++datagrams_out;
  return true;
}

}  // namespace

channel::Receiver reliable_receiver(ReliableContext& context) noexcept {
  return {&take, &take_block, &context, &leave_out, &note_taken};
}

Drop accept_reliable(IoState& state, std::uint32_t slot, wire::Channel channel, bool fragment, base::ByteReader body,
                     Nanos now) noexcept {
  Reliable& reliable = state.table.reliable(slot);
  if (!reliable.is_open()) return Drop::reliable_closed;
  ReliableContext context{state, slot, now};
  const channel::Receiver receiver = reliable_receiver(context);
  const Accepted accepted =
      fragment ? reliable.accept_fragment(state.pools, channel, body, state.config.message_bytes_max, receiver, now)
               : reliable.accept(state.pools, channel, body, receiver, now);
  if (accepted == Accepted::yes) return Drop::none;
  if (channel == wire::Channel::unreliable) return Drop::bad_fragment;
  if (accepted == Accepted::no_room) return Drop::reliable_no_room;
  end_session(state, slot, DisconnectReason::protocol_error, true);
  return Drop::bad_reliable;
}

void on_outcomes(IoState& state, std::uint32_t slot, const SentDatagrams::Outcome* outcome, unsigned count,
                 PlanAcks* plan_acks, Nanos now) noexcept {
  PlanAcks own;
  PlanAcks& plans = plan_acks != nullptr ? *plan_acks : own;
  bool reliable = false;
  for (unsigned i = count; i-- > 0;) {
    const auto& [packet, acked] = outcome[i];
    if (packet.payload == channel::PayloadKind::plan) {
      add_outcome(state, slot, plans, packet.tag, acked);
    } else {
      state.table.reliable(slot).on_outcome(state.pools, packet, acked);
      reliable = true;
    }
  }
  if (reliable) note_sendable(state, slot, now);
  if (plan_acks == nullptr && own.any())
    steer_row(state, state.table.admission(slot).shard, plan_acks_row(state, slot, own));
}

void on_evicted(IoState& state, const session::SendBatchInfo& info, Nanos now) noexcept {
  for (unsigned i = 0; i < info.lost_count; ++i) {
    const auto& [slot, packet] = info.lost[i];
    if (!session::opens(state.table.admission(slot).state)) continue;
    const SentDatagrams::Outcome lost{packet, false};
    on_outcomes(state, slot, &lost, 1, nullptr, now);
  }
}

std::uint32_t send_limit(IoState& state, std::uint32_t slot) noexcept {
  const session::Outbound& outbound = state.table.outbound(slot);
  std::uint32_t room = outbound.congestion.room(outbound.sent.bytes_in_flight(), outbound.sent.datagrams_in_flight());
  // Bodies of plans take any room that an ack makes. Reliable messages need room for a whole datagram, which a small
  // window would never have beside plans.
  if (state.table.admission(slot).send_wanted && state.table.reliable(slot).messages_wait())
    room -= std::min<std::uint32_t>(room, wire::datagram_bytes_max);
  return outbound.taken_bytes + room;
}

void tell_room(IoState& state, std::uint32_t slot) noexcept {
  const session::Admission& session = state.table.admission(slot);
  const session::Outbound& outbound = state.table.outbound(slot);
  if (!outbound.held_back || session.state != session::State::playing) return;
  if (send_limit(state, slot) - outbound.taken_bytes >= wire::datagram_bytes_max)
    steer_row(state, session.shard, plan_acks_row(state, slot, {}));
}

void note_sendable(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  const session::Outbound& outbound = state.table.outbound(slot);
  const Nanos due = state.table.reliable(slot).due_at();
  const bool wanted = due != ~Nanos{0};
  state.table.admission(slot).send_wanted = wanted;
  if (wanted && has_room(outbound, 0, 0))
    state.due_sends.put(slot, std::max(due, outbound.congestion.next_at()), now);
  else
    state.due_sends.remove(slot);
}

void send_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                  std::span<const std::uint8_t> content, channel::Urgency urgency, bool may_drop, Nanos now) noexcept {
  Reliable& reliable = state.table.reliable(slot);
  // Broadcasts must not use up the room that answers to this session's own messages need.
  const auto bytes = static_cast<std::uint32_t>(content.size() + 1);
  const bool left_out = may_drop && (reliable.crowded(channel) || !leaves_room_for_answers(state, slot, bytes));
  const Queued queued = left_out ? Queued::busy : reliable.send(state.pools, channel, type, content, urgency, now);
  if (queued == Queued::yes) return note_sendable(state, slot, now);
  state.counters.drops.add(Drop::send_queue_full);
  // A client that has left 64 messages unacked is behind, and has missed one. That the lane's memory is short, or that
  // another long message is on its way, is no fault of the session.
  if (!may_drop && queued == Queued::full) end_session(state, slot, DisconnectReason::overload, true);
}

void send_control_message(IoState& state, std::uint32_t slot, const message::Framed& framed, channel::Urgency urgency,
                          Nanos now) noexcept {
  if (state.table.reliable(slot).send(state.pools, wire::Channel::reliable_ordered, framed.type, framed.content,
                                      urgency, now) == Queued::yes)
    return note_sendable(state, slot, now);
  state.counters.drops.add(Drop::send_queue_full);
  end_session(state, slot, DisconnectReason::overload, true);
}

void send_shared(IoState& state, std::uint32_t slot, wire::Channel channel, std::span<const std::uint8_t> message,
                 Nanos now) noexcept {
  if (message.size() <= Reliable::whole_message_bytes_max)
    return send_message(state, slot, channel, static_cast<message::Type>(message[0]), message.subspan(1),
                        channel::Urgency::bundled, true, now);
  if (state.table.reliable(slot).send_shared(channel, message, now) == Queued::yes)
    note_sendable(state, slot, now);
  else
    state.counters.drops.add(Drop::send_queue_full);
}

void sweep_reliable(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(slot);
  if (now >= outbound.sent.timeout_at()) {
    channel::AckResult plan_acks;
    outbound.sent.expire(now, state.outcomes.data(), plan_acks);
    outbound.congestion.on_timeout(outbound.sent.last_sequence(), outbound.sent.expirations());
    state.counters.retransmission_timeouts.add(1);
    on_outcomes(state, slot, state.outcomes.data(), plan_acks.outcomes, nullptr, now);
    if (outbound.sent.expirations() >= SentDatagrams::expirations_max) {
      state.counters.timed_out.add(1);
      return end_session(state, slot, DisconnectReason::timeout, true);
    }
  }
  Reliable& reliable = state.table.reliable(slot);
  if (!reliable.is_open()) return;
  // Few sessions have anything that waits, and this looks at all of them.
  if (reliable.holds()) {
    ReliableContext context{state, slot, now};
    static_cast<void>(reliable.hand_over(state.pools, reliable_receiver(context), now));
    const unsigned expired = reliable.sweep(state.pools, now);
    if (expired != 0) state.counters.drops.add(Drop::fragments_expired, expired);
  }
  if (reliable.stalled()) {
    if (!reliable.evicted()) state.counters.drops.add(Drop::fragments_given_up);  // else it is counted
    return end_session(state, slot, DisconnectReason::overload, true);
  }
  note_sendable(state, slot, now);
}

unsigned send_reliable(IoState& state, Nanos now) noexcept {
  unsigned sent = 0;
  state.due_sends.turn(now);
  std::uint32_t slot = 0;
  for (unsigned turn = 0; turn < sends_per_poll && state.replies.size() < queued_max; ++turn) {
    if (!state.due_sends.next(slot)) break;
    if (!session::opens(state.table.admission(slot).state)) continue;
    std::uint32_t bytes = 0;
    unsigned datagrams = 0;
    while (datagrams < datagrams_per_turn && send_one(state, slot, bytes, datagrams, now)) ++sent;
    note_sendable(state, slot, now);
  }
  return sent;
}

}  // namespace serried::io
