#include "tools/swarm/bot.h"

#include <cmath>

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::Walker;

TEST(Walker, IsDecidedByItsSeed) {
  Walker one(5), same(5), other(6);
  bool differs = false;
  for (Nanos now = second; now < 60 * second; now += 16 * millisecond) {
    const message::Input a = one.step(now), b = same.step(now), c = other.step(now);
    EXPECT_EQ(a.yaw, b.yaw);
    EXPECT_EQ(a.move_x, b.move_x);
    differs |= a.yaw != c.yaw;
  }
  EXPECT_TRUE(differs);
}

TEST(Walker, TurnsRestsRunsAndNeverOversteps) {
  Walker walker(1);
  unsigned turns = 0, rests = 0, runs = 0, steps = 0;
  std::int16_t yaw = 0;
  for (Nanos now = second; now < 600 * second; now += 100 * millisecond, ++steps) {
    const message::Input input = walker.step(now);
    const double length = std::hypot(input.move_x, input.move_y);
    EXPECT_LE(length, 127.0);
    EXPECT_TRUE(length == 0.0 || length > 124.0);
    turns += input.yaw != yaw;
    yaw = input.yaw;
    rests += length == 0.0;
    runs += (input.buttons & message::button::run) != 0;
  }
  EXPECT_GT(turns, 100U);
  EXPECT_GT(rests, steps / 20);
  EXPECT_LT(rests, steps / 3);
  EXPECT_GT(runs, steps / 10);
}

TEST(Habit, OccursAsOftenAsConfigured) {
  base::Prng rng(1);
  for (const double per_minute : {0.5, 6.0, 120.0}) {
    tools::Habit habit(per_minute);
    unsigned times = 0;
    for (Nanos now = second; now < 3'600 * second; now += 16 * millisecond) times += habit.due(now, rng);
    EXPECT_NEAR(times, 60 * per_minute, 4 + 0.04 * 60 * per_minute);
  }
  tools::Habit never;
  EXPECT_FALSE(never.due(second, rng));
  EXPECT_FALSE(never.due(1'000 * second, rng));
}

}  // namespace
}  // namespace serried
