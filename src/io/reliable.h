#pragma once
/// Messages that must arrive, in both directions, and what acks say of datagrams.

#include "io/io_state.h"
#include "message/type.h"

namespace serried::io {

/// The receiver of a session's reliable messages and joined fragments: `context` is a ReliableContext.
struct ReliableContext {
  IoState& state;
  std::uint32_t slot;
  Nanos now;
};
[[nodiscard]] channel::Receiver reliable_receiver(ReliableContext& context) noexcept;
/// A datagram on channel 1 or 2, or a fragment on any: everything behind the ack block. What it says is handled before
/// this returns.
/// Drops   reliable_closed, reliable_no_room, bad_reliable, bad_fragment
[[nodiscard]] metrics::Drop accept_reliable(IoState& state, std::uint32_t slot, wire::Channel channel, bool fragment,
                                            base::ByteReader body, Nanos now) noexcept;
/// What became of datagrams of a session: plans go to the shard as rows of their own, or into `plan_acks` if there is
/// one; reliable messages that were lost are queued again.
void on_outcomes(IoState& state, std::uint32_t slot, const channel::SentDatagrams::Outcome* outcome, unsigned count,
                 PlanAcks* plan_acks, Nanos now) noexcept;
/// The same for what had to make room among the datagrams in flight. A window is counted in bytes: of small plans more
/// may be handed over than the queue holds, when a client falls silent before the shard is told of it.
void on_evicted(IoState& state, const session::SendBatchInfo& info, Nanos now) noexcept;
/// The retransmission timer of a session, and messages that wait for room at their receiver.
void sweep_reliable(IoState& state, std::uint32_t slot, Nanos now) noexcept;
/// Datagrams of sessions whose reliable messages are due, as windows and pace allow. Bounded; returns how many.
unsigned send_reliable(IoState& state, Nanos now) noexcept;
/// What link::InputRow::send_limit is to be now.
[[nodiscard]] std::uint32_t send_limit(IoState& state, std::uint32_t slot) noexcept;
/// A shard that holds a viewer back hears that there is room again: nothing else may tell it, when the client sends no
/// inputs and what made the room was no plan.
void tell_room(IoState& state, std::uint32_t slot) noexcept;

/// Queue a control message on channel 1, for which has_message_room keeps room. Without it the session cannot go on: if
/// there is no room all the same it ends (overload).
void send_control_message(IoState& state, std::uint32_t slot, const message::Framed& framed, channel::Urgency urgency,
                          Nanos now) noexcept;
/// Queue a message of a session on channel 1 or 2. Without room it is dropped and counted; unless it `may_drop`, a
/// session whose client has left as much unacked as it may ends (overload).
void send_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                  std::span<const std::uint8_t> content, channel::Urgency urgency, bool may_drop, Nanos now) noexcept;
/// The same for a message, type first, that outlives every session.
void send_shared(IoState& state, std::uint32_t slot, wire::Channel channel, std::span<const std::uint8_t> message,
                 Nanos now) noexcept;
/// The session has something to send, or may have, or its window has changed: put it into the queue of such for when
/// that is due. Without room in the window it stands nowhere: the ack or timeout that makes room comes back here.
void note_sendable(IoState& state, std::uint32_t slot, Nanos now) noexcept;

}  // namespace serried::io
