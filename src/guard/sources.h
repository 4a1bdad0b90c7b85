#pragma once
/// What a lane remembers of strangers' addresses, in fixed memory that a flood of made-up addresses may try to fill:
/// a set-associative array, four places to a cache line. Every entry fades to nothing by itself, so the place that
/// is given away is the one nearest to nothing.
///
/// Why that is safe under a flood. A source that behaves owes nothing after a moment, and forgetting it loses nothing.
/// One that floods owes the most of its line and is forgotten last; the many made-up ones, seen once each, owe the
/// least and push out one another. A newcomer always finds a place, so none is locked out by others; what the flood
/// wins is that its single datagrams pass here, and are counted against their network and then against the budgets of
/// the lane (Cookie answers, returned cookies, ForeignBudget), which hold whatever the addresses say. Where an address
/// falls depends on a salt that only this process knows.

#include <cstdint>
#include <vector>

#include "serried/time.h"

namespace serried::guard {

/// Sources are named by keyed hashes of 64 bits: two that meet share one entry, once in 10^14 pairs.
/// Precondition of both tables: keys are not 0.
struct RateLimit {
  Nanos interval = 0;   ///< between two takes, on average; 0: no limit
  Nanos tolerance = 0;  ///< how far ahead of that average a source may run

  /// `burst` at once, then `per_second`; 0 a second: no limit.
  [[nodiscard]] static constexpr RateLimit of(std::uint32_t per_second, std::uint32_t burst) noexcept {
    if (per_second == 0) return {};
    const Nanos interval = second / per_second;
    return {interval, interval * (burst > 1 ? burst - 1 : 0)};
  }
};

/// Token buckets as GCRA: one time stamp each, from which a bucket that is full again is told by the clock alone.
/// Owner   one lane
/// Source  ITU-T I.371
class BucketTable {
 public:
  /// Rounded up to a power of two, four at least.
  explicit BucketTable(std::size_t entries);

  /// False: the source is over its limit, and owes no more than before.
  [[nodiscard]] bool take(std::uint64_t key, const RateLimit& limit, Nanos now) noexcept;
  /// Whether take() would say no.
  [[nodiscard]] bool is_spent(std::uint64_t key, const RateLimit& limit, Nanos now) const noexcept {
    return limit.interval != 0 && due(key) > now + limit.tolerance;
  }
  /// Whether it has taken anything that it still owes.
  [[nodiscard]] bool owes(std::uint64_t key, Nanos now) const noexcept { return due(key) > now; }

 private:
  struct Bucket {
    std::uint64_t key = 0;
    Nanos next = 0;  ///< theoretical arrival time; in the past: as good as forgotten
  };
  struct alignas(64) Set {
    Bucket bucket[4];
  };
  /// Theoretical arrival time of the next; 0: not known.
  [[nodiscard]] Nanos due(std::uint64_t key) const noexcept;

  std::vector<Set> sets_;
};

/// Misbehaviour, fading by half every `half_life`.
/// Owner   one lane
class ScoreTable {
 public:
  ScoreTable(std::size_t entries, Nanos half_life);

  struct Source {
    std::uint64_t key = 0;
    float score = 0;            ///< as of `at`
    std::uint32_t strikes = 0;  ///< bans so far; forgotten with the entry
    Nanos at = 0;
  };
  /// Add `weight`; the source, with its score as of `now`. Valid until the next call.
  Source& penalize(std::uint64_t key, float weight, Nanos now) noexcept;

 private:
  struct alignas(64) Set {
    Source source[2];
  };
  [[nodiscard]] float faded(const Source& source, Nanos now) const noexcept;

  std::vector<Set> sets_;
  float fades_per_ns_;
};

}  // namespace serried::guard
