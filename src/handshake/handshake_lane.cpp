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

/// What the wall clock, as it is set now, would have shown at `then`. So a clock that was wrong then, and has been set
/// since, does no harm.
std::int64_t unix_then_s(Nanos then, Nanos now, std::int64_t unix_now_s) noexcept {
  return unix_now_s - static_cast<std::int64_t>((now - then) / second);
}

/// A token spent now is remembered so long at least: for the rest of its life as the wall clock has it, and twice the
/// tolerance. A wall clock that jumps ahead meanwhile shortens nothing.
Nanos kept_until(std::int64_t expiry, Nanos now, std::int64_t unix_now_s) noexcept {
  constexpr std::int64_t life_max_s = std::int64_t{100} * 366 * 24 * 3'600;
  const std::int64_t left = std::clamp(expiry, unix_now_s, unix_now_s + life_max_s) - unix_now_s;
  return now + static_cast<Nanos>(left + 2 * crypt::token_clock_skew_s) * second;
}

}  // namespace

SERRIED_SETUP HandshakeLane::HandshakeLane(const HandshakeConfig& config, std::vector<link::HandshakeLink*> links)
    : config_(config),
      links_(std::move(links)),
      spent_(config.tokens_remembered),
      begun_(config.players_max),
      active_(config.players_max),
      reserved_(config.players_max) {}

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
  watch_clock(now, unix_now_s);
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
      work_on(job, l, now, unix_now_s);
      link.results.push(index);  // as large as the pool: never full
    }
  }
  return done;
}

void HandshakeLane::work_on(link::HandshakeJob& job, std::uint32_t link, Nanos now, std::int64_t unix_now_s) noexcept {
  switch (job.kind()) {
    case link::HandshakeJob::Kind::none:
      break;
    case link::HandshakeJob::Kind::connect:
      return connect(job.as<link::HandshakeJob::Connect>(), link, now, unix_now_s);
    case link::HandshakeJob::Kind::confirm:
      return confirm(job.as<link::HandshakeJob::Confirm>(), {link, job.connection_id}, now, unix_now_s);
    case link::HandshakeJob::Kind::prepare_rekey:
      job.as<link::HandshakeJob::PrepareRekey>().ephemeral = crypt::make_key_pair(config_.entropy);
      break;
    case link::HandshakeJob::Kind::compute_rekey:
      return rekey(job.as<link::HandshakeJob::ComputeRekey>(), job.connection_id);
  }
}

void HandshakeLane::connect(link::HandshakeJob::Connect& work, std::uint32_t link, Nanos now,
                            std::int64_t unix_now_s) noexcept {
  const std::span<const std::uint8_t> token{work.token.data(), work.token_bytes};
  crypt::TokenClaims claims;
  switch (crypt::open_token(config_.token_key, token, unix_now_s, claims)) {
    case crypt::TokenFault::none:
      break;
    case crypt::TokenFault::expired:
    case crypt::TokenFault::not_yet:
      return deny(work, DenyReason::token_expired, counters_.denied_expired);
    case crypt::TokenFault::wrong_server:
      return deny(work, DenyReason::wrong_server, counters_.denied_wrong_server);
    default:
      return deny(work, DenyReason::token_invalid, counters_.denied_invalid);
  }
  const crypt::Proof proof =
      crypt::make_proof(claims.secret, message::protocol_version, work.client_ephemeral, work.cookie, token);
  if (!crypt::equal(proof, work.proof)) return deny(work, DenyReason::token_invalid, counters_.denied_invalid);
  if (is_doubtful(claims, now, unix_now_s)) return deny(work, DenyReason::token_expired, counters_.denied_expired);
  const std::int64_t started = unix_then_s(config_.started_at, now, unix_now_s);
  if (claims.issued < started - crypt::token_clock_skew_s || spent_.find(claims.id) != nullptr)
    return deny(work, DenyReason::token_used, counters_.denied_used);
  const auto deny_full = [&](Nanos retry_after) {
    work.retry_after_ms = static_cast<std::uint32_t>(retry_after / millisecond);
    deny(work, DenyReason::full, counters_.denied_full);
  };
  if (const Nanos wait = begins_again_in(claims.id, now); wait != 0) return deny_full(wait);
  if (spent_.size() == spent_.capacity()) return deny_full(retry_when_spent_full);

  refresh_ephemeral(now);
  crypt::Secret shared;
  if (!crypt::shared_secret(ephemeral_.secret, work.client_ephemeral, shared))
    return deny(work, DenyReason::token_invalid, counters_.denied_invalid);

  // Last, because it may end the player's older session.
  if (!make_room(work, link, claims.player_id, now)) return deny_full(retry_when_full);

  crypt::KeyContext& context = work.context;
  context.version = message::protocol_version;
  context.protocol_id = config_.token_key.protocol_id;
  context.server_id = config_.token_key.server_id;
  context.client_ephemeral = work.client_ephemeral;
  context.server_ephemeral = ephemeral_.public_key;
  config_.entropy.fill(context.server_random);
  context.token_hash = work.token_hash;

  work.token_secret = claims.secret;
  work.shared = shared;
  work.player_id = claims.player_id;
  work.token_id = claims.id;
  work.token_expiry = claims.expiry;
  counters_.accepted.add(1);
}

/// A player who has a session is let in whatever others hold; where the io lane is full, that session gives its place
/// now, and not when the new one has proved its keys: a player has one place more than usual for a moment only. It is
/// not ended where the io lane has no place for the new one.
bool HandshakeLane::make_room(link::HandshakeJob::Connect& work, std::uint32_t link, std::uint64_t player_id,
                              Nanos now) noexcept {
  using Room = link::HandshakeJob::Room;
  const ActiveSession* active = active_.find(player_id);
  if (active == nullptr) return work.room == Room::for_all && reserve_place(player_id, now);
  work.returns = true;
  if (work.room == Room::for_all) return true;
  if (work.room == Room::for_none || (work.room == Room::for_returning_here && active->link != link)) return false;
  if (!links_[active->link]->superseded.push(link::Superseded{active->connection_id})) return false;
  active_.erase(player_id);
  counters_.superseded.add(1);
  return true;
}

/// Those that come at once are refused here too, where a client learns when to try again, and not when it has keys.
bool HandshakeLane::reserve_place(std::uint64_t player_id, Nanos now) noexcept {
  if (Nanos* const since = reserved_.find(player_id); since != nullptr) {
    *since = now;
    return true;
  }
  return active_.size() + reserved_.size() < active_.capacity() && reserved_.insert(player_id, now) != nullptr;
}

/// The token is tested and set before the client learns that it is in; and the player's older session, if there is
/// one, is told to go at once.
void HandshakeLane::confirm(link::HandshakeJob::Confirm& work, ActiveSession fresh, Nanos now,
                            std::int64_t unix_now_s) noexcept {
  if (spent_.find(work.token_id) != nullptr) return deny(work, DenyReason::token_used, counters_.denied_used);
  if (expired(work.token_expiry, unix_now_s)) return deny(work, DenyReason::token_expired, counters_.denied_expired);
  if (spent_.size() == spent_.capacity()) return deny(work, DenyReason::full, counters_.denied_full);

  reserved_.erase(work.player_id);
  ActiveSession* active = active_.insert(work.player_id, fresh);
  if (active == nullptr) return deny(work, DenyReason::full, counters_.denied_full);
  if (active->connection_id != fresh.connection_id) {
    if (!links_[active->link]->superseded.push(link::Superseded{active->connection_id}))
      return deny(work, DenyReason::full, counters_.denied_full);
    counters_.superseded.add(1);
  }
  *active = fresh;
  spent_.insert(work.token_id, {work.token_expiry, kept_until(work.token_expiry, now, unix_now_s)});
  counters_.confirmed.add(1);
}

void HandshakeLane::rekey(link::HandshakeJob::ComputeRekey& work, std::uint32_t connection_id) noexcept {
  crypt::Secret shared;
  if (!crypt::shared_secret(work.ephemeral.secret, work.client_ephemeral, shared)) {
    work.refused = true;
    return;
  }
  crypt::EpochContext context;
  context.connection_id = connection_id;
  context.epoch = work.epoch;
  context.server_ephemeral = work.ephemeral.public_key;
  context.client_ephemeral = work.client_ephemeral;
  crypt::SessionKeys ending;
  ending.next = work.next;
  work.keys = crypt::derive_next_keys(context, ending, shared);
}

void HandshakeLane::watch_clock(Nanos now, std::int64_t unix_now_s) noexcept {
  const std::int64_t step_s = clock_watch_.note(now, unix_now_s);
  if (step_s == 0) return;
  (step_s > 0 ? counters_.clock_set_forward : counters_.clock_set_back).add(1);
  if (step_s < 0) set_back_at_ = now;
}

/// Half of the table is free to be filled with tokens that no client can use as long as the clock stays as it is:
/// should it be set back, they are still known as spent.
void HandshakeLane::forget_expired(Nanos now, std::int64_t unix_now_s) noexcept {
  if (now - swept_at_ < 100 * microsecond) return;
  swept_at_ = now;
  spent_.sweep(16, [&](const crypt::TokenId&, const Spent& spent) {
    if (2 * spent_.size() <= spent_.capacity() || now < spent.kept_until || !expired(spent.expiry, unix_now_s))
      return false;
    forgotten_through_ = std::max(forgotten_through_, spent.expiry);
    return true;
  });
  begun_.sweep(16, [&](const crypt::TokenId&, const Begins& begins) { return now - begins.since >= begins_window; });
  reserved_.sweep(16, [&](std::uint64_t, Nanos since) { return now - since >= begins_window; });
}

/// A token that is valid by a clock that was set back, and so old that it may be among those that were spent, expired
/// and were forgotten. Such a one was spent a minute or more before it was forgotten, hence before the clock was set
/// back, and issued before that. A player with a newer one is let in.
bool HandshakeLane::is_doubtful(const crypt::TokenClaims& claims, Nanos now, std::int64_t unix_now_s) const noexcept {
  return claims.expiry <= forgotten_through_ &&
         claims.issued < unix_then_s(set_back_at_, now, unix_now_s) - crypt::token_clock_skew_s;
}

Nanos HandshakeLane::begins_again_in(const crypt::TokenId& token, Nanos now) noexcept {
  Begins* begins = begun_.insert(token, {now, 0});
  if (begins == nullptr) return 0;  // the tables are bounded; players beyond them are let in
  if (now - begins->since >= begins_window) *begins = {now, 0};
  return ++begins->count > begins_max ? begins_window - (now - begins->since) : 0;
}

void HandshakeLane::refresh_ephemeral(Nanos now) noexcept {
  if (has_ephemeral_) return;
  ephemeral_ = crypt::make_key_pair(config_.entropy);
  ephemeral_made_at_ = now;
  has_ephemeral_ = true;
}

}  // namespace serried::handshake
