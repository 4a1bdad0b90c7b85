#include "shard/update_throttle.h"

#include <gtest/gtest.h>

namespace serried::shard {
namespace {

constexpr Nanos period = second / 60;

/// A machine on which a tick costs `work` at interval 1, and proportionally less above, but for `fixed`.
unsigned settle(UpdateThrottle& throttle, Nanos work, int ticks, Nanos fixed = 0) {
  for (int i = 0; i < ticks; ++i) {
    const Nanos plans = (work - fixed) / throttle.interval();
    throttle.note(fixed + plans, plans, period, false);
  }
  return throttle.interval();
}

TEST(UpdateThrottle, EveryTickWhileTicksFit) {
  UpdateThrottle throttle{6};
  EXPECT_EQ(settle(throttle, period * 8 / 10, 10'000), 1U);
}

TEST(UpdateThrottle, RisesAsFarAsNeededAndRarelyTriesLess) {
  for (unsigned factor = 2; factor <= 5; ++factor) {
    UpdateThrottle throttle{12};
    settle(throttle, period * factor, 2'000);
    int too_low = 0;
    for (int i = 0; i < 20'000; ++i) {
      const Nanos plans = period * factor / throttle.interval();
      too_low += plans * 10 > period * 9;
      throttle.note(plans, plans, period, false);
    }
    EXPECT_LT(too_low, 100) << "three ticks a try, and ever longer between two: factor " << factor;
    const Nanos plans = period * factor / throttle.interval();
    EXPECT_LE(plans, period * 9 / 10);
    EXPECT_GE(plans, period / 2) << "no more than needed";
  }
}

TEST(UpdateThrottle, ReturnsToEveryTickWhenPlansAreOnlyPartOfATick) {
  UpdateThrottle throttle{6};
  settle(throttle, period * 20, 100, period / 2);
  EXPECT_EQ(settle(throttle, period * 8 / 10, 60 * 6, period / 2), 1U)
      << "0.5 for all viewers, and 0.3 for half of them";
}

TEST(UpdateThrottle, StaysWithinItsLimit) {
  UpdateThrottle throttle{6};
  EXPECT_EQ(settle(throttle, period * 100, 1'000), 6U);
}

TEST(UpdateThrottle, ReturnsToEveryTickAfterTheLoad) {
  UpdateThrottle throttle{6};
  settle(throttle, period * 20, 100);
  EXPECT_EQ(settle(throttle, period / 10, 60 * 6), 1U);
}

TEST(UpdateThrottle, ReturnsToEveryTickDespiteSingleSlowTicks) {
  UpdateThrottle throttle{6};
  settle(throttle, period * 20, 100);
  for (int i = 0; i < 60 * 6; ++i)
    throttle.note(i % 10 == 0 ? period * 8 / 10 : period / 20, period / 20, period, false);
  EXPECT_EQ(throttle.interval(), 1U);
}

TEST(UpdateThrottle, OneSlowTickDoesNotRaiseTheInterval) {
  UpdateThrottle throttle{6};
  for (int i = 0; i < 1'000; ++i)
    throttle.note(i % 10 == 0 ? period * 19 / 10 : period / 10, period / 20, period, false);
  EXPECT_EQ(throttle.interval(), 1U);
}

TEST(UpdateThrottle, AStandstillDoesNotRaiseTheInterval) {
  UpdateThrottle throttle{6};
  for (int i = 0; i < 1'000; ++i) {
    const bool still = i % 100 == 99;
    throttle.note(still ? period * 30 : period / 2, still ? period * 30 : period / 4, period, false);
    ASSERT_EQ(throttle.interval(), 1U);
  }
}

TEST(UpdateThrottle, StarvedViewersRaiseTheInterval) {
  UpdateThrottle throttle{6};
  for (int i = 0; i < 12; ++i) throttle.note(period / 10, period / 10, period, true);
  EXPECT_EQ(throttle.interval(), 5U);
}

}  // namespace
}  // namespace serried::shard
