#include "handshake/handshake_lane.h"

#include <algorithm>
#include <cstring>

#include "base/prng.h"
#include "base/setup.h"

namespace serried::handshake {

using message::DenyReason;

namespace {

/// The tolerance is taken off the time now, because an expiry may be the largest number: a token that never expires.
bool expired(std::int64_t expiry, std::int64_t unix_now_s) noexcept {
  return expiry < unix_now_s - crypt::token_clock_skew_s;
}

}  // namespace

SERRIED_SETUP HandshakeLane::HandshakeLane(const HandshakeConfig& config, std::vector<link::HandshakeLink*> links)
    : config_(config),
      links_(std::move(links)),
      spent_(config.tokens_remembered),
      begun_(config.players_max),
      active_(config.players_max) {}

std::size_t HandshakeLane::TokenHash::operator()(const crypt::TokenId& id) const noexcept {
  std::uint64_t word;  // chosen at random by the issuer, and sealed: no client picks it
  std::memcpy(&word, id.data(), sizeof word);
  return word;
}

std::size_t HandshakeLane::PlayerHash::operator()(std::uint64_t id) const noexcept { return base::mix(id); }

unsigned HandshakeLane::poll(Nanos now, std::int64_t unix_now_s) noexcept {
  if (has_ephemeral_ && now - ephemeral_made_at_ >= ephemeral_lifetime) {
    ephemeral_ = {};
    has_ephemeral_ = false;
  }
  forget_expired(now, unix_now_s);

  unsigned done = 0;
  for (std::uint32_t l = 0; l < links_.size(); ++l) {
    link::HandshakeLink& link = *links_[l];
    link::SessionEnd end;
    for (unsigned i = 0; i < 64 && link.ended.pop(&end, 1) == 1; ++i) {
      const ActiveSession* active = active_.find(end.player_id);
      if (active != nullptr && active->connection_id == end.connection_id) active_.erase(end.player_id);
    }
    std::uint32_t index = 0;
    for (unsigned i = 0; i < jobs_per_poll && link.requests.pop(&index, 1) == 1; ++i, ++done) {
      link::HandshakeJob& job = link.jobs[index];
      job.denied = false;
      switch (job.kind) {
        case link::HandshakeJob::Kind::connect:
          connect(job, now, unix_now_s);
          break;
        case link::HandshakeJob::Kind::confirm:
          confirm(job, l, unix_now_s);
          break;
        case link::HandshakeJob::Kind::rekey_prepare:
          job.ephemeral = crypt::make_key_pair(config_.entropy);
          break;
        case link::HandshakeJob::Kind::rekey_compute:
          rekey(job);
          break;
      }
      link.results.push(index);  // as large as the pool: never full
    }
  }
  return done;
}

void HandshakeLane::connect(link::HandshakeJob& job, Nanos now, std::int64_t unix_now_s) noexcept {
  const std::span<const std::uint8_t> token{job.token.data(), job.token_bytes};
  crypt::TokenClaims claims;
  switch (crypt::open_token(config_.token_key, token, unix_now_s, claims)) {
    case crypt::TokenFault::none:
      break;
    case crypt::TokenFault::expired:
    case crypt::TokenFault::not_yet:
      return deny(job, DenyReason::token_expired, counters_.denied_expired);
    case crypt::TokenFault::wrong_server:
      return deny(job, DenyReason::wrong_server, counters_.denied_wrong_server);
    default:
      return deny(job, DenyReason::token_invalid, counters_.denied_invalid);
  }
  const crypt::Proof proof =
      crypt::make_proof(claims.secret, message::protocol_version, job.client_ephemeral, job.cookie, token);
  if (!crypt::equal(proof, job.proof)) return deny(job, DenyReason::token_invalid, counters_.denied_invalid);
  if (claims.expiry <= forgotten_through_) return deny(job, DenyReason::token_expired, counters_.denied_expired);
  if (claims.issued < config_.started_unix_s || spent_.find(claims.id) != nullptr)
    return deny(job, DenyReason::token_used, counters_.denied_used);
  if (begins_too_often(claims.id, now)) return deny(job, DenyReason::full, counters_.denied_full);

  refresh_ephemeral(now);
  crypt::Secret shared;
  if (!crypt::shared_secret(ephemeral_.secret, job.client_ephemeral, shared))
    return deny(job, DenyReason::token_invalid, counters_.denied_invalid);

  crypt::KeyContext context;
  context.version = message::protocol_version;
  context.protocol_id = config_.token_key.protocol_id;
  context.server_id = config_.token_key.server_id;
  context.connection_id = job.connection_id;
  context.client_ephemeral = job.client_ephemeral;
  context.server_ephemeral = ephemeral_.public_key;
  config_.entropy.fill(context.server_random);
  context.token_hash = crypt::sha256(token);

  job.keys = crypt::derive_session_keys(context, claims.secret, shared);
  job.server_ephemeral = ephemeral_.public_key;
  job.server_random = context.server_random;
  job.player_id = claims.player_id;
  job.token_id = claims.id;
  job.token_expiry = claims.expiry;
  counters_.accepted.add(1);
}

/// The token is tested and set before the client learns that it is in; and the player's older session, if there is
/// one, is told to go at once.
void HandshakeLane::confirm(link::HandshakeJob& job, std::uint32_t link, std::int64_t unix_now_s) noexcept {
  if (spent_.find(job.token_id) != nullptr) return deny(job, DenyReason::token_used, counters_.denied_used);
  if (expired(job.token_expiry, unix_now_s) || job.token_expiry <= forgotten_through_)
    return deny(job, DenyReason::token_expired, counters_.denied_expired);
  if (spent_.size() == spent_.capacity()) return deny(job, DenyReason::full, counters_.denied_full);

  const ActiveSession fresh{link, job.connection_id};
  ActiveSession* active = active_.insert(job.player_id, fresh);
  if (active == nullptr) return deny(job, DenyReason::full, counters_.denied_full);
  if (active->connection_id != fresh.connection_id) {
    if (!links_[active->link]->superseded.push(link::Superseded{active->connection_id}))
      return deny(job, DenyReason::full, counters_.denied_full);
    counters_.superseded.add(1);
  }
  *active = fresh;
  spent_.insert(job.token_id, job.token_expiry);
  counters_.confirmed.add(1);
}

void HandshakeLane::rekey(link::HandshakeJob& job) noexcept {
  crypt::Secret shared;
  if (!crypt::shared_secret(job.ephemeral.secret, job.client_ephemeral, shared)) {
    job.denied = true;
    return;
  }
  crypt::EpochContext context;
  context.connection_id = job.connection_id;
  context.epoch = job.epoch;
  context.server_ephemeral = job.ephemeral.public_key;
  context.client_ephemeral = job.client_ephemeral;
  job.keys = crypt::derive_next_keys(context, job.keys, shared);
}

void HandshakeLane::forget_expired(Nanos now, std::int64_t unix_now_s) noexcept {
  if (now - swept_at_ < 100 * microsecond) return;
  swept_at_ = now;
  spent_.sweep(16, [&](const crypt::TokenId&, std::int64_t expiry) {
    if (!expired(expiry, unix_now_s)) return false;
    forgotten_through_ = std::max(forgotten_through_, expiry);
    return true;
  });
  begun_.sweep(16, [&](const crypt::TokenId&, const Begins& begins) { return now - begins.since >= begins_window; });
}

bool HandshakeLane::begins_too_often(const crypt::TokenId& token, Nanos now) noexcept {
  Begins* begins = begun_.insert(token, {now, 0});
  if (begins == nullptr) return false;  // the tables are bounded; players beyond them are let in
  if (now - begins->since >= begins_window) *begins = {now, 0};
  return ++begins->count > begins_max;
}

void HandshakeLane::deny(link::HandshakeJob& job, DenyReason reason, base::Counter& counter) noexcept {
  job.denied = true;
  job.reason = reason;
  counter.add(1);
}

void HandshakeLane::refresh_ephemeral(Nanos now) noexcept {
  if (has_ephemeral_) return;
  ephemeral_ = crypt::make_key_pair(config_.entropy);
  ephemeral_made_at_ = now;
  has_ephemeral_ = true;
}

}  // namespace serried::handshake
