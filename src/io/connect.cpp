/// Clear datagrams: the handshake up to the point where keys are needed. Nothing is kept for a client whose cookie has
/// not come back, and no answer is larger than its cause.

#include "io/connect.h"

#include <algorithm>

#include "io/reply.h"
#include "message/control.h"
#include "message/type.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::io {
namespace {

using metrics::Drop;
using session::Attempt;

/// A clear datagram of one message, ready to go.
template <class Message>
bool send_clear(IoState& state, const Message& message, const wire::Path& to) noexcept {
  std::array<std::uint8_t, 256> bytes;
  base::ByteWriter out{bytes};
  out.write_zeros(wire::header_bytes);
  message::encode(out, message);
  out.write_zeros(wire::crc_bytes);
  if (!out.ok()) return false;
  const std::span<std::uint8_t> datagram{bytes.data(), out.size()};
  wire::compose_header(bytes.data(), {wire::no_connection, 0, 0, 0});
  wire::stamp_one(datagram, state.crc);
  return send_ready(state, datagram, to);
}

Drop deny(IoState& state, const message::Connect& connect, const wire::Path& to, message::DenyReason reason,
          std::uint32_t retry_after_ms) noexcept {
  send_denied(state, connect.client_ephemeral, reason, retry_after_ms, to);
  return Drop::none;
}

Drop give_cookie(IoState& state, const message::Connect& connect, const wire::Path& to, const crypt::Hash& token_hash,
                 Nanos now) noexcept {
  message::Cookie answer;
  std::copy_n(connect.client_ephemeral.begin(), answer.echo.size(), answer.echo.begin());
  answer.cookie = state.jar.make(to, connect.client_ephemeral, token_hash, now);
  if (send_clear(state, answer, to)) state.counters.cookies.add(1);
  return Drop::none;
}

/// A Connect of an attempt that is known: a half-open one gets the very same answer again, others nothing.
Drop repeat(IoState& state, const Attempt& attempt, const wire::Path& to) noexcept {
  if (attempt.state != Attempt::State::half_open) return Drop::attempt_known;
  send_ready(state, {attempt.accepted.data(), attempt.accepted_bytes}, to);
  return Drop::none;
}

/// Half of the spare places is for players whose older session is of this lane: such a place comes free again when that
/// has ended, and one for a player who comes from another lane does not.
link::HandshakeJob::Room room_of(const IoState& state) noexcept {
  using Room = link::HandshakeJob::Room;
  const IoConfig& config = state.config;
  const unsigned in_use = state.table.in_use();
  if (in_use < config.sessions_max) return Room::for_all;
  if (in_use >= config.places()) return Room::for_none;
  return in_use < config.sessions_max + config.sessions_spare / 2 ? Room::for_returning : Room::for_returning_here;
}

/// The cookie has come back: record the attempt, and send the costly part off this lane. No session yet: a stranger has
/// shown nothing but an address.
Drop begin(IoState& state, const message::Connect& connect, const wire::Path& from, const crypt::Hash& token_hash,
           Nanos now) noexcept {
  const session::AttemptKey key = session::attempt_key(state.attempt_salt, from, connect.client_ephemeral, token_hash);
  if (const Attempt* known = state.attempts.find(key); known != nullptr) return repeat(state, *known, from);
  if (state.attempts.size() == state.attempts.capacity()) return Drop::attempts_full;
  // A quarter is kept for CryptoTests: clients that have come that far are let in before newcomers are looked at.
  if (state.handshake.free.size() <= state.handshake.jobs.size() / 4) return Drop::handshake_ring_full;

  const std::uint32_t index = state.handshake.free.pop();
  link::HandshakeJob& job = state.handshake.jobs[index];
  auto& work = job.begin<link::HandshakeJob::Connect>();
  work.from = from;
  work.room = room_of(state);
  work.client_ephemeral = connect.client_ephemeral;
  work.cookie = connect.cookie;
  work.proof = connect.proof;
  work.token_bytes = static_cast<std::uint16_t>(connect.token.size());
  std::copy(connect.token.begin(), connect.token.end(), work.token.begin());
  work.token_hash = token_hash;
  work.attempt = key.digest;
  state.handshake.requests.push(index);  // as large as the pool: never full

  Attempt attempt;
  attempt.since = now;
  state.attempts.insert(key, attempt);
  return Drop::none;
}

Drop connect_one(IoState& state, std::span<const std::uint8_t> datagram, const wire::Path& from, Nanos now) noexcept {
  if (datagram.size() != wire::datagram_bytes_max) return Drop::bad_connect;
  base::ByteReader body{datagram.subspan(wire::header_bytes, datagram.size() - wire::header_bytes - wire::crc_bytes)};
  message::Framed framed;
  message::Connect connect;
  if (!message::next(body, framed) || framed.type != message::Type::connect || body.remaining() != 0 ||
      !message::decode(framed.content, connect))
    return Drop::bad_connect;
  static constexpr std::array<std::uint8_t, 48> no_cookie{};
  const bool returned = connect.cookie != no_cookie;
  // A client that has not received a cookie at this address, or long ago, is one without: it is charged as such, and of
  // the budget of such it gets none of the half that is kept for those that do not claim to have one.
  // So is one whose cookie has just failed: this very one will hardly hold.
  const auto nonce = base::load<std::uint64_t>(connect.cookie.data());
  const bool received = returned && state.jar.knows(connect.cookie, from, connect.client_ephemeral, now) &&
                        !state.abuse_guard.has_failed(nonce, now);
  if (const Drop refused = state.abuse_guard.admit_connect(from.address, received, now); refused != Drop::none)
    return refused;
  const auto may_answer = [&] { return state.clear_answers.take(now, returned ? state.clear_answers.half() : 0); };
  if (received) {
    if (const Drop refused = state.abuse_guard.admit_cookie(from.address, now); refused != Drop::none) return refused;
  } else if (!may_answer()) {
    return Drop::cookie_budget;
  }
  if (connect.version != message::protocol_version) return deny(state, connect, from, message::DenyReason::version, 0);

  const crypt::Hash token_hash = crypt::sha256(connect.token);
  if (!received) return give_cookie(state, connect, from, token_hash, now);
  if (!state.jar.check(connect.cookie, from, connect.client_ephemeral, token_hash, now)) {
    // For another token: no client asks so, but a stranger on the path may have asked in its name.
    state.abuse_guard.cookie_failed(from.address, nonce, now);
    return may_answer() ? give_cookie(state, connect, from, token_hash, now) : Drop::cookie_budget;
  }
  if (state.draining) return deny(state, connect, from, message::DenyReason::shutting_down, 10'000);
  return begin(state, connect, from, token_hash, now);
}

}  // namespace

void connect(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  unsigned kept = 0;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    if ((batch.flags[row] & wire::flag::encrypted) != 0) [[likely]] {
      batch.live[kept++] = static_cast<std::uint8_t>(row);
      continue;
    }
    const Drop result = connect_one(state, {batch.data[row], batch.length[row]}, batch.path[row], now);
    batch.verdict[row] = result;
    if (result == Drop::none)
      state.counters.answered.add(1);
    else
      state.counters.drops.add(result);
  }
  batch.live_rows = kept;
}

void send_denied(IoState& state, const crypt::PublicKey& client_ephemeral, message::DenyReason reason,
                 std::uint32_t retry_after_ms, const wire::Path& to) noexcept {
  message::ConnectionDenied denied;
  denied.reason = reason;
  denied.retry_after_ms = retry_after_ms;
  std::copy_n(client_ephemeral.begin(), denied.echo.size(), denied.echo.begin());
  if (send_clear(state, denied, to)) state.counters.denied.add(1);
}

bool send_ready(IoState& state, std::span<const std::uint8_t> datagram, const wire::Path& to) noexcept {
  if (state.spare.empty() || state.ready.full()) {
    state.counters.drops.add(Drop::no_buffer);
    return false;
  }
  const wire::Buffer buffer = state.spare.pop();
  std::copy(datagram.begin(), datagram.end(), buffer.data);
  state.ready.push({buffer, static_cast<std::uint16_t>(datagram.size()), to});
  return true;
}

}  // namespace serried::io
