#include "view/tick_clock.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

constexpr Nanos begin = 10 * second, period = 20 * millisecond;

/// A clock of 50 Hz that has seen tick 0 at `begin`.
view::TickClock clock_at_begin() {
  view::TickClock clock;
  clock.configure(50);
  clock.note(0, begin);
  return clock;
}

TEST(TickClock, HasNoTickBeforeTheFirstUpdate) {
  view::TickClock clock;
  clock.configure(50);
  EXPECT_FALSE(clock.known());
  EXPECT_EQ(clock.tick_at(begin), 0.0);
  clock.note(100, begin);
  EXPECT_TRUE(clock.known());
  EXPECT_NEAR(clock.tick_at(begin), 100.0, 1e-6);
  EXPECT_NEAR(clock.tick_at(begin + period / 2), 100.5, 1e-6);
}

TEST(TickClock, FollowsWhatComesEarlyAtOnceAndWhatComesLateNotAtAll) {
  view::TickClock clock = clock_at_begin();
  clock.note(1, begin + period - 10 * millisecond);
  EXPECT_NEAR(clock.tick_at(begin + period - 10 * millisecond), 1.0, 1e-6);
  clock.note(2, begin + 2 * period + 64 * millisecond);
  EXPECT_NEAR(clock.tick_at(begin + 2 * period), 2.5, 1e-6);
  EXPECT_EQ(clock.latest(), 2U);
}

TEST(TickClock, JitterDoesNotDragIt) {
  view::TickClock clock = clock_at_begin();
  base::Prng rng(1);
  for (std::uint32_t tick = 1; tick < 2'000; ++tick) {
    clock.note(tick, begin + tick * period + rng.below(8 * millisecond));
    EXPECT_LT(std::abs(clock.tick_at(begin + tick * period) - tick), 0.06);
  }
}

TEST(TickClock, FollowsAServerThatLeftOutTicksAtOnce) {
  view::TickClock clock = clock_at_begin();
  std::uint32_t tick = 1;
  for (; tick < 100; ++tick) clock.note(tick, begin + tick * period);
  const Nanos lost = 3 * period;
  for (; tick < 140; ++tick) {
    clock.note(tick, begin + tick * period + lost);
    const double off = tick - clock.tick_at(begin + tick * period + lost);
    EXPECT_NEAR(off, std::round(off), 1e-6);
  }
  EXPECT_NEAR(clock.tick_at(begin + tick * period + lost), tick, 1e-6);
}

TEST(TickClock, FollowsAPathThatBecomesLongerSmoothly) {
  for (const Nanos longer : {period / 3, period * 3 / 5}) {
    view::TickClock clock = clock_at_begin();
    std::uint32_t tick = 1;
    for (; tick < 100; ++tick) clock.note(tick, begin + tick * period);
    double before = clock.tick_at(begin + tick * period);
    for (; tick < 240; ++tick) {
      const Nanos now = begin + tick * period + longer;
      clock.note(tick, now);
      EXPECT_GT(clock.tick_at(now), before + (tick > 100 ? 0.9 : 0.0));
      before = clock.tick_at(now);
    }
    EXPECT_NEAR(before, tick - 1, 0.001);
  }
}

TEST(TickClock, NumbersAreWholeAndStayInThirtyTwoBits) {
  view::TickClock clock;
  clock.configure(50);
  EXPECT_EQ(clock.number_at(begin), 0U);
  clock.note(0xFFFF'FFFF, begin);
  EXPECT_EQ(clock.number_at(begin), 0xFFFF'FFFFU);
  EXPECT_EQ(clock.number_at(begin + period), 0U);
  EXPECT_EQ(clock.period(), period);
}

/// Whatever a server says its tick is, each as far ahead as a tick can be: the sanitizer sees sums that do not fit, and
/// afterwards the clock is right again.
TEST(TickClock, NoServerTakesItBeyondWhatItCanCount) {
  for (const std::uint16_t rate : std::initializer_list<std::uint16_t>{1, 60, 1'000}) {
    view::TickClock clock;
    clock.configure(rate);
    std::uint32_t tick = 5;
    Nanos now = begin;
    for (int i = 0; i < 2'000; ++i, now += clock.period()) clock.note(tick += 0x7FFF'FFFFU, now);
    for (int i = 0; i < 1'000; ++i, now += clock.period()) clock.note(++tick, now);
    EXPECT_NEAR(clock.ticks_since(tick, now), 1.0, 0.1) << rate;
  }
}

TEST(TickClock, GoesOnWhereTheTickWraps) {
  for (const std::uint32_t first : {0xFFFF'FFF0U, 0x7FFF'FFF0U, 0xFFF0U}) {
    view::TickClock clock;
    clock.configure(50);
    for (unsigned i = 0; i < 100; ++i) {
      const std::uint32_t tick = first + i;
      const Nanos now = begin + i * period;
      clock.note(tick, now);
      ASSERT_EQ(clock.latest(), tick);
      ASSERT_EQ(clock.number_at(now), tick);
      ASSERT_NEAR(clock.ticks_since(tick, now), 0.0, 1e-3);
      ASSERT_NEAR(clock.ticks_since(tick - 5, now + period / 2), 5.5, 1e-3);
      ASSERT_NEAR(clock.ticks_since(tick + 20, now), -20.0, 1e-3);
      if (i != 0) {
        clock.note(tick - 1, now);
        ASSERT_EQ(clock.latest(), tick) << "an older one that comes late";
      }
    }
  }
}

}  // namespace
}  // namespace serried
