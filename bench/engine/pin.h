#pragma once
/// Where a thread of the benchmark runs.

#include <sched.h>

namespace serried::bench {

/// The calling thread, on this CPU alone. False: it may not use it.
inline bool pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

}  // namespace serried::bench
