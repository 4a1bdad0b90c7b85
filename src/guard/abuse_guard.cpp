#include "guard/abuse_guard.h"

#include <algorithm>
#include <cstring>

#include "base/setup.h"

namespace serried::guard {
namespace {

using metrics::Drop;

constexpr std::size_t swept_places = 4;
constexpr unsigned doublings_max = 16;
constexpr std::size_t raised_max = 64;

/// Of failures, several at once: a burst of datagrams is judged before the first of them is found out.
constexpr std::uint32_t failures_at_once = 16, network_failures_at_once = 128;

RateLimit twice_at_once(std::uint32_t per_second) noexcept { return RateLimit::of(per_second, 2 * per_second); }

}  // namespace

Prefix network_of(const Address& address) noexcept {
  return prefix_of(address, wire::is_ipv4_mapped(address) ? mapped_bits + 24 : 48);
}
Prefix penalized_prefix(const Address& address) noexcept {
  return prefix_of(address, wire::is_ipv4_mapped(address) ? 128 : 64);
}
SERRIED_SETUP AbuseGuard::AbuseGuard(const AbuseGuardConfig& config, std::uint64_t salt)
    : operator_bans(config.operator_bans_max, base::mix(salt, 1)),
      score_bans(config.score_bans_max, base::mix(salt, 2)),
      config_(config),
      hash_{base::mix(salt, 3)},
      connects_{twice_at_once(config.address_per_s), twice_at_once(config.prefix_per_s)},
      foreign_failures_{RateLimit::of(config.foreign_failures_per_s, failures_at_once),
                        RateLimit::of(config.foreign_network_failures_per_s, network_failures_at_once)},
      cookie_failures_{RateLimit::of(config.cookie_failures_per_s, failures_at_once),
                       RateLimit::of(config.cookie_network_failures_per_s, network_failures_at_once)},
      buckets_(config.buckets),
      failed_cookies_(config.buckets),
      scores_(config.scores, config.half_life),
      cookies_(config.cookies_per_s, config.cookies_per_s),
      raised_(raised_max),
      random_(base::mix(salt, 4)) {}

Drop AbuseGuard::limit(const Address& from, Kind kind, const Limits& limits, Nanos now) noexcept {
  if (!buckets_.take(key(penalized_prefix(from), kind), limits.address, now)) return Drop::address_rate;
  return buckets_.take(key(network_of(from), kind), limits.prefix, now) ? Drop::none : Drop::prefix_rate;
}

Drop AbuseGuard::admit_connect(const Address& from, bool proven, Nanos now) noexcept {
  if (score_bans.any() && score_bans.covers(from, now)) return Drop::banned;
  return limit(from, proven ? Kind::proven : Kind::connect, connects_, now);
}

Drop AbuseGuard::failures(const Address& from, Kind kind, const Limits& limits, Nanos now) const noexcept {
  if (buckets_.is_spent(key(penalized_prefix(from), kind), limits.address, now)) return Drop::address_rate;
  return buckets_.is_spent(key(network_of(from), kind), limits.prefix, now) ? Drop::prefix_rate : Drop::none;
}

void AbuseGuard::charge(const Address& from, Kind kind, const Limits& limits, Nanos now) noexcept {
  static_cast<void>(buckets_.take(key(penalized_prefix(from), kind), limits.address, now));
  static_cast<void>(buckets_.take(key(network_of(from), kind), limits.prefix, now));
}

Drop AbuseGuard::admit_cookie(const Address& from, Nanos now) noexcept {
  const bool failed = buckets_.owes(key(penalized_prefix(from), Kind::cookie_failure), now) ||
                      buckets_.is_spent(key(network_of(from), Kind::cookie_failure), cookie_failures_.prefix, now);
  return cookies_.take(now, failed ? cookies_.half() : 0) ? Drop::none : Drop::cookie_budget;
}

void AbuseGuard::cookie_failed(const Address& from, std::uint64_t nonce, Nanos now) noexcept {
  static_cast<void>(failed_cookies_.take(cookie_key(nonce), RateLimit::of(config_.cookie_failures_per_s, 1), now));
  charge(from, Kind::cookie_failure, cookie_failures_, now);
}

Drop AbuseGuard::admit_foreign(const Address& from, Claim claim, Nanos now) noexcept {
  if (!claim.same_address && !claim.needy)
    if (const Drop refused = failures(from, Kind::foreign_failure, foreign_failures_, now); refused != Drop::none)
      return refused;
  return foreign_.take(now, claim.needy ? 0 : foreign_.half()) ? Drop::none : Drop::foreign_source;
}

void AbuseGuard::foreign_failed(const Address& from, Nanos now) noexcept {
  charge(from, Kind::foreign_failure, foreign_failures_, now);
}

void AbuseGuard::penalize(const Address& from, unsigned weight, Nanos now) noexcept {
  if (config_.ban_score == 0) return;
  const Prefix penalized = penalized_prefix(from);
  // What goes on coming during a ban does not lengthen it; what comes after it makes the next one longer.
  if (score_bans.any() && score_bans.covers(from, now)) return;
  ScoreTable::Source& source = scores_.penalize(key(penalized, Kind::score), static_cast<float>(weight), now);
  if (source.score < static_cast<float>(config_.ban_score)) return;
  const Nanos length = std::min(config_.ban << std::min(source.strikes, doublings_max), config_.ban_max);
  ++source.strikes;
  if (!ban_for_score(penalized, now + length)) return;  // the limits hold all the same
  raised_.push({penalized, now + length});
}

bool AbuseGuard::next_score_ban(ScoreBan& out) noexcept {
  if (raised_.empty()) return false;
  out = raised_.pop();
  return true;
}

bool AbuseGuard::ban(const Prefix& prefix, Nanos until, Nanos now) noexcept {
  if (operator_bans.add(prefix, until)) return true;
  operator_bans.sweep(operator_bans.places(), now);
  return operator_bans.add(prefix, until);
}

void AbuseGuard::sweep(Nanos now) noexcept {
  operator_bans.sweep(swept_places, now);
  score_bans.sweep(swept_places, now);
}

}  // namespace serried::guard
