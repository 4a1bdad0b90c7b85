/// What time and the other lanes bring to an io lane, in bounded portions.

#include <algorithm>

#include "crypt/aead.h"
#include "io/io_state.h"
#include "message/type.h"
#include "wire/compose.h"
#include "wire/stamp.h"
#include "world/entity.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using metrics::Drop;
using session::Attempt;
using session::State;

constexpr Nanos sweep_period = 100 * millisecond;
constexpr Nanos drain_sweep_period = 20 * millisecond;
constexpr Nanos ping_interval = 1 * second;
constexpr Nanos linger = 150 * millisecond;  ///< a client says goodbye three times, 20 ms apart

/// Whether the player may be expected back, so that the entity stays in the world for a while.
constexpr bool may_resume(DisconnectReason reason) noexcept {
  return reason == DisconnectReason::timeout || reason == DisconnectReason::superseded;
}

/// Tell shard and handshake lane that the session is over, and say goodbye as often as is due. Called again by the
/// sweep until both lanes and the client have heard, and nothing of it stands in a queue any more: then it returns
/// true.
bool close_session(IoState& state, std::uint32_t slot) noexcept {
  session::Admission& session = state.table.admission(slot);
  session::Cold& cold = state.table.cold(slot);
  bool disconnect_queued = false;
  if (cold.disconnects_left != 0) {
    disconnect_queued = reply(state, slot, [&](base::ByteWriter& out) {
      message::encode(out, message::Disconnect{cold.reason, {}});
    });
    if (disconnect_queued) --cold.disconnects_left;
  }
  if (cold.in_world) {
    link::SessionEvent leave;
    leave.kind = link::SessionEvent::Kind::leave;
    leave.connection_id = session.connection_id;
    leave.session = slot;
    leave.linger = may_resume(cold.reason);
    if (state.session_events.push({session.shard, leave})) cold.in_world = false;
  }
  if (cold.spent && state.handshake.ended.push({cold.player_id, session.connection_id, 0})) cold.spent = false;
  // A goodbye of this visit still stands in the queue, and needs the session to be sealed.
  return !disconnect_queued && cold.disconnects_left == 0 && !cold.in_world && !cold.spent;
}

void finish(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  // What its client still had on the way arrives for a session that is known to be ending.
  if (!close_session(state, slot) || (!state.draining && now < state.table.admission(slot).heard_at + linger)) return;
  state.table.release(slot, state.pools);
  state.counters.ended.add(1);
}

/// Write the ConnectionAccepted datagram of a session whose keys have just come, and keep it for repeats.
void compose_accepted(IoState& state, const link::HandshakeJob& job, Attempt& attempt, Nanos now) noexcept {
  constexpr std::size_t clear_bytes = 32 + 16;
  message::ConnectionAccepted parameters = state.config.parameters;
  parameters.player_entity = world::player_entity(job.player_id);
  parameters.server_time_us = now / microsecond;

  base::ByteWriter out{attempt.accepted};
  out.write_zeros(wire::header_bytes);
  out.write_bytes(job.server_ephemeral);
  out.write_bytes(job.server_random);
  message::encode(out, parameters);
  const std::size_t body_bytes = out.size() - wire::header_bytes - clear_bytes;
  out.write_zeros(wire::tag_bytes + wire::crc_bytes);

  session::Outbound& outbound = state.table.outbound(job.session);
  const std::uint64_t sequence = outbound.sent.next_sequence(false);
  static_cast<void>(outbound.sent.note(sequence, {}, static_cast<std::uint16_t>(out.size()), now));
  wire::compose_header(attempt.accepted.data(), {job.connection_id, 0, wire::flag::sealed, sequence});
  crypt::seal_in_place(outbound.send_key.data(), job.connection_id, sequence, attempt.accepted.data(), clear_bytes,
                       body_bytes);
  wire::stamp_one({attempt.accepted.data(), out.size()}, state.crc);
  attempt.accepted_bytes = static_cast<std::uint16_t>(out.size());
}

void on_connected(IoState& state, link::HandshakeJob& job, Nanos now) noexcept {
  const session::AttemptKey key{job.attempt};
  Attempt* attempt = state.attempts.find(key);
  session::Admission& session = state.table.admission(job.session);
  const bool waiting = session.connection_id == job.connection_id && session.state == State::pending;
  if (!waiting || attempt == nullptr || attempt->connection_id != job.connection_id) return;  // took too long
  const wire::Path path = state.table.peer(job.session).path;
  if (job.denied) {
    send_denied(state, job.client_ephemeral, job.reason, 0, path);
    state.attempts.erase(key);
    state.table.release(job.session, state.pools);
    return;
  }
  session::Cold& cold = state.table.cold(job.session);
  state.table.peer(job.session).receive_key = job.keys.client_to_server;
  state.table.outbound(job.session).send_key = job.keys.server_to_client;
  cold.rekey.next = job.keys.next;
  cold.rekey.since = now;
  cold.exporter = job.keys.exporter;
  cold.player_id = job.player_id;
  cold.token_id = job.token_id;
  cold.token_expiry = job.token_expiry;
  cold.attempt = job.attempt;
  session.shard = static_cast<std::uint8_t>(base::mix(job.player_id) % state.shards.size());
  session.state = State::half_open;
  session.heard_at = now;
  attempt->state = Attempt::State::half_open;
  attempt->since = now;
  compose_accepted(state, job, *attempt, now);
  send_ready(state, {attempt->accepted.data(), attempt->accepted_bytes}, path);
}

void on_confirmed(IoState& state, const link::HandshakeJob& job, Nanos now) noexcept {
  session::Admission& session = state.table.admission(job.session);
  if (session.connection_id != job.connection_id || session.state != State::confirming) {
    // The session ended meanwhile, and could not say so because it had no seat yet.
    if (!job.denied) static_cast<void>(state.handshake.ended.push({job.player_id, job.connection_id, 0}));
    return;
  }
  if (job.denied) {
    end_session(state, job.session,
                job.reason == message::DenyReason::full ? DisconnectReason::overload : DisconnectReason::token_used,
                true);
    return;
  }
  session::Cold& cold = state.table.cold(job.session);
  cold.spent = true;
  session.state = State::established;
  if (Attempt* attempt = state.attempts.find({cold.attempt}); attempt != nullptr) {
    attempt->state = Attempt::State::established;
    attempt->since = now;
  }
  state.counters.established.add(1);
  reply(state, job.session,
        [&](base::ByteWriter& out) { message::encode(out, message::Type::crypto_test_ack, cold.test); });
}

unsigned handshake_results(IoState& state, Nanos now) noexcept {
  unsigned done = 0;
  std::uint32_t index = 0;
  for (; done < 16 && state.handshake.results.pop(&index, 1) == 1; ++done) {
    link::HandshakeJob& job = state.handshake.jobs[index];
    switch (job.kind) {
      case link::HandshakeJob::Kind::connect:
        on_connected(state, job, now);
        break;
      case link::HandshakeJob::Kind::confirm:
        on_confirmed(state, job, now);
        break;
      case link::HandshakeJob::Kind::rekey_prepare:
      case link::HandshakeJob::Kind::rekey_compute:
        on_rekey_job(state, job, now);
        break;
    }
    job.keys = {};
    job.ephemeral = {};
    state.handshake.free.push(index);
  }
  link::Superseded old;
  for (unsigned i = 0; i < 64 && state.handshake.superseded.pop(&old, 1) == 1; ++i, ++done) {
    const std::uint32_t slot = state.table.find(old.connection_id);
    if (slot == session::Table::none) continue;
    state.table.cold(slot).spent = false;  // the seat is the newer session's now
    end_session(state, slot, DisconnectReason::superseded, true);
  }
  return done;
}

unsigned shard_traffic(IoState& state) noexcept {
  unsigned done = 0;
  while (!state.session_events.empty()) {
    const WaitingSessionEvent& next = state.session_events.front();
    if (!state.shards[next.shard]->session_events.push(next.command)) break;
    const bool joined = next.command.kind == link::SessionEvent::Kind::join;
    if (joined && state.table.find(next.command.connection_id) == next.command.session)
      state.table.cold(next.command.session).join_waits = false;
    static_cast<void>(state.session_events.pop());
    ++done;
  }
  for (link::IoShardLink* link : state.shards) {
    link::Notice notice;
    for (unsigned i = 0; i < 64 && link->notices.pop(&notice, 1) == 1; ++i, ++done) {
      if (state.table.find(notice.connection_id) != notice.session) continue;
      state.table.cold(notice.session).in_world = false;
      end_session(state, notice.session,
                  notice.kind == link::Notice::Kind::world_full ? DisconnectReason::overload : DisconnectReason::kicked,
                  true);
    }
  }
  return done;
}

unsigned send_due_acks(IoState& state, Nanos now) noexcept {
  const Nanos delay_max = state.config.parameters.ack_delay_us * microsecond;
  unsigned done = 0;
  while (done < 256 && !state.due_acks.empty() && state.due_acks.front().at <= now) {
    const Due due = state.due_acks.pop();
    ++done;
    session::Admission& session = state.table.admission(due.session);
    if (session.connection_id != due.connection_id || !session::opens(session.state)) continue;
    session.ack_queued = false;
    channel::ReceivedDatagrams& received = state.table.outbound(due.session).received;
    const Nanos due_at = received.due_at(delay_max);
    if (due_at == ~Nanos{0}) continue;
    // Empty: gather puts the ack block before it.
    const bool ready = due_at <= now;
    if (ready && reply(state, due.session, [](base::ByteWriter&) {})) continue;
    session.ack_queued = state.due_acks.push({due.session, due.connection_id, due_at});
    if (ready) break;  // no buffer: the others would not find one either
  }
  return done;
}

void send_ping(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  message::Ping ping;
  ping.id = state.public_rng.next();
  ping.time_us = now / microsecond;
  if (reply(state, slot, [&](base::ByteWriter& out) { message::encode(out, ping); }))
    state.table.cold(slot).ping_at = now;
}

void sweep_session(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  session::Admission& session = state.table.admission(slot);
  session::Cold& cold = state.table.cold(slot);
  const Nanos silence = now > session.heard_at ? now - session.heard_at : 0;
  // Keep the wrapping clocks of the rates within half their range of now.
  const auto now_us = static_cast<std::uint32_t>(now / microsecond);
  for (std::uint32_t* const clock : {&session.next_allowed_us, &cold.foreign_allowed_us})
    if (static_cast<std::int32_t>(*clock - now_us) < 0) *clock = now_us;

  switch (session.state) {
    case State::free:
      return;
    case State::closing:
      finish(state, slot, now);
      return;
    case State::pending:
    case State::half_open:
    case State::confirming:
      if (state.draining)
        end_session(state, slot, DisconnectReason::shutdown, true);
      else if (now - cold.opened_at >= Attempt::half_open_max)
        end_session(state, slot, DisconnectReason::timeout, false);
      return;
    case State::established:
    case State::playing:
      break;
  }
  const Nanos round_trip = state.table.outbound(slot).sent.round_trip().smoothed();
  if (state.draining) {
    end_session(state, slot, DisconnectReason::shutdown, true);
  } else if (silence >= std::max(state.config.parameters.timeout_ms * millisecond, 6 * round_trip)) {
    state.counters.timed_out.add(1);
    end_session(state, slot, DisconnectReason::timeout, true);
  } else if (silence >= state.config.parameters.idle_ping_ms * millisecond && now - cold.ping_at >= ping_interval) {
    send_ping(state, slot, now);
  }
  if (!session::opens(session.state)) return;
  sweep_reliable(state, slot, now);
  tell_room(state, slot);
  sweep_rekey(state, slot, now);
  sweep_roam(state, slot, now);
  sweep_integrity(state, slot, now);
}

/// Every session once in a sweep period, spread evenly over the polls of that time.
void sweep(IoState& state, Nanos now) noexcept {
  const Nanos period = state.draining ? drain_sweep_period : sweep_period;
  const std::uint32_t end = state.table.high_water();
  const Nanos elapsed = std::min(now - state.swept_at, period);
  const auto portion = static_cast<std::uint32_t>(elapsed * std::max<std::uint64_t>(end, 64) / period);
  if (portion == 0) return;
  state.swept_at = now;
  state.attempts.sweep(elapsed * state.attempts.places() / period + 1,
                       [&](const session::AttemptKey&, const Attempt& attempt) { return attempt.expired(now); });
  for (std::uint32_t i = 0; i < std::min(portion, end); ++i) {
    state.sweep_cursor = state.sweep_cursor + 1 < end ? state.sweep_cursor + 1 : 0;
    sweep_session(state, state.sweep_cursor, now);
  }
  state.counters.sessions.set(state.table.in_use());
  state.counters.waiting_chunks.set(state.pools.chunk.in_use());
  state.counters.fragment_bytes.set(state.pools.block.in_use_bytes());
}

}  // namespace

void end_session(IoState& state, std::uint32_t slot, message::DisconnectReason reason, bool tell) noexcept {
  session::Admission& session = state.table.admission(slot);
  if (session.state == State::closing || session.state == State::free) return;
  if (session.state == State::pending) tell = false;  // no keys to say it with
  session::Cold& cold = state.table.cold(slot);
  cold.reason = reason;
  cold.disconnects_left = tell ? 3 : 0;
  session.state = State::closing;
  // Now what needs no waiting. The sweep does the rest: our caller may still be at work on the session's memory.
  static_cast<void>(close_session(state, slot));
}

unsigned housekeeping(IoState& state, Nanos now) noexcept {
  const unsigned done =
      handshake_results(state, now) + shard_traffic(state) + send_due_acks(state, now) + send_reliable(state, now);
  sweep(state, now);
  steer(state);  // what timeouts found, for shards whose clients have fallen silent
  return done;
}

}  // namespace serried::io
