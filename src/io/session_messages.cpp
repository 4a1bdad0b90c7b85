#include "io/session_messages.h"

#include <utility>

#include "io/integrity.h"
#include "io/reply.h"
#include "io/roam.h"
#include "io/teardown.h"
#include "message/control.h"

namespace serried::io {

using message::Type;
using metrics::Drop;
using session::State;

/// The client has the keys. Spend its token before it learns that it is in.
Drop on_crypto_test(DatagramContext& context, const message::Framed& framed) noexcept {
  message::CryptoTest test;
  if (!message::decode(framed.content, test)) return Drop::bad_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  switch (context.session.state) {
    case State::half_open: {
      if (state.handshake.free.empty()) return Drop::confirm_deferred;
      cold.test = test;
      const std::uint32_t index = state.handshake.free.pop();
      link::HandshakeJob& job = state.handshake.jobs[index];
      job.session = context.slot;
      job.connection_id = context.session.connection_id;
      auto& work = job.begin<link::HandshakeJob::Confirm>();
      work.player_id = cold.player_id;
      work.token_id = cold.token_id;
      work.token_expiry = cold.token_expiry;
      state.handshake.requests.push(index);
      context.session.state = State::confirming;
      return Drop::none;
    }
    case State::confirming:
      cold.test = test;
      return Drop::none;
    default:
      if (std::exchange(context.tested, true)) return Drop::unexpected_message;
      reply(state, context.slot, [&](base::ByteWriter& out) { message::encode(out, Type::crypto_test_ack, test); });
      return Drop::none;
  }
}

Drop on_enter(DatagramContext& context, const message::Framed& framed) noexcept {
  message::EnterToWorld enter;
  if (!message::decode(framed.content, enter)) return Drop::bad_message;
  if (context.session.state == State::playing) return Drop::none;  // said again because our answer is on its way
  if (context.session.state != State::established) return Drop::unexpected_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  // A client that says it in another order says it again.
  if (state.config.refuse_unknown_builds && !cold.reliable_met) return Drop::unexpected_message;
  const link::SessionEvent::Join join{.connection_id = context.session.connection_id,
                                      .session = context.slot,
                                      .audit = enter.audit,
                                      .player_id = cold.player_id,
                                      .round_trip = state.table.outbound(context.slot).sent.round_trip().smoothed()};
  if (!state.session_events.push({context.session.shard, join})) return Drop::unexpected_message;
  context.session.state = State::playing;
  cold.in_world = cold.join_waits = true;
  state.counters.joined.add(1);
  return Drop::none;
}

Drop on_ping(DatagramContext& context, const message::Framed& framed) noexcept {
  message::Ping ping;
  if (!message::decode(framed.content, ping)) return Drop::bad_message;
  if (std::exchange(context.ponged, true)) return Drop::unexpected_message;
  message::Pong pong;
  pong.id = ping.id;
  pong.time_us = ping.time_us;
  reply(context.state, context.slot, [&](base::ByteWriter& out) { message::encode(out, pong); });
  return Drop::none;
}

Drop on_pong(DatagramContext& context, const message::Framed& framed) noexcept {
  message::Pong pong;
  if (!message::decode(framed.content, pong)) return Drop::bad_message;
  if (std::exchange(context.pong_seen, true)) return Drop::unexpected_message;
  return on_probe_pong(context.state, context.slot, pong.id, context.from);
}

Drop on_disconnect(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content) noexcept {
  message::Disconnect disconnect;
  if (!message::decode(content, disconnect)) return Drop::bad_message;
  end_session(state, slot, disconnect.reason, false);
  return Drop::none;
}

/// Opens the reliable channels. Only the first one counts; each is answered, because an answer may be lost.
Drop on_reliable_handshake(DatagramContext& context, const message::Framed& framed) noexcept {
  message::ReliableHandshake theirs;
  if (!message::decode(framed.content, theirs)) return Drop::bad_message;
  if ((context.flags & wire::flag::reliable_handshake) == 0 || context.session.state < State::established ||
      std::exchange(context.met, true))
    return Drop::unexpected_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  if (!may_play(state, theirs.build)) {
    end_session(state, context.slot, message::DisconnectReason::kicked, true);
    return Drop::none;
  }
  if (!std::exchange(cold.reliable_met, true)) {
    state.table.reliable(context.slot).open(theirs.message_bytes_max);
    cold.integrity.build = theirs.build;
    cold.integrity.at = context.now + state.config.integrity_period;
    if (theirs.dictionary == state.dictionary_id()) cold.dictionary = theirs.dictionary;
  }
  message::ReliableHandshake ours;
  ours.message_bytes_max = state.config.message_bytes_max;
  ours.dictionary = state.dictionary_id();
  reply(
      state, context.slot, [&](base::ByteWriter& out) { message::encode(out, ours); }, wire::flag::reliable_handshake);
  return Drop::none;
}

}  // namespace serried::io
