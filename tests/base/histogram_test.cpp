#include "base/histogram.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::base {
namespace {

TEST(Histogram, EmptyIsZero) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->count(), 0u);
  EXPECT_EQ(histogram->quantile(0.5), 0u);
  EXPECT_EQ(histogram->mean(), 0.0);
}

TEST(Histogram, SmallValuesAreExact) {
  const auto histogram = std::make_unique<Histogram>();
  for (std::uint64_t value = 1; value <= 50; ++value) histogram->record(value);
  EXPECT_EQ(histogram->quantile(0.5), 25u);
  EXPECT_EQ(histogram->quantile(0.0), 1u);
  EXPECT_EQ(histogram->quantile(1.0), 50u);
  EXPECT_EQ(histogram->max(), 50u);
  EXPECT_DOUBLE_EQ(histogram->mean(), 25.5);
}

TEST(Histogram, QuantilesAreNeverBelowTheTrueOneAndAtMostOneStepAbove) {
  constexpr std::uint64_t seed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng random(seed);
  const auto histogram = std::make_unique<Histogram>();
  std::vector<std::uint64_t> values(20'000);
  for (auto& value : values) {
    value = random.next() >> (22 + random.below(42));
    histogram->record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(values.size()) + 0.5);
    const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
    const std::uint64_t got = histogram->quantile(fraction);
    EXPECT_GE(got, exact) << fraction;
    EXPECT_LE(static_cast<double>(got), static_cast<double>(exact) * (1 + 1.0 / 64) + 1) << fraction;
  }
}

TEST(Histogram, EveryPowerOfTwoLandsInsideTheTable) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const auto histogram = std::make_unique<Histogram>();
    const std::uint64_t value = std::uint64_t{1} << bit;
    histogram->record(value);
    EXPECT_EQ(histogram->max(), std::min(value, Histogram::value_max));
    EXPECT_EQ(histogram->quantile(0.5), std::min(value, Histogram::value_max));
  }
}

TEST(Histogram, MergeIsAsIfRecordedTogether) {
  const auto a = std::make_unique<Histogram>(), b = std::make_unique<Histogram>(), both = std::make_unique<Histogram>();
  for (std::uint64_t value = 0; value < 3000; value += 7) {
    (value % 2 == 0 ? a : b)->record(value);
    both->record(value);
  }
  a->merge(*b);
  EXPECT_EQ(a->count(), both->count());
  EXPECT_EQ(a->max(), both->max());
  EXPECT_DOUBLE_EQ(a->mean(), both->mean());
  for (const double fraction : {0.1, 0.5, 0.99}) EXPECT_EQ(a->quantile(fraction), both->quantile(fraction));
  a->reset();
  EXPECT_EQ(a->count(), 0u);
  EXPECT_EQ(a->max(), 0u);
  EXPECT_EQ(a->quantile(0.99), 0u);
}

}  // namespace
}  // namespace serried::base
