#include "guard/sources.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::guard {
namespace {

std::uint64_t some_key(base::Prng& random) { return random.next() | 1; }

TEST(BucketTable, GivesItsBurstThenItsRate) {
  BucketTable buckets{64};
  const RateLimit limit = RateLimit::of(100, 20);
  unsigned taken = 0;
  for (int i = 0; i < 100; ++i) taken += buckets.take(1, limit, second) ? 1U : 0U;
  EXPECT_EQ(taken, 20U);
  taken = 0;
  for (Nanos now = second; now < 11 * second; now += millisecond) taken += buckets.take(1, limit, now) ? 1U : 0U;
  EXPECT_NEAR(taken, 1'000.0, 2.0);
}

TEST(BucketTable, NoLimitIsNone) {
  BucketTable buckets{64};
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(buckets.take(1, RateLimit::of(0, 10), 0));
}

TEST(BucketTable, AFloodOfForgedSourcesDoesNotLimitOthers) {
  BucketTable buckets{1'024};
  const RateLimit limit = RateLimit::of(10, 20);
  base::Prng random{1};
  unsigned refused = 0;
  for (int i = 0; i < 100'000; ++i) refused += buckets.take(some_key(random), limit, second) ? 0U : 1U;
  EXPECT_EQ(refused, 0U) << "newcomers always find a place";
}

TEST(BucketTable, AFloodingSourceStaysLimitedAmongForgedOnes) {
  BucketTable buckets{1'024};
  const RateLimit limit = RateLimit::of(10, 20);
  base::Prng random{1};
  constexpr std::uint64_t flooder = 12'345;
  unsigned taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Nanos now = second + static_cast<Nanos>(i) * 10 * microsecond;
    static_cast<void>(buckets.take(some_key(random), limit, now));
    taken += buckets.take(flooder, limit, now) ? 1U : 0U;
  }
  // A second of both: without the other's noise it would be 20 and 10.
  EXPECT_LE(taken, 40U);
}

TEST(ScoreTable, FadesByHalf) {
  ScoreTable scores{64, 30 * second};
  EXPECT_FLOAT_EQ(scores.penalize(1, 100, second).score, 100);
  EXPECT_NEAR(scores.penalize(1, 0, 31 * second).score, 50, 0.01);
  EXPECT_NEAR(scores.penalize(1, 0, 91 * second).score, 12.5, 0.01);
}

TEST(ScoreTable, KeepsTheWorstUnderAFlood) {
  ScoreTable scores{256, 30 * second};
  base::Prng random{1};
  constexpr std::uint64_t worst = 12'345;
  static_cast<void>(scores.penalize(worst, 500, second));
  for (int i = 0; i < 100'000; ++i) static_cast<void>(scores.penalize(some_key(random), 1, second));
  EXPECT_FLOAT_EQ(scores.penalize(worst, 1, second).score, 501);
}

}  // namespace
}  // namespace serried::guard
