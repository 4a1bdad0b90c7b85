/// Outgoing: what is due now, composed into one datagram.

#include <algorithm>

#include "channel/dictionary.h"
#include "channel/pack.h"
#include "crypt/aead.h"
#include "peer/session.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::peer {

namespace {

constexpr Nanos connect_resend_max = 2 * second;
constexpr Nanos sealed_resend_max = second;
/// Between the three Disconnects: a burst of loss shall not take them all.
constexpr Nanos disconnect_interval = 20 * millisecond;
constexpr Nanos ping_interval = second;
/// One sequence in so many is left out, so that a peer that acks without having received gives itself away.
constexpr std::uint64_t skip_one_in = 64;

}  // namespace

std::size_t Session::send(std::span<std::uint8_t> to, Nanos now) noexcept {
  const Outgoing out = compose(to, now);
  if (out.bytes == 0) return 0;
  if (out.key != nullptr) crypt::seal_in_place(out.key, out.connection_id, out.sequence, to.data(), 0, out.body_bytes);
  if (state_ == State::closed) wipe();
  wire::stamp_one(to.first(out.bytes), crc_);
  return out.bytes;
}

Outgoing Session::compose(std::span<std::uint8_t> to, Nanos now) noexcept {
  poll(now);
  if (to.size() < wire::datagram_bytes_max) return {};
  if (state_ == State::connecting || state_ == State::challenged)
    return now >= repeat_.at ? compose_connect(to, now) : Outgoing{};
  return keys_.any() ? compose_sealed(to, now) : Outgoing{};
}

Outgoing Session::compose_connect(std::span<std::uint8_t> to, Nanos now) noexcept {
  message::Connect connect;
  connect.client_ephemeral = ephemeral_.public_key;
  connect.token = {token_.data(), token_bytes_};
  if (state_ == State::challenged) {
    connect.cookie = cookie_;
    connect.proof = crypt::make_proof(token_secret_, connect.version, connect.client_ephemeral, cookie_, connect.token);
    accepts_left_ = accepts_per_connect;
  }
  wire::compose_header(to.data(), {wire::no_connection, 0, 0, 0});
  base::ByteWriter out(to.subspan(wire::header_bytes, wire::datagram_bytes_max - wire::datagram_bytes_min));
  message::encode(out, connect);
  if (!out.ok()) return {};
  repeat_.back_off(now, connect_resend_max);
  return {wire::header_bytes + out.size() + wire::crc_bytes, nullptr, 0, 0, 0};
}

bool Session::ping_due(Nanos now) const noexcept {
  return state_ == State::playing && now >= heard_at_ + idle_ping_ && now >= pinged_at_ + ping_interval;
}

bool Session::messages_due(Nanos now) const noexcept {
  const bool repeats = state_ == State::testing || state_ == State::entering || state_ == State::closing;
  return (repeats && now >= repeat_.at) || now >= shake_at() || (state_ == State::playing && input_pending_) ||
         pongs_ != 0 || ping_due(now) || now >= notes_at();
}

Nanos Session::shake_at() const noexcept {
  const bool wanted = outbox_.exists() && !outbox_.is_open() && (state_ == State::entering || state_ == State::playing);
  return wanted ? shake_.at : ~Nanos{0};
}

Nanos Session::window_at(Nanos due) const noexcept {
  if (due == ~Nanos{0} || state_ == State::closing) return ~Nanos{0};
  // The next ack or timeout makes room, and wakes us.
  if (congestion_.room(sent_.bytes_in_flight(), sent_.datagrams_in_flight()) < wire::datagram_bytes_max)
    return ~Nanos{0};
  return std::max({due, congestion_.next_at(), budget_.ready_at()});
}

Outgoing Session::compose_sealed(std::span<std::uint8_t> to, Nanos now) noexcept {
  const bool due = messages_due(now);
  if (!due && now < ack_at_ && now < reliable_at()) return {};

  base::ByteWriter out(to.subspan(wire::header_bytes, wire::body_bytes_max));
  std::uint8_t flags = wire::flag::sealed | keys_.sealing_flag();
  if (received_.pending()) {
    channel::write_ack_block(out, received_.report(now));
    note_acks();
    flags |= wire::flag::acknowledgment;
  }
  const std::size_t ack_bytes = out.size();
  const Payload payload = write_payload(out, due, now);
  if (out.size() == 0) return {};
  flags |= payload.flags;
  std::size_t body_bytes = out.size();
  if ((payload.flags & (wire::flag::fragment | wire::flag::reliable_handshake)) == 0) {
    const std::size_t packed = pack(to.subspan(wire::header_bytes + ack_bytes, body_bytes - ack_bytes));
    if (packed != 0) {
      flags |= wire::flag::compressed;
      body_bytes = ack_bytes + packed;
    }
  }

  const std::uint64_t sequence = sent_.next_sequence(secrets_.below(skip_one_in) == 0);
  const std::size_t bytes = wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes;
  const bool asks_for_ack = body_bytes != ack_bytes;
  outbox_.on_outcome(sent_.note(sequence, payload.packet, asks_for_ack ? static_cast<std::uint16_t>(bytes) : 0, now),
                     false);
  note_in_flight();
  budget_.spend(now);
  if (payload.paced) congestion_.paced(static_cast<std::uint32_t>(bytes), rtt(), now);
  wire::compose_header(to.data(), {connection_id_, static_cast<std::uint8_t>(payload.channel), flags, sequence});
  return {bytes, keys_.sealing_key(), connection_id_, sequence, static_cast<std::uint16_t>(body_bytes)};
}

/// Reliable messages go in datagrams of their own, behind the one that holds inputs and control messages.
Session::Payload Session::write_payload(base::ByteWriter& out, bool messages_due, Nanos now) noexcept {
  Payload payload;
  if (messages_due) {
    write_messages(out, payload, now);
  } else if (now >= reliable_at()) {
    const channel::Reliable::Composed composed = outbox_.compose(out, now);
    payload.packet = composed.packet;
    payload.channel = composed.channel;
    payload.flags = composed.fragment ? wire::flag::fragment : std::uint8_t{0};
    payload.paced = true;
  }
  return payload;
}

/// Pack `rest` in place. 0: it stays as it is.
std::size_t Session::pack(std::span<std::uint8_t> rest) noexcept {
  if (packer_ == nullptr || rest.size() <= channel::pack_above_bytes) return 0;
  std::array<std::uint8_t, wire::body_bytes_max> packed;
  const std::size_t bytes = packer_->pack(rest, packed, dictionary_agreed_ ? dictionary_ : nullptr);
  std::copy_n(packed.begin(), bytes, rest.begin());
  return bytes;
}

/// What the state, and the opening of the reliable channels, send again until it is answered.
void Session::write_repeated(base::ByteWriter& out, Payload& payload, Nanos now) noexcept {
  if (now >= shake_at()) {
    message::encode(out, message::ReliableHandshake{message_bytes_max_, dictionary_ != nullptr ? dictionary_->id() : 0,
                                                    integrity_ != nullptr ? integrity_->version : 0});
    payload.flags |= wire::flag::reliable_handshake;
    shake_.back_off(now, sealed_resend_max);
  }
  if (now < repeat_.at) return;
  if (state_ == State::testing) {
    message::encode(out, message::Type::crypto_test, test_);
    repeat_.back_off(now, sealed_resend_max);
  } else if (state_ == State::entering) {
    message::encode(out, message::EnterToWorld{audit_});
    repeat_.back_off(now, sealed_resend_max);
  } else if (state_ == State::closing) {
    message::encode(out, message::Disconnect{disconnect_, {}});
    repeat_.at = now + disconnect_interval;
    if (--disconnects_left_ != 0) return;
    // The keys are still needed to seal this one: `send` wipes them behind it, otherwise the next poll does.
    state_ = State::closed;
    outbox_.clear();
  }
}

void Session::write_messages(base::ByteWriter& out, Payload& payload, Nanos now) noexcept {
  write_repeated(out, payload, now);
  if (state_ == State::playing && input_pending_) {
    write_inputs(out);
    payload.packet.payload = channel::PayloadKind::input;
    // What waits for a bundle goes right behind: there is nothing to wait for before the next input.
    outbox_.flush();
  }
  for (unsigned i = 0; i < pongs_; ++i) {
    const auto delay_us = std::min<Nanos>((now - pong_[i].at) / microsecond, ~std::uint32_t{0});
    message::encode(out, message::Pong{pong_[i].ping.id, pong_[i].ping.time_us, static_cast<std::uint32_t>(delay_us)});
  }
  pongs_ = 0;
  if (ping_due(now)) {
    message::encode(out, message::Ping{secrets_.next(), now / microsecond});
    pinged_at_ = now;
  }
  const bool exempt = payload.packet.payload == channel::PayloadKind::input;
  if (outbox_.has_unreliable() && (exempt || now >= window_at(0))) {
    outbox_.write_unreliable(out);
    payload.paced = !exempt;
  }
}

/// The newest inputs that the server has not yet applied, oldest first.
void Session::write_inputs(base::ByteWriter& out) noexcept {
  const auto open = static_cast<std::uint16_t>(input_sequence_ - applied_input_);
  const unsigned count = std::min<unsigned>(open, inputs_per_datagram);
  for (unsigned i = count; i-- > 0;) {
    const auto sequence = static_cast<std::uint16_t>(input_sequence_ - i);
    const EncodedInput& input = inputs_[sequence % inputs_per_datagram];
    out.write_bytes({input.bytes.data(), input.size});
  }
  input_pending_ = false;
}

}  // namespace serried::peer
