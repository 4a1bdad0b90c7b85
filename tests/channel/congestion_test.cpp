#include "channel/congestion.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::channel {
namespace {

constexpr std::uint32_t datagram = Congestion::datagram_bytes;

AckResult acked(std::uint32_t bytes, std::uint64_t newest) {
  AckResult result;
  result.acked_bytes = bytes;
  result.newest_acked = newest;
  return result;
}
AckResult lost(std::uint64_t newest) {
  AckResult result;
  result.lost_bytes = datagram;
  result.newest_lost = newest;
  return result;
}

TEST(Congestion, BeginsWithTenDatagramsAndDoublesEachRoundTrip) {
  Congestion congestion;
  EXPECT_EQ(congestion.window(), 10 * datagram);
  congestion.on_ack_result(acked(10 * datagram, 10), 10, true);
  EXPECT_EQ(congestion.window(), 20 * datagram);
  congestion.on_ack_result(acked(20 * datagram, 30), 30, true);
  EXPECT_EQ(congestion.window(), 40 * datagram);
}

TEST(Congestion, DoesNotGrowWhileTheSenderHasLittleToSend) {
  Congestion congestion;
  congestion.on_ack_result(acked(datagram, 1), 1, false);
  EXPECT_EQ(congestion.window(), 10 * datagram);
  congestion.on_ack_result(lost(2), 2, false);
  EXPECT_EQ(congestion.window(), 5 * datagram) << "but losses count";
  congestion.on_ack_result(acked(50 * datagram, 9), 9, false);
  EXPECT_EQ(congestion.window(), 5 * datagram);
}

TEST(Congestion, HalvesOnceARoundTrip) {
  Congestion congestion;
  congestion.on_ack_result(acked(30 * datagram, 30), 70, true);
  ASSERT_EQ(congestion.window(), 40 * datagram);
  congestion.on_ack_result(lost(31), 70, true);
  EXPECT_EQ(congestion.window(), 20 * datagram);
  AckResult both = acked(3 * datagram, 70);
  both.newest_lost = 66;
  congestion.on_ack_result(both, 80, true);
  EXPECT_EQ(congestion.window(), 20 * datagram) << "all were sent before it was halved: no growth, no second halving";
  both.newest_acked = 75;
  both.newest_lost = 72;
  congestion.on_ack_result(both, 90, true);
  EXPECT_EQ(congestion.window(), 10 * datagram) << "72 was sent after";
}

TEST(Congestion, BeyondTheThresholdGrowsByOneDatagramAWindow) {
  Congestion congestion;
  congestion.on_ack_result(lost(1), 10, true);
  ASSERT_EQ(congestion.window(), 5 * datagram);
  std::uint64_t sequence = 10;
  for (int i = 0; i < 4; ++i) congestion.on_ack_result(acked(datagram, ++sequence), 100, true);
  EXPECT_EQ(congestion.window(), 5 * datagram);
  congestion.on_ack_result(acked(datagram, ++sequence), 100, true);
  EXPECT_EQ(congestion.window(), 6 * datagram);
  for (int i = 0; i < 6; ++i) congestion.on_ack_result(acked(datagram, ++sequence), 100, true);
  EXPECT_EQ(congestion.window(), 7 * datagram);
}

TEST(Congestion, NeverBelowTwoDatagramsNorAboveWhatMayBeInFlight) {
  Congestion congestion;
  for (std::uint64_t s = 1; s < 100; s += 2) {
    congestion.on_ack_result(acked(datagram, s), s + 1, true);
    congestion.on_ack_result(lost(s + 1), s + 1, true);
  }
  EXPECT_EQ(congestion.window(), Congestion::window_min);
  congestion.restart();
  for (std::uint64_t s = 1; s < 100; ++s) congestion.on_ack_result(acked(100 * datagram, s), s, true);
  EXPECT_EQ(congestion.window(), 112 * datagram);
}

TEST(Congestion, TheFirstTimeoutHalvesAndTheSecondLeavesTwoDatagrams) {
  Congestion congestion;
  congestion.on_timeout(10, 1);
  EXPECT_EQ(congestion.window(), 5 * datagram);
  congestion.on_timeout(12, 2);
  EXPECT_EQ(congestion.window(), Congestion::window_min);
  congestion.on_timeout(14, 3);
  EXPECT_EQ(congestion.window(), Congestion::window_min);
  congestion.on_ack_result(acked(2 * datagram, 14), 14, true);
  EXPECT_EQ(congestion.window(), Congestion::window_min) << "sent before the timeout";
  congestion.on_ack_result(acked(2 * datagram, 16), 16, true);
  EXPECT_EQ(congestion.window(), 4 * datagram) << "slow start, up to the threshold that the first timeout left";
  congestion.on_ack_result(acked(2 * datagram, 18), 18, true);
  EXPECT_EQ(congestion.window(), 6 * datagram);
  congestion.on_ack_result(acked(2 * datagram, 20), 20, true);
  EXPECT_EQ(congestion.window(), 6 * datagram);
}

TEST(Congestion, ATimeoutThatWasTooEarlyIsTakenBackOnceAndUnlessALossCameBetween) {
  Congestion congestion;
  EXPECT_FALSE(congestion.on_too_early());
  congestion.on_ack_result(acked(10 * datagram, 10), 10, true);
  congestion.on_timeout(20, 1);
  congestion.on_timeout(30, 2);
  EXPECT_EQ(congestion.window(), Congestion::window_min);
  EXPECT_TRUE(congestion.on_too_early());
  EXPECT_EQ(congestion.window(), 20 * datagram) << "as before the first of them";
  EXPECT_FALSE(congestion.on_too_early());
  congestion.on_ack_result(acked(20 * datagram, 40), 40, true);
  EXPECT_EQ(congestion.window(), 40 * datagram) << "slow start goes on";

  congestion.on_timeout(50, 1);
  congestion.on_ack_result(acked(datagram, 51), 60, false);
  congestion.on_ack_result(lost(55), 60, false);
  EXPECT_FALSE(congestion.on_too_early());
  EXPECT_EQ(congestion.window(), 10 * datagram);
}

TEST(Congestion, LossesByTimeoutMayBeReportedOrNot) {
  Congestion told;
  told.on_ack_result(lost(10), 10, true);
  told.on_timeout(10, 1);
  EXPECT_EQ(told.window(), 5 * datagram) << "one event";
}

TEST(Congestion, RoomIsWhatTheWindowLeavesAndTheQueueHolds) {
  const Congestion congestion;
  EXPECT_EQ(congestion.room(0, 0), 10 * datagram);
  EXPECT_EQ(congestion.room(10 * datagram - 1, 111), 1U);
  EXPECT_EQ(congestion.room(10 * datagram, 10), 0U);
  EXPECT_EQ(congestion.room(20 * datagram, 10), 0U) << "after a halving";
  EXPECT_EQ(congestion.room(112, 112), 0U);
}

TEST(Congestion, PacesTenAtOnceThenAWindowPerRoundTripTimesFiveQuarters) {
  Congestion congestion;
  constexpr Nanos round_trip = 100 * millisecond;
  constexpr Nanos apart = round_trip * 4 / (5 * 10);  // window of ten
  Nanos now = second;
  for (int i = 0; i < 10; ++i) {
    EXPECT_LE(congestion.next_at(), now) << i;
    congestion.paced(datagram, round_trip, now);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(congestion.next_at(), now + apart);
    now = congestion.next_at();
    congestion.paced(datagram, round_trip, now);
  }
  now += second;
  unsigned burst = 0;
  for (; congestion.next_at() <= now; ++burst) congestion.paced(datagram, round_trip, now);
  EXPECT_EQ(burst, 10U) << "what was saved in silence is one burst";
}

TEST(Congestion, DoesNotPaceBeforeTheRoundTripIsKnown) {
  Congestion congestion;
  for (int i = 0; i < 100; ++i) congestion.paced(datagram, 0, second);
  EXPECT_LE(congestion.next_at(), second);
}

TEST(Congestion, StaysInItsBoundsForAnyReports) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    Congestion congestion;
    std::uint64_t last = 0;
    for (int i = 0; i < 1'000; ++i) {
      last += random.below(20);
      const std::uint32_t before = congestion.window();
      if (random.chance(0.1)) {
        congestion.on_timeout(last, 1 + static_cast<unsigned>(random.below(10)));
        ASSERT_LE(congestion.window(), before);
      } else {
        // One draw after the other, whatever the compiler.
        const auto bytes = static_cast<std::uint32_t>(random.below(150'000));
        AckResult result = acked(bytes, random.below(last + 1));
        result.newest_lost = random.chance(0.5) ? 0 : random.below(last + 1);
        const bool limited = random.chance(0.5);
        congestion.on_ack_result(result, last, limited);
        ASSERT_GE(congestion.window(), std::max(before / 2, Congestion::window_min)) << "one halving";
        // By what was acked, or by the datagram for which acks had been gathered up to now.
        const std::uint32_t growth = std::max(result.acked_bytes, Congestion::datagram_bytes);
        ASSERT_LE(congestion.window(), limited ? before + growth : before);
      }
      ASSERT_GE(congestion.window(), Congestion::window_min);
      ASSERT_LE(congestion.window(), Congestion::window_max);
    }
  }
}

}  // namespace
}  // namespace serried::channel
