/// Incoming, once there are keys: ack block, control messages, and the view's messages.

#include <algorithm>

#include "client/session.h"
#include "crypt/aead.h"
#include "wire/compose.h"
#include "wire/parse.h"

namespace serried::client {

using message::Type;
using observe::Drop;

Drop Session::receive(std::span<std::uint8_t> datagram, const wire::Path& source, Nanos now,
                      observe::DropCounters& drops) {
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
  const Admission admission = accept_header(header, datagram.size(), source);
  if (admission.verdict != Drop::none) return drop(admission.verdict);
  if (admission.handshake) return drop(accept_handshake(datagram, header, now));
  const std::size_t body_bytes = datagram.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
  if (!crypt::open_in_place(opening_key(), header.connection_id, header.sequence, datagram.data(), 0, body_bytes))
    return drop(Drop::bad_tag);
  return drop(accept_opened(header, datagram.subspan(wire::header_bytes, body_bytes), source, now, drops));
}

Drop Session::accept_opened(const wire::Header& header, std::span<const std::uint8_t> body, const wire::Path& source,
                            Nanos now, observe::DropCounters& drops) {
  // Between accept_header and here another datagram of the same burst may have ended the session, or been this one.
  if (!has_keys_ || header.connection_id != connection_id_) return Drop::unknown_session;
  if (const Drop seen = replay_.commit(header.sequence); seen != Drop::none) return seen;
  heard_at_ = now;
  server_.link = source.link;
  server_.vlan = source.vlan;

  constexpr auto taken = wire::flag::sealed | wire::flag::acknowledgment;
  if (header.channel != static_cast<std::uint8_t>(wire::Channel::unreliable) || (header.flags & ~taken) != 0) {
    report(Fault::unsupported, now, header.sequence, header.flags);
    return Drop::unsupported_channel;
  }
  base::ByteReader in(body);
  if ((header.flags & wire::flag::acknowledgment) != 0) {
    channel::AckBlock block;
    if (!channel::read_ack_block(in, block)) {
      report(Fault::bad_ack, now, header.sequence, 0);
      return Drop::bad_ack;
    }
    std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes;
    unsigned count = 0;
    // What we send is either repeated until it shows effect or of no use later: no outcome is waited for.
    if (sent_.acknowledge(block, ack_delay_max(), now, outcomes.data(), count) ==
        channel::SentDatagrams::Verdict::lie) {
      report(Fault::ack_lie, now, header.sequence, 0);
      finish(End::protocol_error, now, header.sequence);
      return Drop::bad_ack;
    }
  }
  const bool wants_ack = in.remaining() != 0;
  view_.begin(header.sequence, now);
  accept_messages(in, header.sequence, now, drops);
  // A datagram of which the view had to ignore something is as good as lost: the sender must not believe that we hold
  // it.
  if (state_ != State::closed && view_.complete()) received_.note(header.sequence, wants_ack, now);
  return Drop::none;
}

void Session::accept_messages(base::ByteReader body, std::uint64_t sequence, Nanos now, observe::DropCounters& drops) {
  const ViewCounters before = view_.counters();
  message::Framed framed;
  while (state_ != State::closed && message::next(body, framed)) {
    const Drop verdict = accept_message(framed, sequence, now);
    if (verdict == Drop::none) continue;
    drops.add(verdict);
    const Fault fault = verdict == Drop::bad_message       ? Fault::bad_message
                        : verdict == Drop::unknown_message ? Fault::unknown_message
                                                           : Fault::unexpected_message;
    report(fault, now, sequence, static_cast<std::uint8_t>(framed.type));
  }
  if (!body.ok()) {
    drops.add(Drop::bad_framing);
    report(Fault::bad_framing, now, sequence, 0);
  }
  const ViewCounters& after = view_.counters();
  if (after.updates != before.updates) accept_update(sequence, now);
  if (after.mismatches != before.mismatches) report(Fault::view_mismatch, now, sequence, 0);
  if (after.misplaced != before.misplaced) report(Fault::misplaced_record, now, sequence, 0);
  if (after.overflows != before.overflows) report(Fault::view_full, now, sequence, 0);
}

Drop Session::accept_message(const message::Framed& framed, std::uint64_t sequence, Nanos now) {
  switch (framed.type) {
    case Type::ping: {
      message::Ping ping;
      if (!message::decode(framed.content, ping)) return Drop::bad_message;
      if (pongs_ < pong_.size()) pong_[pongs_++] = {ping, now};
      return Drop::none;
    }
    case Type::pong: {
      // Its being here is all we wanted; round trips come from acks.
      message::Pong pong;
      return message::decode(framed.content, pong) ? Drop::none : Drop::bad_message;
    }
    case Type::disconnect:
      return accept_disconnect(framed.content, sequence, now);
    case Type::crypto_test_ack: {
      message::CryptoTest answer;
      if (!message::decode(framed.content, answer)) return Drop::bad_message;
      if (!crypt::equal(answer.bytes, test_.bytes)) return Drop::unexpected_message;
      if (state_ == State::testing) enter(State::entering, now);
      return Drop::none;
    }
    default:
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
  // The text ends up on somebody's terminal: no control characters.
  std::transform(bye.text.begin(), bye.text.begin() + disconnect_text_bytes_, disconnect_text_.begin(),
                 [](std::uint8_t byte) { return byte < 0x20 || byte == 0x7F ? '?' : static_cast<char>(byte); });
  finish(state_ == State::closing ? End::user : End::disconnected, now, sequence);
  return Drop::none;
}

/// The first DeltaSync is the world's answer to EnterToWorld; every one says which input has been applied.
void Session::accept_update(std::uint64_t sequence, Nanos now) noexcept {
  if (state_ == State::testing || state_ == State::entering) enter(State::playing, now);
  const std::uint16_t applied = view_.applied_input();
  const auto ahead = static_cast<std::int16_t>(applied - applied_input_);
  if (ahead <= 0) return;
  if (static_cast<std::int16_t>(input_sequence_ - applied) < 0) {
    report(Fault::input_echo, now, sequence, 0);
    return;
  }
  applied_input_ = applied;
}

}  // namespace serried::client
