#pragma once
/// The one place that reads clocks: for the outer loops of server, client library and tools. All else takes `now`, see
/// serried/time.h; scripts/check layers knows which modules may include this.

#include <cstdint>
#include <ctime>

#include "serried/time.h"

namespace serried::base {

/// Monotonic time, that in suspend included: after it a session has been silent for as long as its client has waited.
/// clock_gettime through the vDSO costs some 25 ns and is read once a lane poll, so a burst pays less than half a
/// nanosecond a packet for it; a raw time-stamp counter would save a fifth of that and need calibration.
[[nodiscard]] inline Nanos now() noexcept {
  timespec time{};
  if (clock_gettime(CLOCK_BOOTTIME, &time) != 0) clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<Nanos>(time.tv_sec) * second + static_cast<Nanos>(time.tv_nsec);
}

/// CPU time of the calling thread. A system call, some 300 ns: not for every poll.
[[nodiscard]] inline Nanos thread_cpu() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<Nanos>(time.tv_sec) * second + static_cast<Nanos>(time.tv_nsec);
}

/// Seconds since 1970, for the times in tokens. The coarse clock is a load and good to 4 ms, which is plenty.
[[nodiscard]] inline std::int64_t unix_now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return static_cast<std::int64_t>(time.tv_sec);
}

/// Milliseconds, for reports.
[[nodiscard]] constexpr double to_ms(Nanos time) noexcept {
  return static_cast<double>(time) / static_cast<double>(millisecond);
}

}  // namespace serried::base
