#include "io/handshake_results.h"

#include "crypt/aead.h"
#include "io/connect.h"
#include "io/rekey.h"
#include "io/reply.h"
#include "io/teardown.h"
#include "message/type.h"
#include "wire/compose.h"
#include "wire/stamp.h"
#include "world/entity.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using session::Attempt;
using session::State;

static_assert((crypt::player_id_max & world::player_bit) == 0, "two players would share an entity's id");

constexpr std::uint32_t retry_soon_ms = 1'000, retry_elsewhere_ms = 10'000;

/// Write the ConnectionAccepted datagram of a session whose keys have just come, and keep it for repeats.
void compose_accepted(IoState& state, std::uint32_t slot, const link::HandshakeJob::Connect& work, Attempt& attempt,
                      Nanos now) noexcept {
  constexpr std::size_t clear_bytes = 32 + 16;
  message::ConnectionAccepted parameters = state.config.parameters;
  parameters.player_entity = world::player_entity(work.player_id);
  parameters.server_time_us = now / microsecond;

  base::ByteWriter out{attempt.accepted};
  out.write_zeros(wire::header_bytes);
  out.write_bytes(work.context.server_ephemeral);
  out.write_bytes(work.context.server_random);
  message::encode(out, parameters);
  const std::size_t body_bytes = out.size() - wire::header_bytes - clear_bytes;
  out.write_zeros(wire::tag_bytes + wire::crc_bytes);

  const std::uint32_t connection_id = state.table.admission(slot).connection_id;
  session::Outbound& outbound = state.table.outbound(slot);
  const std::uint64_t sequence = outbound.sent.next_sequence(false);
  static_cast<void>(outbound.sent.note(sequence, {}, static_cast<std::uint16_t>(out.size()), now));
  wire::compose_header(attempt.accepted.data(), {connection_id, 0, wire::flag::sealed, sequence});
  crypt::seal_in_place(outbound.send_key.data(), connection_id, sequence, attempt.accepted.data(), clear_bytes,
                       body_bytes);
  wire::stamp_one({attempt.accepted.data(), out.size()}, state.crc);
  attempt.accepted_bytes = static_cast<std::uint16_t>(out.size());
}

/// A place for a player whose token is good, or none. Those beyond sessions_max are for players who give one up: they
/// come free as soon as the older session has ended.
std::uint32_t place_for(IoState& state, const link::HandshakeJob::Connect& work, Nanos now) noexcept {
  if (!work.returns && state.table.in_use() >= state.config.sessions_max) return session::Table::none;
  return state.table.allocate(state.secrets.next(), now);
}

/// The token is good: the session begins.
void on_connected(IoState& state, link::HandshakeJob::Connect& work, Nanos now) noexcept {
  const session::AttemptKey key{work.attempt};
  Attempt* attempt = state.attempts.find(key);
  if (attempt == nullptr || attempt->state != Attempt::State::queued) return;  // took too long
  const auto deny = [&](message::DenyReason reason, std::uint32_t retry_after_ms) {
    send_denied(state, work.client_ephemeral, reason, retry_after_ms, work.from);
    state.attempts.erase(key);
  };
  if (work.denied) return deny(*work.denied, work.retry_after_ms);
  if (state.draining) return deny(message::DenyReason::shutting_down, retry_elsewhere_ms);
  const std::uint32_t slot = place_for(state, work, now);
  if (slot == session::Table::none) return deny(message::DenyReason::full, retry_soon_ms);

  session::Admission& session = state.table.admission(slot);
  work.context.connection_id = session.connection_id;
  const crypt::SessionKeys keys = crypt::derive_session_keys(work.context, work.token_secret, work.shared);
  session::Cold& cold = state.table.cold(slot);
  state.table.peer(slot).path = work.from;
  state.table.peer(slot).receive_key = keys.client_to_server;
  state.table.outbound(slot).send_key = keys.server_to_client;
  cold.rekey.next = keys.next;
  cold.rekey.since = now;
  cold.exporter = keys.exporter;
  cold.player_id = work.player_id;
  cold.token_id = work.token_id;
  cold.token_expiry = work.token_expiry;
  cold.attempt = work.attempt;
  session.shard = static_cast<std::uint8_t>(base::mix(work.player_id) % state.shards.size());
  attempt->state = Attempt::State::half_open;
  attempt->since = now;
  compose_accepted(state, slot, work, *attempt, now);
  send_ready(state, {attempt->accepted.data(), attempt->accepted_bytes}, work.from);
}

void on_confirmed(IoState& state, const link::HandshakeJob& job, Nanos now) noexcept {
  const auto& work = job.as<link::HandshakeJob::Confirm>();
  session::Admission& session = state.table.admission(job.session);
  if (session.connection_id != job.connection_id || session.state != State::confirming) {
    // The session ended meanwhile, and could not say so because the handshake lane did not know it yet.
    if (!work.denied) static_cast<void>(state.handshake.ended.push({work.player_id, job.connection_id, 0}));
    return;
  }
  if (work.denied) {
    end_session(state, job.session,
                *work.denied == message::DenyReason::full ? DisconnectReason::overload : DisconnectReason::token_used,
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

}  // namespace

unsigned handshake_results(IoState& state, Nanos now) noexcept {
  unsigned done = 0;
  std::uint32_t index = 0;
  for (; done < 16 && state.handshake.results.pop(&index, 1) == 1; ++done) {
    link::HandshakeJob& job = state.handshake.jobs[index];
    switch (job.kind()) {
      case link::HandshakeJob::Kind::none:
        break;
      case link::HandshakeJob::Kind::connect:
        on_connected(state, job.as<link::HandshakeJob::Connect>(), now);
        break;
      case link::HandshakeJob::Kind::confirm:
        on_confirmed(state, job, now);
        break;
      case link::HandshakeJob::Kind::prepare_rekey:
      case link::HandshakeJob::Kind::compute_rekey:
        on_rekey_job(state, job, now);
        break;
    }
    job.end();
    state.handshake.free.push(index);
  }
  link::Superseded old;
  for (unsigned i = 0; i < 64 && state.handshake.superseded.pop(&old, 1) == 1; ++i, ++done) {
    const std::uint32_t slot = state.table.find(old.connection_id);
    if (slot == session::Table::none) continue;
    state.table.cold(slot).spent = false;  // the handshake lane has the newer session as its player's
    end_session(state, slot, DisconnectReason::superseded, true);
  }
  return done;
}

}  // namespace serried::io
