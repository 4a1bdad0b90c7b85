#include "telemetry/clock.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace serried::telemetry {
namespace {

TEST(Now, GoesForwardAtTheSpeedOfTime) {
  const Nanos begin = now();
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const Nanos passed = now() - begin;
  EXPECT_GE(passed, 5 * millisecond);
  EXPECT_LT(passed, 5 * second);
}

TEST(ThreadCpu, CountsWorkAndNotSleep) {
  const Nanos begin = thread_cpu();
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  EXPECT_LT(thread_cpu() - begin, 25 * millisecond);
  const Nanos deadline = now() + 10 * second;
  while (thread_cpu() - begin < 30 * millisecond && now() < deadline) {
  }
  EXPECT_GE(thread_cpu() - begin, 30 * millisecond);
}

TEST(UnixNow, IsTheWallClock) {
  const auto wall = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  EXPECT_NEAR(static_cast<double>(unix_now()), static_cast<double>(wall), 2);
}

}  // namespace
}  // namespace serried::telemetry
