#pragma once
/// What a lane lets strangers do: limits by address and network, scores for what is malformed, bans. A stranger is the
/// source of what is not a live session's own traffic: Connects, and sealed datagrams from another address than the
/// session's.
///
/// Source addresses can be made up until a cookie has come back or a tag has verified. So nothing that an address is
/// penalized for, and no limit of an address, ever touches a session whose own address it is, whatever the port:
/// garbage in a player's name costs that player nothing. Only operators' bans (guard.h) do. What is left to a forger is
/// to keep a newcomer of a known address from connecting, while the forged datagrams keep coming.
///
/// What a stranger may make the lane compute has a budget of the lane, and when half of it is spent the rest is for
/// those that have a better claim. A cookie that fails, and is bound to an address and port, is not looked at again
/// for a second. Its source is charged, which matters only for who goes first: neighbours behind one NAT, or in one
/// network, answer for each other with nothing more than that.

#include <array>

#include "base/budget.h"
#include "base/fixed_fifo.h"
#include "guard/bans.h"
#include "guard/sources.h"
#include "metrics/drop.h"

namespace serried::guard {

/// How often a lane opens, in vain, datagrams that come from an address which is not their session's: too little to be
/// worth an attack. Those that open are given back.
struct ForeignBudget : base::Budget {
  static constexpr std::uint32_t burst = 256;
  static constexpr std::uint32_t per_second = 4096;
  ForeignBudget() noexcept : Budget(per_second, burst) {}
};

struct AbuseGuardConfig {
  /// Connects a second; with a cookie that holds, and without one, each as many. 0: no limit. Twice as many at once.
  std::uint32_t address_per_s = 0;
  std::uint32_t prefix_per_s = 0;  ///< of an IPv4 /24 or IPv6 /48
  /// Datagrams a second, in a session's name from an address that is not its, whose tag does not verify. 0: no limit.
  std::uint32_t foreign_failures_per_s = 64;
  std::uint32_t foreign_network_failures_per_s = 256;
  /// Cookies a second that were given to an address and came back as others: as fast as this the debt of a source, and
  /// of the cookie, is forgotten. An honest client's never do, but who reads its datagrams may send bent ones.
  std::uint32_t cookie_failures_per_s = 1;
  std::uint32_t cookie_network_failures_per_s = 16;
  std::uint32_t cookies_per_s = 20'000;  ///< not 0: returned ones that the lane checks
  unsigned buckets = 16'384;             ///< sources whose limits are remembered, 16 bytes each
  unsigned scores = 8'192;               ///< sources that are penalized for something, 32 bytes each
  unsigned operator_bans_max = 4'096;
  /// By score. So many sources at once that behave badly are a flood in made-up names: against that, bans are no help,
  /// and the limits hold. What is the operator's is in another table.
  unsigned score_bans_max = 1'024;
  /// Malformed datagrams, each worth 1 and half as much after `half_life`, that ban their source; 0: never. Above what
  /// one burst can put on a wrong source: a burst penalizes one of its rows for all.
  std::uint32_t ban_score = 1'024;
  Nanos half_life = 30 * second;
  /// The first; each further one is twice as long. Short, because it may be a forger's doing: it must not last long
  /// after the last forged datagram.
  Nanos ban = 60 * second;
  Nanos ban_max = 240 * second;
};

/// A source that was just banned for its score. The admin thread tells the other lanes.
struct ScoreBan {
  Prefix prefix;
  Nanos until = 0;
};

/// Owner   one io lane
class AbuseGuard {
 public:
  /// `salt` comes from entropy.
  AbuseGuard(const AbuseGuardConfig& config, std::uint64_t salt);

  /// May this address have a Connect looked at: `proven`, when it has received the cookie that it brings, is counted
  /// apart, so that others that write that address use up nothing of it.
  /// Drops   banned, address_rate, prefix_rate
  [[nodiscard]] metrics::Drop admit_connect(const Address& from, bool proven, Nanos now) noexcept;
  /// Whether the cookie with this nonce has failed of late.
  [[nodiscard]] bool has_failed(std::uint64_t nonce, Nanos now) const noexcept {
    return failed_cookies_.owes(cookie_key(nonce), now);
  }
  /// May the cookie that this address received and returns be checked. When the budget is short those without failures
  /// go first.
  /// Drops   cookie_budget
  [[nodiscard]] metrics::Drop admit_cookie(const Address& from, Nanos now) noexcept;
  /// It was not as it had been given.
  void cookie_failed(const Address& from, std::uint64_t nonce, Nanos now) noexcept;

  /// What speaks for a datagram that comes from another endpoint than its session's.
  struct Claim {
    bool same_address = false;  ///< only the port is another: no limit of an address counts
    bool needy = false;         ///< the session has fallen silent, or is being asked from there
  };
  /// May it be opened. Score bans and limits of Connects do not matter: who has the session's key is no stranger. Nor
  /// do failures of the source where the claim is good: no host has to receive at an address to be charged there, so
  /// forgers would keep players from moving to it.
  /// Drops   address_rate, prefix_rate, foreign_source
  [[nodiscard]] metrics::Drop admit_foreign(const Address& from, Claim claim, Nanos now) noexcept;
  /// Its tag verified.
  void foreign_verified() noexcept { foreign_.give_back(); }
  /// It did not.
  void foreign_failed(const Address& from, Nanos now) noexcept;

  /// `weight` malformed datagrams came from there.
  void penalize(const Address& from, unsigned weight, Nanos now) noexcept;
  /// The next ban that penalize led to; false: none.
  [[nodiscard]] bool next_score_ban(ScoreBan& out) noexcept;

  /// A random number below `bound`: which row of a burst is looked at.
  [[nodiscard]] unsigned choose(unsigned bound) noexcept { return static_cast<unsigned>(random_.below(bound)); }

  /// An operator's. False: all places are taken by such, and none is over.
  [[nodiscard]] bool ban(const Prefix& prefix, Nanos until, Nanos now) noexcept;
  /// For a score, found by this lane or another. False: all others last longer.
  bool ban_for_score(const Prefix& prefix, Nanos until) noexcept { return score_bans.press_in(prefix, until); }

  /// Forget bans that are over, a few at a time. Call once a poll, or less.
  void sweep(Nanos now) noexcept;

  BanTable operator_bans;  ///< everything from there is dropped, sessions end
  BanTable score_bans;     ///< Connects from there are dropped

 private:
  enum class Kind : std::uint64_t { connect = 1, proven, foreign_failure, cookie_failure, score };

  [[nodiscard]] std::uint64_t key(const Prefix& source, Kind kind) const noexcept {
    return hash_(source.address, std::uint64_t{source.bits} << 8 | static_cast<std::uint64_t>(kind)) | 1;
  }
  [[nodiscard]] std::uint64_t cookie_key(std::uint64_t nonce) const noexcept {
    return base::mix(hash_.salt, nonce) | 1;
  }
  struct Limits {
    RateLimit address, prefix;
  };
  [[nodiscard]] metrics::Drop limit(const Address& from, Kind kind, const Limits& limits, Nanos now) noexcept;
  /// Whether the source, or its network, has failed too often of late.
  [[nodiscard]] metrics::Drop failures(const Address& from, Kind kind, const Limits& limits, Nanos now) const noexcept;
  void charge(const Address& from, Kind kind, const Limits& limits, Nanos now) noexcept;

  AbuseGuardConfig config_;
  AddressHash hash_;
  Limits connects_, foreign_failures_, cookie_failures_;
  BucketTable buckets_;
  BucketTable failed_cookies_;  ///< by nonce; in one table with sources they would push those out
  ScoreTable scores_;
  ForeignBudget foreign_;
  base::Budget cookies_;
  base::FixedFifo<ScoreBan> raised_;
  base::Prng random_;
};

/// What a limit of an address, a score and failures go by: an IPv4 address; of IPv6 the /64, for who has one address of
/// it has all.
[[nodiscard]] Prefix penalized_prefix(const Address& address) noexcept;
/// The network that limits go by, some hundreds of customers or one site: IPv4 /24, IPv6 /48.
[[nodiscard]] Prefix network_of(const Address& address) noexcept;

}  // namespace serried::guard
