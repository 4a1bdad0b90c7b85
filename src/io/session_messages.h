#pragma once
/// Control messages of channel 0: what they do to the session, and their answers.

#include "io/to_shard.h"

namespace serried::io {

/// One datagram's worth of decoding: the session, and the row that its inputs and acks of plans leave in. The rate of
/// a session counts datagrams, so what one datagram can cause is bounded here: a body has room for 64 Pings, whose
/// answers would be 64 datagrams of ours.
struct DatagramContext {
  IoState& state;
  std::uint32_t slot;
  session::Admission& session;
  const wire::Path& from;
  std::uint8_t flags;
  Nanos now;
  PlanAcks plan_acks;  ///< goes with the first input, or alone
  unsigned messages = 0, inputs = 0;
  bool ponged = false, tested = false, met = false;
  bool pong_seen = false;  ///< one counts: a datagram full of guessed ids is one guess

  link::InputRow take_plan_acks() noexcept { return plan_acks_row(state, slot, std::exchange(plan_acks, {})); }
};

/// Each answers a message that is well-formed and due, and counts nothing: dispatch counts what they return.
/// Drops   messages: bad_message, unexpected_message, confirm_deferred
[[nodiscard]] metrics::Drop on_crypto_test(DatagramContext& context, const message::Framed& framed) noexcept;
[[nodiscard]] metrics::Drop on_enter(DatagramContext& context, const message::Framed& framed) noexcept;
[[nodiscard]] metrics::Drop on_ping(DatagramContext& context, const message::Framed& framed) noexcept;
[[nodiscard]] metrics::Drop on_pong(DatagramContext& context, const message::Framed& framed) noexcept;
[[nodiscard]] metrics::Drop on_reliable_handshake(DatagramContext& context, const message::Framed& framed) noexcept;
/// On any channel.
[[nodiscard]] metrics::Drop on_disconnect(IoState& state, std::uint32_t slot,
                                          std::span<const std::uint8_t> content) noexcept;

}  // namespace serried::io
