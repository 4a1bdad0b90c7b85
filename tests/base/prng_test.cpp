#include "base/prng.h"

#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(Prng, MixIsSplitmix64) {
  // The generator's first outputs from state 0: mix(0), and mix of the state after one step.
  EXPECT_EQ(mix(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(mix(0x9E3779B97F4A7C15u), 0x6E789E6AA1B965F4u);
}

TEST(Prng, MixOfSeveralDependsOnEachAndOnTheirOrder) {
  EXPECT_NE(mix(1, 2), mix(2, 1));
  EXPECT_NE(mix(1, 2, 3), mix(1, 2));
  EXPECT_NE(mix(1, 2, 3), mix(1, 2, 4));
}

TEST(Prng, OneSeedGivesOneSequence) {
  Prng a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    EXPECT_EQ(value, b.next());
    differs |= value != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Prng, BelowStaysBelowAndReachesEverything) {
  Prng random(1);
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto value = random.below(10);
    ASSERT_LT(value, 10u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 10u);
}

TEST(Prng, UnitIsUniform) {
  Prng random(2);
  constexpr int draws = 100'000;
  double sum = 0;
  int hits = 0;
  std::array<int, 16> buckets{};
  for (int i = 0; i < draws; ++i) {
    const double value = random.unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
    ++buckets[static_cast<std::size_t>(value * 16)];
    hits += random.chance(0.25);
  }
  EXPECT_NEAR(sum / draws, 0.5, 0.01);
  EXPECT_NEAR(hits, draws / 4.0, draws / 50.0);
  for (const int count : buckets) EXPECT_NEAR(count, draws / 16.0, draws / 160.0);
}

}  // namespace
}  // namespace serried::base
