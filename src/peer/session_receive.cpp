/// Incoming, once there are keys: ack block, control messages, and the view's messages. What comes by the reliable
/// channels, and all messages of the game, session_reliable.cpp takes from here.

#include <algorithm>

#include "base/serial.h"
#include "channel/pack.h"
#include "crypt/aead.h"
#include "peer/session.h"
#include "wire/compose.h"
#include "wire/parse.h"

namespace serried::peer {

using message::Type;
using metrics::Drop;

Drop Session::receive(std::span<std::uint8_t> datagram, const wire::Path& source, Nanos now,
                      metrics::DropCounters& drops) {
  const auto drop = [&drops](Drop verdict) {
    if (verdict != Drop::none) drops.add(verdict);
    return verdict;
  };
  if (datagram.size() > wire::datagram_bytes_max) return drop(Drop::long_datagram);
  wire::Batch batch;
  batch.append(datagram.data(), datagram.size(), nullptr, source);
  wire::parse(batch, drops);
  wire::verify(batch, crc_, drops);
  if (batch.live_rows == 0) return batch.verdict[0];

  const wire::Header header = wire::read_header(datagram.data());
  const HeaderVerdict admission = accept_header(header, datagram.size(), source);
  if (admission.verdict != Drop::none) return drop(admission.verdict);
  if (admission.handshake) return drop(accept_handshake(datagram, header, now));
  const std::size_t body_bytes = datagram.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
  if (!crypt::open_in_place(opening_key(header.flags), header.connection_id, header.sequence, datagram.data(), 0,
                            body_bytes))
    return drop(Drop::bad_tag);
  return drop(accept_opened(header, datagram.subspan(wire::header_bytes, body_bytes), source, now, drops));
}

Drop Session::accept_opened(const wire::Header& header, std::span<const std::uint8_t> body, const wire::Path& source,
                            Nanos now, metrics::DropCounters& drops) {
  // Between accept_header and here another datagram of the same burst may have ended the session, or been this one.
  if (!keys_.any() || header.connection_id != connection_id_) return Drop::unknown_session;
  if (const Drop seen = replay_.commit(header.sequence); seen != Drop::none) return seen;
  if (failed()) return Drop::session_ending;
  heard_at_ = now;
  server_.link = source.link;
  server_.vlan = source.vlan;
  if (keys_.note_opened(header.flags, rtt(), now)) ++counters_.rekeys;

  const Drop verdict = accept_body(header, base::ByteReader(body), now, drops);
  if (state_ == State::closed)
    outbox_.clear();
  else if (answers_wait_)
    send_answers(now);
  return verdict;
}

Drop Session::accept_body(const wire::Header& header, base::ByteReader in, Nanos now, metrics::DropCounters& drops) {
  if ((header.flags & wire::flag::acknowledgment) != 0) {
    const Drop verdict = accept_acks(in, header.sequence, now);
    if (verdict != Drop::none) return verdict;
  }
  return (header.flags & wire::flag::compressed) != 0 ? accept_packed(header, in, now, drops)
                                                      : accept_rest(header, in, now, drops);
}

Drop Session::accept_acks(base::ByteReader& in, std::uint64_t sequence, Nanos now) {
  using Sent = channel::ClientSentDatagrams;
  channel::AckBlock block;
  if (!channel::read_ack_block(in, block)) {
    report(Fault::bad_ack, now, sequence, 0);
    return Drop::bad_ack;
  }
  // Was the window what held us back? Otherwise there is no reason to believe in a larger one.
  const bool limited = 2 * sent_.bytes_in_flight() >= congestion_.window();
  // Not initialised, 1024 of them: the few that are there are written by `acknowledge`.
  alignas(Sent::Outcome) std::array<std::byte, sizeof(Sent::Outcome) * Sent::capacity> room;
  auto* const outcomes = reinterpret_cast<Sent::Outcome*>(room.data());
  channel::AckResult result;
  if (sent_.acknowledge(block, ack_delay_max_, now, outcomes, result) == Sent::Verdict::lie) {
    report(Fault::ack_lie, now, sequence, 0);
    fail(End::protocol_error, message::DisconnectReason::protocol_error, now, sequence);
    return Drop::bad_ack;
  }
  note_in_flight();
  if (result.late != 0 && replay_.peek(sequence - 1) == Drop::replay_seen) sent_.note_late(result.late, now);
  if (result.too_early) congestion_.on_too_early();
  if ((result.acked_bytes | result.lost_bytes) != 0) congestion_.on_ack_result(result, sent_.last_sequence(), limited);
  on_outcome({outcomes, result.outcomes});
  return Drop::none;
}

void Session::expire(Nanos now) noexcept {
  using Sent = channel::ClientSentDatagrams;
  alignas(Sent::Outcome) std::array<std::byte, sizeof(Sent::Outcome) * Sent::capacity> room;
  auto* const outcomes = reinterpret_cast<Sent::Outcome*>(room.data());
  channel::AckResult result;
  sent_.expire(now, outcomes, result);
  note_in_flight();
  // Inputs are no load, and their acks may be long in coming: that they are not acked yet says nothing of the path.
  if (result.lost_bytes != 0) congestion_.on_timeout(sent_.last_sequence(), sent_.expirations());
  ++counters_.timeouts;
  on_outcome({outcomes, result.outcomes});
  if (sent_.expirations() >= Sent::expirations_max) fail(End::no_acks, message::DisconnectReason::timeout, now, 0);
}

/// Of what we send only reliable messages are waited for: all else is repeated until it shows effect, or of no use
/// later.
void Session::on_outcome(std::span<const channel::ClientSentDatagrams::Outcome> outcomes) noexcept {
  for (const auto& [packet, acked] : outcomes) {
    outbox_.on_outcome(packet, acked);
    counters_.resent += !acked;
  }
}

Drop Session::accept_packed(const wire::Header& header, base::ByteReader in, Nanos now, metrics::DropCounters& drops) {
  std::array<std::uint8_t, channel::unpacked_bytes_max> unpacked;
  const std::size_t bytes = channel::unpack(in.read_rest(), unpacked, dictionary_agreed_ ? dictionary_ : nullptr);
  if (bytes != 0) return accept_rest(header, base::ByteReader({unpacked.data(), bytes}), now, drops);
  report(Fault::bad_packed, now, header.sequence, header.channel);
  if (header.channel != 0) fail(End::protocol_error, message::DisconnectReason::protocol_error, now, header.sequence);
  return Drop::bad_packed;
}

Drop Session::accept_rest(const wire::Header& header, base::ByteReader in, Nanos now, metrics::DropCounters& drops) {
  if (header.channel != 0 || (header.flags & wire::flag::fragment) != 0) return accept_post(header, in, now, drops);
  const channel::AckPolicy policy = in.remaining() != 0 ? channel::AckPolicy::soon : channel::AckPolicy::none;
  view_.begin(header.sequence, now);
  accept_messages(in, header, now, drops);
  // A datagram of which the view had to ignore something is as good as lost: the sender must not believe that we hold
  // it.
  if (state_ == State::closed || !view_.complete()) return Drop::none;
  received_.note(header.sequence, policy, now);
  note_acks();
  return Drop::none;
}

void Session::count(Drop verdict, Type type, std::uint64_t sequence, Nanos now, metrics::DropCounters& drops) noexcept {
  if (verdict == Drop::none) return;
  drops.add(verdict);
  const Fault fault = verdict == Drop::bad_message       ? Fault::bad_message
                      : verdict == Drop::unknown_message ? Fault::unknown_message
                                                         : Fault::unexpected_message;
  report(fault, now, sequence, static_cast<std::uint8_t>(type));
}

void Session::accept_messages(base::ByteReader body, const wire::Header& header, Nanos now,
                              metrics::DropCounters& drops) {
  const std::uint64_t sequence = header.sequence;
  const view::ViewCounters before = view_.counters();
  message::Framed framed;
  while (state_ != State::closed && message::next(body, framed))
    count(accept_message(framed, header, now), framed.type, sequence, now, drops);
  if (!body.ok()) {
    drops.add(Drop::bad_framing);
    report(Fault::bad_framing, now, sequence, 0);
  }
  const view::ViewCounters& after = view_.counters();
  if (after.updates != before.updates) accept_update(sequence, now);
  if (after.mismatches != before.mismatches) report(Fault::view_mismatch, now, sequence, 0);
  if (after.misplaced != before.misplaced) report(Fault::misplaced_record, now, sequence, 0);
  if (after.overflows != before.overflows) report(Fault::view_full, now, sequence, 0);
}

Drop Session::accept_message(const message::Framed& framed, const wire::Header& header, Nanos now) {
  switch (framed.type) {
    case Type::ping: {
      message::Ping ping;
      if (!message::decode(framed.content, ping)) return Drop::bad_message;
      if (pongs_ < pong_.size()) pong_[pongs_++] = {ping, now};
      return Drop::none;
    }
    case Type::pong: {
      // It only shows that the server is there; round trips come from acks.
      message::Pong pong;
      return message::decode(framed.content, pong) ? Drop::none : Drop::bad_message;
    }
    case Type::disconnect:
      return accept_disconnect(framed.content, header.sequence, now);
    case Type::reliable_handshake:
      return accept_reliable_handshake(framed.content, header.flags);
    case Type::crypto_test_ack: {
      message::CryptoTest answer;
      if (!message::decode(framed.content, answer)) return Drop::bad_message;
      if (!crypt::equal(answer.bytes, test_.bytes)) return Drop::unexpected_message;
      if (state_ == State::testing) enter(State::entering, now);
      return Drop::none;
    }
    default:
      if (framed.type >= Type::game_first) return accept_game(wire::Channel::unreliable, framed);
      // The server may have our EnterToWorld before we know that it had our CryptoTest: entity messages count from the
      // moment there are keys.
      return view_.apply(framed);
  }
}

Drop Session::accept_disconnect(std::span<const std::uint8_t> content, std::uint64_t sequence, Nanos now) {
  message::Disconnect bye;
  if (!message::decode(content, bye)) return Drop::bad_message;
  disconnect_reason_ = bye.reason;
  disconnect_text_bytes_ = static_cast<std::uint8_t>(std::min(bye.text.size(), disconnect_text_.size()));
  // The text may end up on a terminal: no control characters.
  std::transform(bye.text.begin(), bye.text.begin() + disconnect_text_bytes_, disconnect_text_.begin(),
                 [](std::uint8_t byte) { return byte < 0x20 || byte == 0x7F ? '?' : static_cast<char>(byte); });
  finish(state_ == State::closing ? End::user : End::disconnected, now, sequence);
  return Drop::none;
}

/// The first DeltaSync is the world's answer to EnterToWorld; every one says which input has been applied.
void Session::accept_update(std::uint64_t sequence, Nanos now) noexcept {
  if (state_ == State::testing || state_ == State::entering) enter(State::playing, now);
  const std::uint16_t applied = view_.applied_input();
  const std::int16_t ahead = base::serial_distance(applied_input_, applied);
  if (ahead <= 0) return;
  if (base::is_later(applied, input_sequence_)) {
    report(Fault::input_echo, now, sequence, 0);
    return;
  }
  applied_input_ = applied;
}

}  // namespace serried::peer
