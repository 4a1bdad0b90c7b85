#include "tools/impair/link.h"

#include <vector>

#include <gtest/gtest.h>

namespace serried::tools {
namespace {

constexpr unsigned many = 20'000;

std::vector<LinkFate> history(const LinkProfile& profile, std::uint64_t seed, std::uint64_t number, Nanos apart,
                              std::uint64_t bytes = 100) {
  ImpairedLink link(profile, seed, number);
  std::vector<LinkFate> fates;
  for (unsigned i = 0; i < many; ++i) fates.push_back(link.send(bytes, i * apart));
  return fates;
}

TEST(ImpairedLink, WithoutFaultsItIsAWire) {
  for (const LinkFate& fate : history({}, 1, 0, millisecond)) {
    EXPECT_EQ(fate.loss, LinkLoss::none);
    EXPECT_EQ(fate.copies, 1U);
    EXPECT_FALSE(fate.reordered);
  }
  ImpairedLink link({.delay = 30 * millisecond}, 1, 0);
  EXPECT_EQ(link.send(100, 5).due, 5 + 30 * millisecond);
}

TEST(ImpairedLink, OneSeedGivesOneHistoryAndAnotherLinkAnother) {
  const LinkProfile profile{.loss = 0.1, .duplicate = 0.1, .reorder = 0.1, .delay = second, .jitter = second / 5};
  const auto dues = [&](std::uint64_t seed, std::uint64_t number) {
    std::vector<Nanos> all;
    for (const LinkFate& fate : history(profile, seed, number, millisecond)) all.push_back(fate.due);
    return all;
  };
  EXPECT_EQ(dues(7, 3), dues(7, 3));
  EXPECT_NE(dues(7, 3), dues(8, 3));
  EXPECT_NE(dues(7, 3), dues(7, 4));
}

/// Binomial: 20,000 throws of 10 % lie within five standard deviations, 212, but for one history in a million; this one
/// does.
TEST(ImpairedLink, LosesRepeatsAndReordersAsOftenAsItIsTold) {
  unsigned lost = 0, twice = 0, reordered = 0;
  for (const LinkFate& fate : history({.loss = 0.1, .duplicate = 0.1, .reorder = 0.1}, 5, 0, millisecond)) {
    lost += fate.loss == LinkLoss::lost;
    twice += fate.copies == 2;
    reordered += fate.reordered;
  }
  EXPECT_NEAR(lost, 2'000, 212);
  EXPECT_NEAR(twice, 1'800, 212);
  EXPECT_NEAR(reordered, 1'800, 212);
}

TEST(ImpairedLink, AChangeOfOneOptionShiftsNothingElse) {
  const auto without = history({.delay = second, .jitter = 100 * millisecond}, 5, 0, 10 * second);
  const auto with = history({.loss = 0.5, .delay = second, .jitter = 100 * millisecond}, 5, 0, 10 * second);
  for (unsigned i = 0; i < many; ++i)
    if (with[i].loss == LinkLoss::none) {
      ASSERT_EQ(with[i].due, without[i].due) << i;
    }
}

TEST(ImpairedLink, JitterIsEvenAndOvertakesNothing) {
  const Nanos delay = 100 * millisecond, jitter = 20 * millisecond;
  const auto far_apart = history({.delay = delay, .jitter = jitter}, 5, 0, second);
  Nanos least = ~Nanos{0}, most = 0, sum = 0;
  for (unsigned i = 0; i < many; ++i) {
    const Nanos took = far_apart[i].due - i * second;
    least = std::min(least, took);
    most = std::max(most, took);
    sum += took;
  }
  EXPECT_GE(least, delay - jitter);
  EXPECT_LE(most, delay + jitter);
  EXPECT_LT(least, delay - jitter * 9 / 10);
  EXPECT_GT(most, delay + jitter * 9 / 10);
  EXPECT_NEAR(static_cast<double>(sum) / many, static_cast<double>(delay), 1e6);
  Nanos before = 0;
  for (const LinkFate& fate : history({.delay = delay, .jitter = jitter}, 5, 0, millisecond)) {
    ASSERT_GE(fate.due, before);
    before = fate.due;
  }
}

TEST(ImpairedLink, JitterIsNoMoreThanTheDelay) {
  for (unsigned i = 0; const LinkFate& fate : history({.delay = millisecond, .jitter = second}, 5, 0, 10 * second))
    ASSERT_LE(fate.due - i++ * 10 * second, 2 * millisecond);
}

TEST(ImpairedLink, WhatIsReorderedIsOvertakenAndHoldsUpNothing) {
  const auto fates =
      history({.reorder = 0.1, .delay = 10 * millisecond, .reorder_by = 25 * millisecond}, 5, 0, 10 * millisecond);
  for (unsigned i = 0; i < many; ++i)
    ASSERT_EQ(fates[i].due, (i + 1) * 10 * millisecond + (fates[i].reordered ? 25 * millisecond : 0)) << i;
}

/// 1 Mbit/s carries 100 bytes and 28 of headers in 1.024 ms.
TEST(ImpairedLink, TheRateMakesAQueueAndTheQueueOverflows) {
  ImpairedLink link({.rate = 1'000'000, .queue_max = 10 * millisecond}, 1, 0);
  const Nanos each = 1'024 * microsecond;
  unsigned carried = 0;
  for (unsigned i = 0; i < 20; ++i) {
    const LinkFate fate = link.send(100, 0);
    if (fate.loss == LinkLoss::overflowed) continue;
    EXPECT_EQ(fate.due, ++carried * each);
  }
  EXPECT_EQ(carried, 10U) << "the first leaves at once, nine wait up to 9.2 ms, the eleventh would wait 10.24 ms";
  EXPECT_EQ(link.send(100, second).due, second + each) << "the queue is empty again";
}

TEST(ImpairedLink, WhatTheQueueDropsTakesNothingOfTheRate) {
  for (const LinkFate& fate : history({.rate = 1'000'000, .queue_max = 0}, 1, 0, 512 * microsecond, 100))
    EXPECT_LE(fate.copies, 1U);
  unsigned carried = 0;
  for (const LinkFate& fate : history({.rate = 1'000'000, .queue_max = 0}, 1, 0, 512 * microsecond, 100))
    carried += fate.copies;
  EXPECT_NEAR(carried, many / 2, 1) << "twice the rate";
}

}  // namespace
}  // namespace serried::tools
