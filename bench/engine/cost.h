#pragma once
/// The clocks that the engine's benchmark reads, and what it adds up.

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <vector>

#include "base/prng.h"

namespace serried::bench {

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

/// CPU time of this thread and wall time, over the pieces between start and stop.
class Stopwatch {
 public:
  void start() {
    wall_from_ = clock_ns(CLOCK_MONOTONIC);
    cpu_from_ = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  }
  void stop() {
    cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_from_;
    wall_ns += clock_ns(CLOCK_MONOTONIC) - wall_from_;
  }
  std::uint64_t cpu_ns = 0, wall_ns = 0;

 private:
  std::uint64_t cpu_from_ = 0, wall_from_ = 0;
};

/// A sum of what was seen: the same in whatever order it comes, and on any CPU.
class ResultHash {
 public:
  void add(std::uint64_t a, std::uint64_t b) { sum_ += base::mix(a, b); }
  [[nodiscard]] std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

/// Repeated measurements of one thing.
struct Samples {
  std::vector<double> values;
  void add(double value) { values.push_back(value); }
  [[nodiscard]] double minimum() const { return values.empty() ? 0 : *std::min_element(values.begin(), values.end()); }
  [[nodiscard]] double median() const {
    if (values.empty()) return 0;
    std::vector<double> sorted = values;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

}  // namespace serried::bench
