#include "base/clock.h"

#include <chrono>
#include <ctime>
#include <thread>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(Now, GoesForwardAtTheSpeedOfTime) {
  const Nanos begin = now();
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const Nanos passed = now() - begin;
  EXPECT_GE(passed, 5 * millisecond);
  EXPECT_LT(passed, 5 * second);
}

TEST(Now, CountsTheTimeInSuspend) {
  timespec time{};
  if (clock_gettime(CLOCK_BOOTTIME, &time) != 0) GTEST_SKIP() << "the system does not tell it";
  const Nanos before = now();
  clock_gettime(CLOCK_BOOTTIME, &time);
  const Nanos between = static_cast<Nanos>(time.tv_sec) * second + static_cast<Nanos>(time.tv_nsec);
  EXPECT_LE(before, between);
  EXPECT_LE(between, now());
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
}  // namespace serried::base
