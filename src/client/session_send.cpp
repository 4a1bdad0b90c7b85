/// Outgoing: what is due now, composed into one datagram.

#include <algorithm>

#include "client/session.h"
#include "crypt/aead.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::client {

namespace {

constexpr Nanos connect_resend_max = 2 * second;
constexpr Nanos sealed_resend_max = second;
/// Between the three Disconnects: a burst of loss shall not take them all.
constexpr Nanos goodbye_interval = 20 * millisecond;
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
    return now >= resend_at_ ? compose_connect(to, now) : Outgoing{};
  return has_keys_ ? compose_sealed(to, now) : Outgoing{};
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
  back_off(now, connect_resend_max);
  return {wire::header_bytes + out.size() + wire::crc_bytes, nullptr, 0, 0, 0};
}

bool Session::ping_due(Nanos now) const noexcept {
  return state_ == State::playing && now >= heard_at_ + parameters_.idle_ping_ms * millisecond &&
         now >= pinged_at_ + ping_interval;
}

Outgoing Session::compose_sealed(std::span<std::uint8_t> to, Nanos now) noexcept {
  const bool repeats = state_ == State::testing || state_ == State::entering || state_ == State::closing;
  const bool message_due =
      (repeats && now >= resend_at_) || (state_ == State::playing && input_pending_) || pongs_ != 0 || ping_due(now);
  if (!message_due && !received_.due(now, ack_delay_max())) return {};

  base::ByteWriter out(to.subspan(wire::header_bytes, wire::body_bytes_max));
  std::uint8_t flags = wire::flag::sealed;
  if (received_.pending()) {
    channel::write_ack_block(out, received_.report(now));
    flags |= wire::flag::acknowledgment;
  }
  const std::size_t ack_bytes = out.size();
  if (message_due) write_messages(out, now);

  const std::uint64_t sequence = sent_.next_sequence(dice_.below(skip_one_in) == 0);
  sent_.note(sequence, 0, out.size() > ack_bytes, now);
  wire::compose_header(to.data(), {connection_id_, 0, flags, sequence});
  return {wire::header_bytes + out.size() + wire::tag_bytes + wire::crc_bytes, keys_.client_to_server.data(),
          connection_id_, sequence, static_cast<std::uint16_t>(out.size())};
}

void Session::write_messages(base::ByteWriter& out, Nanos now) noexcept {
  if (now >= resend_at_) {
    if (state_ == State::testing) {
      message::encode(out, message::Type::crypto_test, test_);
      back_off(now, sealed_resend_max);
    } else if (state_ == State::entering) {
      message::encode(out, message::EnterToWorld{audit_});
      back_off(now, sealed_resend_max);
    } else if (state_ == State::closing) {
      message::encode(out, message::Disconnect{message::DisconnectReason::user, {}});
      resend_at_ = now + goodbye_interval;
      // The keys are still needed to seal this one: `send` wipes them behind it, otherwise the next poll does.
      if (--goodbyes_left_ == 0) {
        state_ = State::closed;
        end_ = End::user;
      }
    }
  }
  if (state_ == State::playing && input_pending_) write_inputs(out);
  for (unsigned i = 0; i < pongs_; ++i) {
    const auto delay_us = std::min<Nanos>((now - pong_[i].at) / microsecond, ~std::uint32_t{0});
    message::encode(out, message::Pong{pong_[i].ping.id, pong_[i].ping.time_us, static_cast<std::uint32_t>(delay_us)});
  }
  pongs_ = 0;
  if (ping_due(now)) {
    message::encode(out, message::Ping{dice_.next(), now / microsecond});
    pinged_at_ = now;
  }
}

/// The newest inputs that the server has not yet applied, oldest first.
void Session::write_inputs(base::ByteWriter& out) noexcept {
  const auto open = static_cast<std::uint16_t>(input_sequence_ - applied_input_);
  const unsigned count = std::min<unsigned>(open, inputs_per_datagram);
  for (unsigned i = count; i-- > 0;) {
    const auto sequence = static_cast<std::uint16_t>(input_sequence_ - i);
    message::encode(out, inputs_[sequence % inputs_per_datagram]);
  }
  input_pending_ = false;
}

}  // namespace serried::client
