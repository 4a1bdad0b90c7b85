#pragma once
/// What a lane lets strangers do: limits by address and network, scores for what is malformed, bans. A stranger is the
/// source of what is not a live session's own traffic: Connects, and sealed datagrams from another address than the
/// session's.
///
/// Source addresses can be made up until a cookie has come back or a tag has verified. So nothing that an address is
/// penalized for, and no limit of an address, ever touches a session whose own endpoint it is: garbage in a player's
/// name costs that player nothing. Only operators' bans (guard.h) do. What is left to a forger is to keep a newcomer of
/// a known address from connecting, while the forged datagrams keep coming.

#include <array>

#include "base/fixed_fifo.h"
#include "guard/bans.h"
#include "guard/budget.h"
#include "guard/sources.h"
#include "metrics/drop.h"

namespace serried::guard {

/// How often a lane opens datagrams that come from an address which is not their session's: enough for all players
/// whose NAT rebinds, too little to be worth an attack.
struct ForeignBudget : Budget {
  static constexpr std::uint32_t burst = 256;
  static constexpr std::uint32_t per_second = 4096;
  ForeignBudget() noexcept : Budget(per_second, burst) {}
};

struct AbuseGuardConfig {
  /// Connects a second; with a cookie that holds, and without one, each as many. 0: no limit. Twice as many at once.
  std::uint32_t address_per_s = 0;
  std::uint32_t prefix_per_s = 0;  ///< of an IPv4 /24 or IPv6 /64
  /// Datagrams a second for sessions of other addresses; the burst is the lane's.
  std::uint32_t foreign_address_per_s = 512;
  std::uint32_t foreign_prefix_per_s = 2'048;
  unsigned buckets = 16'384;  ///< sources whose limits are remembered, 16 bytes each
  unsigned scores = 8'192;    ///< sources that are penalized for something, 32 bytes each
  unsigned bans_max = 4'096;  ///< of each kind
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

  /// May this address have a Connect looked at: `proven`, when its cookie holds, is counted apart, so that others that
  /// write that address use up nothing of it.
  /// Drops   banned, address_rate, prefix_rate
  [[nodiscard]] metrics::Drop admit_connect(const Address& from, bool proven, Nanos now) noexcept;
  /// May a datagram from this address be opened for a session of another.
  /// Drops   banned, address_rate, prefix_rate, foreign_source
  [[nodiscard]] metrics::Drop admit_foreign(const Address& from, Nanos now) noexcept;

  /// `weight` malformed datagrams came from there.
  void penalize(const Address& from, unsigned weight, Nanos now) noexcept;
  /// The next ban that penalize led to; false: none.
  [[nodiscard]] bool next_score_ban(ScoreBan& out) noexcept;

  /// A random number below `bound`: which row of a burst is looked at.
  [[nodiscard]] unsigned choose(unsigned bound) noexcept { return static_cast<unsigned>(random_.below(bound)); }

  /// Forget bans that are over, a few at a time. Call once a poll, or less.
  void sweep(Nanos now) noexcept;

  BanTable operator_bans;  ///< everything from there is dropped, sessions end
  BanTable score_bans;     ///< strangers' traffic from there is dropped

 private:
  enum class Kind : std::uint64_t { connect = 1, proven, foreign, score };

  [[nodiscard]] std::uint64_t key(const Prefix& source, Kind kind) const noexcept {
    return hash_(source.address, std::uint64_t{source.bits} << 8 | static_cast<std::uint64_t>(kind)) | 1;
  }
  struct Limits {
    RateLimit address, prefix;
  };
  [[nodiscard]] metrics::Drop limit(const Address& from, Kind kind, const Limits& limits, Nanos now) noexcept;

  AbuseGuardConfig config_;
  AddressHash hash_;
  Limits connects_, foreigners_;
  BucketTable buckets_;
  ScoreTable scores_;
  ForeignBudget foreign_;
  base::FixedFifo<ScoreBan> raised_;
  base::Prng random_;
};

/// The network that limits and scores go by: IPv4 /24, IPv6 /64.
[[nodiscard]] Prefix network_of(const Address& address) noexcept;
/// What is penalized: an IPv4 address; of IPv6 the /64, for its owner has all addresses in it.
[[nodiscard]] Prefix penalized_prefix(const Address& address) noexcept;

}  // namespace serried::guard
