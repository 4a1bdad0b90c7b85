#pragma once
/// The loop of one core: poll its lanes in turn, measure them, rest when there is nothing to do.
/// Owner   the core that runs it; the meters may be read from any thread

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/counter.h"
#include "serried/time.h"

namespace serried::control {

/// What a lane cost. On a cache line of its own: another core's lane must not wait for it.
struct alignas(64) LaneMeter {
  base::Counter polls;
  base::Counter busy_polls;   ///< polls that found something to do
  base::Counter busy_ns;      ///< wall time of those
  base::Counter items;        ///< what those polls returned, summed
  base::Counter longest_ns;   ///< of one poll
  base::Counter allocations;  ///< calls for memory from within poll; 0 for all lanes but handshake
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
  /// One poll of each lane that has rested enough, the first at `at`; returns the time after the last. `work` is what
  /// they did together.
  Nanos round(Nanos at, unsigned& work) noexcept;

  /// Wall time of run(), so that busy_ns has something to be a part of.
  [[nodiscard]] Nanos run_ns() const noexcept { return run_ns_.value(); }
  /// Of that what it did not sleep away: its thread wanted the CPU.
  [[nodiscard]] Nanos awake_ns() const noexcept { return awake_ns_.value(); }
  /// Of that on the CPU, by the thread's clock: at most 100 ms old while run() lasts, exact when it has ended.
  [[nodiscard]] Nanos cpu_ns() const noexcept { return cpu_ns_.value(); }

 private:
  std::vector<LaneEntry*> lanes_;
  IdlePolicy idle_;
  base::Counter run_ns_, awake_ns_, cpu_ns_;
};

/// How long a lane rests after a poll: what the user said, or 50 us where it shares its core. With every poll it takes
/// the core's caches for itself, and a burst of three costs it twice as much a datagram as one of thirty.
[[nodiscard]] Nanos rest_policy(bool asked, unsigned asked_us, bool alone) noexcept;

/// The idle policy of a run: what the user said, or 0 where the lanes are alone and 50 us where they are not.
[[nodiscard]] IdlePolicy idle_policy(bool asked, unsigned asked_us, bool alone) noexcept;

}  // namespace serried::control
