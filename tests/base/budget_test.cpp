#include "base/budget.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

unsigned take(Budget& budget, unsigned wanted, Nanos now) {
  unsigned taken = 0;
  for (unsigned i = 0; i < wanted; ++i) taken += budget.take(now) ? 1 : 0;
  return taken;
}

TEST(Budget, IsFullAtFirstWhateverTheClockSays) {
  for (const Nanos start : {Nanos{0}, Nanos{1}, second, 100 * 24 * 3'600 * second}) {
    Budget budget(100, 20);
    EXPECT_EQ(take(budget, 50, start), 20U) << start;
  }
}

TEST(Budget, FillsEvenlyAndNeverAboveItsBurst) {
  Budget budget(100, 20);
  EXPECT_EQ(take(budget, 50, second), 20U);
  for (Nanos now = second; now < 2 * second; now += 100 * millisecond)
    EXPECT_EQ(take(budget, 50, now + 100 * millisecond), 10U);
  EXPECT_EQ(take(budget, 50, 1'000 * second), 20U);
}

TEST(Budget, WhatIsKeptIsForThoseThatMayHaveIt) {
  Budget budget(100, 20);
  unsigned taken = 0;
  for (int i = 0; i < 50; ++i) taken += budget.take(second, budget.half()) ? 1 : 0;
  EXPECT_EQ(taken, 10U);
  EXPECT_EQ(take(budget, 50, second), 10U);
  budget.give_back();
  EXPECT_FALSE(budget.take(second, budget.half()));
  EXPECT_EQ(take(budget, 50, second), 1U);
  for (int i = 0; i < 50; ++i) budget.give_back();
  EXPECT_EQ(take(budget, 50, second), 20U) << "never above its burst";
}

TEST(Budget, FractionsOfATokenAreNotLost) {
  Budget budget(100, 1);
  unsigned taken = 0;
  for (Nanos now = 0; now < 10 * second; now += 7 * millisecond) taken += take(budget, 1, now);
  EXPECT_NEAR(taken, 1'000.0, 2.0);
}

}  // namespace
}  // namespace serried::base
