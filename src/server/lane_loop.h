#pragma once
/// The loop of one core: poll its lanes in turn, measure them, rest when there is nothing to do.
/// Owner   the core that runs it; the meters may be read from any thread

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/counter.h"
#include "serried/time.h"

namespace serried::server {

/// What a lane cost. On a cache line of its own: another core's lane must not wait for it.
struct alignas(64) LaneMeter {
#define SERRIED_LANE_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
};

/// What a core did with its time while LaneLoop::run lasts.
struct CoreMeter {
#define SERRIED_CORE_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
};

/// A lane as its core sees it. The indirect call is one a poll, not one a packet.
struct LaneEntry {
  std::string name;
  void* lane = nullptr;
  unsigned (*poll)(void* lane, Nanos now) noexcept = nullptr;
  Nanos rest = 0;    ///< not polled again so soon: what comes meanwhile is dealt with as one burst
  Nanos due_at = 0;  ///< the next poll
  LaneMeter meter;
};

/// What a core does when none of its lanes has work.
struct IdlePolicy {
  unsigned spins = 16;  ///< rounds without work, each ending in a pause, before it sleeps
  Nanos sleep = 0;      ///< 0: never
};

class LaneLoop {
 public:
  LaneLoop(std::vector<LaneEntry*> lanes, IdlePolicy idle) : lanes_(std::move(lanes)), idle_(idle) {}

  /// Until `stop` is true; looked at once a round.
  void run(const std::atomic<bool>& stop) noexcept;
  /// Any thread: run() has come to its end, and what it wrote can be seen.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  /// One poll of each lane that has rested enough, the first at `at`; returns the time after the last. `work` is what
  /// they did together.
  Nanos round(Nanos at, unsigned& work) noexcept;

  /// Exact when run() has ended.
  [[nodiscard]] const CoreMeter& meter() const noexcept { return meter_; }

 private:
  std::vector<LaneEntry*> lanes_;
  IdlePolicy idle_;
  CoreMeter meter_;
  std::atomic<bool> ended_{false};
};

/// How long a lane rests after a poll: what the user said, or 50 us where it shares its core. With every poll it takes
/// the core's caches for itself, and a burst of three costs it twice as much a datagram as one of thirty.
[[nodiscard]] Nanos rest_policy(bool asked, unsigned asked_us, bool alone) noexcept;

/// The idle policy of a run: what the user said, or 0 where the lanes are alone and 50 us where they are not.
[[nodiscard]] IdlePolicy idle_policy(bool asked, unsigned asked_us, bool alone) noexcept;

}  // namespace serried::server
