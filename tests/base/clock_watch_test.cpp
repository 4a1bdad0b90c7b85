#include "base/clock_watch.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

constexpr std::int64_t unix_start = 1'700'000'000;

/// What the wall clock shows, set `ahead` of the monotonic one.
std::int64_t shown(Nanos now, Nanos ahead) { return unix_start + static_cast<std::int64_t>((now + ahead) / second); }

TEST(ClockWatch, ARunningClockIsNotSet) {
  for (const Nanos phase : {Nanos{0}, 300 * millisecond, 999 * millisecond}) {
    ClockWatch watch;
    for (Nanos now = 0; now < 20 * second; now += 7 * millisecond) EXPECT_EQ(watch.note(now, shown(now, phase)), 0);
  }
}

TEST(ClockWatch, SaysOnceByHowMuchTheClockWasSet) {
  ClockWatch watch;
  EXPECT_EQ(watch.note(second, unix_start), 0) << "the first reading is compared with nothing";
  EXPECT_EQ(watch.note(2 * second, unix_start + 1), 0);
  EXPECT_EQ(watch.note(3 * second, unix_start + 2 + 7'200), 7'200);
  EXPECT_EQ(watch.note(4 * second, unix_start + 3 + 7'200), 0);
  EXPECT_EQ(watch.note(5 * second, unix_start + 4), -7'200);
  EXPECT_EQ(watch.note(6 * second, 0), -(unix_start + 5)) << "a host without a battery begins in 1970";
  EXPECT_EQ(watch.note(7 * second, unix_start + 6), unix_start + 5);
}

TEST(ClockWatch, ALeapSecondIsNone) {
  ClockWatch watch;
  EXPECT_EQ(watch.note(10 * second, unix_start), 0);
  EXPECT_EQ(watch.note(11 * second, unix_start), 0) << "the same second twice";
  EXPECT_EQ(watch.note(12 * second, unix_start + 1), 0);
}

TEST(ClockWatch, ALongPauseIsNoStepWhenBothClocksRanOn) {
  ClockWatch watch;
  EXPECT_EQ(watch.note(10 * second, unix_start), 0);
  EXPECT_EQ(watch.note(10 * second + 3'600 * second, unix_start + 3'600), 0);
}

}  // namespace
}  // namespace serried::base
