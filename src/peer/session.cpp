/// Life of a session: start, time-outs, end, and the handshake's incoming half.

#include "peer/session.h"

#include <algorithm>

#include "crypt/aead.h"
#include "wire/compose.h"

namespace serried::peer {

using metrics::Drop;

namespace {

constexpr Nanos denial_provisional = 3 * second;
constexpr Nanos sweep_interval = second;
constexpr std::uint8_t disconnects_sent = 3;
/// Where the sealed part of ConnectionAccepted begins, behind the header.
constexpr std::size_t accept_clear_bytes = 32 + 16;

[[nodiscard]] std::span<const std::uint8_t> first(const crypt::PublicKey& key) { return {key.data(), 8}; }

}  // namespace

bool Session::start(const SessionOptions& options, Nanos now) {
  if (options.token.empty() || options.token.size() > crypt::token_bytes_max) return false;
  *this = Session(view_.options());
  server_ = options.server;
  protocol_id_ = options.protocol_id;
  server_id_ = options.server_id;
  audit_ = options.audit;
  connect_timeout_ = options.connect_timeout;
  outbox_ = Outbox(options.pools);
  on_message_ = options.on_message;
  packer_ = options.packer;
  dictionary_ = options.dictionary;
  integrity_ = options.integrity;
  message_bytes_max_ = std::min(options.message_bytes_max, message::message_bytes_max);
  entropy_ = options.entropy;
  token_secret_ = options.token_secret;
  token_bytes_ = static_cast<std::uint16_t>(options.token.size());
  std::copy(options.token.begin(), options.token.end(), token_.begin());
  crc_ = wire::CrcSeed(options.protocol_id);
  ephemeral_ = crypt::make_key_pair(options.entropy);
  options.entropy.fill(test_.bytes);
  secrets_ = crypt::SecretNumbers(options.entropy);
  started_at_ = now;
  enter(State::connecting, now);
  return true;
}

/// A state whose message is sent again until it is answered sends it at once.
void Session::enter(State state, Nanos now) noexcept {
  state_ = state;
  repeat_.restart(now);
}

void Session::Repeat::back_off(Nanos now, Nanos most) noexcept {
  at = now + after;
  after = std::min(2 * after, most);
}

void Session::report(Fault fault, Nanos now, std::uint64_t sequence, std::uint8_t detail) noexcept {
  faults_.add({now, sequence, fault, detail});
}

void Session::wipe() noexcept {
  keys_.wipe();
  ephemeral_.secret.wipe();
  token_secret_.wipe();
  crypt::wipe(token_);
}

void Session::finish(End end, Nanos now, std::uint64_t sequence) noexcept {
  if (state_ == State::closed) return;
  if (end != End::user) report(Fault::ended, now, sequence, static_cast<std::uint8_t>(end));
  state_ = State::closed;
  end_ = end;
  wipe();
}

void Session::fail(End end, message::DisconnectReason why, Nanos now, std::uint64_t sequence) noexcept {
  if (state_ == State::closed || failed()) return;
  report(Fault::ended, now, sequence, static_cast<std::uint8_t>(end));
  end_ = end;
  disconnect_ = why;
  disconnects_left_ = disconnects_sent;
  enter(State::closing, now);
}

void Session::close(Nanos now) noexcept {
  if (state_ == State::closed || state_ == State::closing) return;
  if (state_ == State::idle || !keys_.any()) return finish(End::user, now);
  end_ = End::user;
  disconnects_left_ = disconnects_sent;
  enter(State::closing, now);
}

namespace {

/// Of channel::ClientSentDatagrams, behind what every datagram touches.
constexpr std::size_t sent_entry_bytes = 12;

void prefetch_lines(const void* from, std::size_t bytes) noexcept {
  const auto* const first = static_cast<const std::uint8_t*>(from);
  const std::uint8_t* line = first - reinterpret_cast<std::uintptr_t>(first) % 64;
  for (; line < first + bytes; line += 64) __builtin_prefetch(line, 1);
}

}  // namespace

void Session::prefetch_header() const noexcept {
  prefetch_lines(this, static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(&ack_at_) -
                                                reinterpret_cast<const std::uint8_t*>(this)));
  prefetch_lines(&keys_, KeyRing::hot_bytes);
}

void Session::prefetch() const noexcept {
  prefetch_lines(this, static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(&keys_) -
                                                reinterpret_cast<const std::uint8_t*>(this)));
  prefetch_lines(&view_, view_.hot_bytes());
  prefetch_lines(&outbox_, Outbox::hot_bytes);
  prefetch_lines(&sent_, sizeof sent_ - channel::ClientSentDatagrams::capacity * sent_entry_bytes);
}

void Session::poll(Nanos now) noexcept {
  switch (state_) {
    case State::idle:
    case State::closing:
      return;
    case State::closed:
      if (keys_.any()) wipe();
      return;
    case State::playing:
      if (now >= heard_at_ + silence_max()) finish(End::silence, now);
      break;
    default:
      // A denial that nothing contradicted for three seconds is believed: by then a forged one has lost to the answer
      // of the server.
      if (denied_at_ != 0 && !keys_.any() && now >= denied_at_ + denial_provisional)
        finish(End::denied, now);
      else if (now >= started_at_ + connect_timeout_)
        finish(End::connect_timeout, now);
  }
  if (state_ == State::closed) return outbox_.clear();
  if (!keys_.any()) return;
  keys_.poll(now);
  if (now >= lost_at_) expire(now);
  if (now < sweep_at_) return;
  sweep_at_ = now + sweep_interval;
  static_cast<void>(outbox_.sweep(now));
  if (!outbox_.stalled()) return;
  report(Fault::stalled_message, now, 0, 0);
  fail(End::protocol_error, message::DisconnectReason::overload, now, 0);
}

Nanos Session::wake_at() const noexcept {
  switch (state_) {
    case State::idle:
    case State::closed:
      return ~Nanos{0};
    case State::closing:
      return repeat_.at;
    case State::connecting:
    case State::challenged: {
      const Nanos at = std::min(repeat_.at, started_at_ + connect_timeout_);
      return denied_at_ != 0 ? std::min(at, denied_at_ + denial_provisional) : at;
    }
    default:
      break;
  }
  if (pongs_ != 0) return 0;
  const Nanos swept = outbox_.joining() ? sweep_at_ : ~Nanos{0};
  const Nanos at = std::min({ack_at_, lost_at_, keys_.retire_at(), shake_at(), reliable_at(), notes_at(), swept});
  if (state_ != State::playing) return std::min({at, repeat_.at, started_at_ + connect_timeout_});
  if (input_pending_) return 0;
  const Nanos ping = std::max(heard_at_ + idle_ping_, pinged_at_ + second);
  return std::min({at, ping, heard_at_ + silence_max()});
}

std::uint16_t Session::submit(message::Input input) noexcept {
  input.sequence = ++input_sequence_;
  EncodedInput& encoded = inputs_[input_sequence_ % inputs_per_datagram];
  base::ByteWriter out(encoded.bytes);
  message::encode(out, input);
  encoded.size = static_cast<std::uint8_t>(out.size());
  input_pending_ = true;
  return input.sequence;
}

HeaderVerdict Session::accept_header(const wire::Header& header, std::size_t bytes,
                                     const wire::Path& source) const noexcept {
  const bool has_keys = keys_.any();
  if (state_ == State::idle || state_ == State::closed) return {Drop::unknown_session, false};
  if (!wire::same_endpoint(source, server_)) return {Drop::foreign_source, false};
  if ((header.flags & wire::flag::encrypted) == 0)
    return has_keys ? HeaderVerdict{Drop::clear_datagram, false} : HeaderVerdict{Drop::none, true};
  if (!has_keys) {
    // Sequence 1 while we wait for an answer: a ConnectionAccepted, or nothing that we could open.
    if (state_ != State::challenged || header.sequence != 1) return {Drop::unknown_session, false};
    if (bytes < wire::header_bytes + accept_clear_bytes + wire::tag_bytes + wire::crc_bytes)
      return {Drop::short_datagram, false};
    return {Drop::none, true};
  }
  if (header.connection_id != connection_id_) return {Drop::unknown_session, false};
  if (const Drop seen = replay_.peek(header.sequence); seen != Drop::none) return {seen, false};
  return {opening_key(header.flags) != nullptr ? Drop::none : Drop::bad_tag, false};
}

Drop Session::accept_handshake(std::span<std::uint8_t> datagram, const wire::Header& header, Nanos now) {
  if (state_ != State::connecting && state_ != State::challenged) return Drop::clear_datagram;
  if ((header.flags & wire::flag::encrypted) != 0) return accept_connection(datagram, header, now);
  return accept_clear(datagram.subspan(wire::header_bytes, datagram.size() - wire::datagram_bytes_min), now);
}

/// Cookie or ConnectionDenied. Both echo bytes that only a host that saw our Connect knows.
Drop Session::accept_clear(std::span<const std::uint8_t> body, Nanos now) {
  base::ByteReader in(body);
  message::Framed framed;
  if (!message::next(in, framed) || in.remaining() != 0) return Drop::clear_datagram;
  if (framed.type == message::Type::cookie) {
    message::Cookie cookie;
    if (!message::decode(framed.content, cookie) || !crypt::equal(cookie.echo, first(ephemeral_.public_key)))
      return Drop::clear_datagram;
    cookie_ = cookie.cookie;
    // Only the first cookie is answered at once: a server that keeps asking is answered at the pace of our resends.
    if (state_ == State::connecting) enter(State::challenged, now);
    return Drop::none;
  }
  message::ConnectionDenied denied;
  if (framed.type != message::Type::connection_denied || !message::decode(framed.content, denied) ||
      !crypt::equal(denied.echo, first(ephemeral_.public_key)))
    return Drop::clear_datagram;
  if (denied_at_ == 0) {
    denied_at_ = std::max<Nanos>(now, 1);
    deny_reason_ = denied.reason;
    retry_after_ms_ = denied.retry_after_ms;
  }
  return Drop::none;
}

Drop Session::accept_connection(std::span<std::uint8_t> datagram, const wire::Header& header, Nanos now) {
  if (header.flags != wire::flag::sealed || header.channel != 0) return Drop::bad_flags;
  if (accepts_left_ == 0) return Drop::bad_tag;
  --accepts_left_;
  std::uint8_t* const body = datagram.data() + wire::header_bytes;
  crypt::KeyContext context;
  context.version = message::protocol_version;
  context.protocol_id = protocol_id_;
  context.server_id = server_id_;
  context.connection_id = header.connection_id;
  context.client_ephemeral = ephemeral_.public_key;
  std::copy_n(body, context.server_ephemeral.size(), context.server_ephemeral.begin());
  std::copy_n(body + 32, context.server_random.size(), context.server_random.begin());
  context.token_hash = crypt::sha256({token_.data(), token_bytes_});
  crypt::Secret shared;
  if (!crypt::shared_secret(ephemeral_.secret, context.server_ephemeral, shared)) return Drop::bad_tag;
  const crypt::SessionKeys keys = crypt::derive_session_keys(context, token_secret_, shared);

  const std::size_t sealed_bytes =
      datagram.size() - wire::header_bytes - accept_clear_bytes - wire::tag_bytes - wire::crc_bytes;
  if (!crypt::open_in_place(keys.server_to_client.data(), header.connection_id, header.sequence, datagram.data(),
                            accept_clear_bytes, sealed_bytes))
    return Drop::bad_tag;
  base::ByteReader in({body + accept_clear_bytes, sealed_bytes});
  message::Framed framed;
  message::ConnectionAccepted accepted;
  if (!message::next(in, framed) || in.remaining() != 0 || framed.type != message::Type::connection_accepted ||
      !message::decode(framed.content, accepted)) {
    report(Fault::bad_accept, now, header.sequence, static_cast<std::uint8_t>(message::Type::connection_accepted));
    return Drop::bad_connect;
  }
  keys_.begin(keys);
  denied_at_ = 0;
  connection_id_ = header.connection_id;
  parameters_ = accepted;
  timeout_ = accepted.timeout_ms * millisecond;
  idle_ping_ = accepted.idle_ping_ms * millisecond;
  ack_delay_max_ = accepted.ack_delay_us * microsecond;
  replay_.commit(header.sequence);
  received_.note(header.sequence, channel::AckPolicy::soon, now);
  note_acks();
  heard_at_ = now;
  // Nothing of the handshake is needed any more.
  ephemeral_.secret.wipe();
  token_secret_.wipe();
  crypt::wipe(token_);
  view_.configure(accepted);
  budget_.configure(accepted.input_rate_max_hz);
  enter(State::testing, now);
  return Drop::none;
}

}  // namespace serried::peer
