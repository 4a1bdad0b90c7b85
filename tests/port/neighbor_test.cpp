#include "port/neighbor.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::port {
namespace {

using Mac = wire::Mac;

Address host(unsigned number) {
  return ipv4_address(10, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number));
}

/// The one MAC that host(number) has in these tests.
Mac mac_of(unsigned number) {
  return {2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

/// "unknown", "known", each with "+ask".
std::string found(Neighbors& neighbors, const Address& address, Nanos now) {
  const Neighbors::Answer answer = neighbors.find(address, now);
  return std::string(answer.known ? "known" : "unknown") + (answer.ask ? "+ask" : "");
}

TEST(Neighbors, AnUnknownHostIsAskedForOnceASecond) {
  Neighbors neighbors(64);
  EXPECT_EQ(found(neighbors, host(1), 10 * second), "unknown+ask");
  EXPECT_EQ(found(neighbors, host(1), 10 * second), "unknown");
  EXPECT_EQ(found(neighbors, host(1), 11 * second - 1), "unknown");
  EXPECT_EQ(found(neighbors, host(2), 10 * second + 1), "unknown+ask");  // each host has an interval of its own
  EXPECT_EQ(found(neighbors, host(1), 11 * second), "unknown+ask");
  EXPECT_EQ(found(neighbors, host(1), 11 * second), "unknown");
}

TEST(Neighbors, TheFirstQuestionMayBeAskedAtTimeZero) {
  Neighbors neighbors(64);
  EXPECT_EQ(found(neighbors, host(1), 0), "unknown+ask");
  EXPECT_EQ(found(neighbors, host(1), 0), "unknown");
}

TEST(Neighbors, AnAnswerIsUsedAskedAboutAgainAndForgotten) {
  Neighbors neighbors(64);
  EXPECT_EQ(found(neighbors, host(1), second), "unknown+ask");
  const Nanos confirmed = 2 * second;
  neighbors.learn(host(1), mac_of(1), confirmed, false);
  EXPECT_EQ(neighbors.find(host(1), confirmed).mac, mac_of(1));
  EXPECT_EQ(found(neighbors, host(1), confirmed), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh - 1), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh), "known+ask");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh + 1), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime - 1), "known+ask");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime), "unknown");  // asked a nanosecond ago
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime + second), "unknown+ask");
  neighbors.learn(host(1), mac_of(9), confirmed + 2 * Neighbors::lifetime, false);
  EXPECT_EQ(neighbors.find(host(1), confirmed + 2 * Neighbors::lifetime).mac, mac_of(9));
}

TEST(Neighbors, UnrequestedAnswersUpdateOnlyKnownEntries) {
  Neighbors neighbors(64);
  neighbors.learn(host(1), mac_of(1), second, false);
  EXPECT_EQ(found(neighbors, host(1), second), "unknown+ask");
  neighbors.learn(host(2), mac_of(2), second, true);
  EXPECT_EQ(found(neighbors, host(2), second), "known");
  neighbors.learn(host(2), mac_of(3), second, false);  // it moved
  EXPECT_EQ(neighbors.find(host(2), second).mac, mac_of(3));
}

TEST(Neighbors, AZeroOrMulticastMacIsNotLearned) {
  Neighbors neighbors(64);
  neighbors.learn(host(1), Mac{}, second, true);
  neighbors.learn(host(1), wire::broadcast_mac, second, true);
  neighbors.learn(host(1), {0x33, 0x33, 0, 0, 0, 1}, second, true);
  EXPECT_EQ(found(neighbors, host(1), second), "unknown+ask");
  neighbors.learn(host(2), mac_of(2), second, true);
  neighbors.learn(host(2), wire::broadcast_mac, second, true);
  EXPECT_EQ(neighbors.find(host(2), second).mac, mac_of(2));
}

TEST(Neighbors, AnAnswerFromTheFutureIsFresh) {  // two lanes read the clock at their own times
  Neighbors neighbors(64);
  neighbors.learn(host(1), mac_of(1), 5 * second, true);
  EXPECT_EQ(found(neighbors, host(1), 5 * second - 1), "known");
}

TEST(Neighbors, BothFamiliesAreKeptApart) {
  Neighbors neighbors(64);
  const Address ipv6 = parse_address("fd00::a00:1").value();  // its last bytes are those of 10.0.0.1
  neighbors.learn(ipv4_address(10, 0, 0, 1), mac_of(4), second, true);
  neighbors.learn(ipv6, mac_of(6), second, true);
  EXPECT_EQ(neighbors.find(ipv4_address(10, 0, 0, 1), second).mac, mac_of(4));
  EXPECT_EQ(neighbors.find(ipv6, second).mac, mac_of(6));
}

/// Whatever room was asked for, the table works: a newcomer takes the place of the one that was silent longest.
TEST(Neighbors, AFullTableForgetsTheOneSilentLongest) {
  Neighbors neighbors(0);  // as small as it gets: one run of eight probes
  for (unsigned i = 0; i < 8; ++i) neighbors.learn(host(i), mac_of(i), (10 + i) * second, true);
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(neighbors.find(host(i), 20 * second).mac, mac_of(i)) << i;
  neighbors.learn(host(0), mac_of(0), 21 * second, false);  // heard again: 1 is the oldest now
  neighbors.learn(host(8), mac_of(8), 21 * second, true);
  for (const unsigned i : {0U, 2U, 3U, 4U, 5U, 6U, 7U, 8U})
    EXPECT_EQ(neighbors.find(host(i), 22 * second).mac, mac_of(i)) << i;
  EXPECT_FALSE(neighbors.find(host(1), 22 * second).known);
}

/// A flood of questions for hosts that are not there takes one entry of a run after the other, and never more than
/// there are.
TEST(Neighbors, AFloodOfUnknownHostsIsBoundedAndPasses) {
  const std::uint64_t seed = 77;
  SCOPED_TRACE(seed);
  base::Prng rng(seed);
  Neighbors neighbors(64);
  for (unsigned i = 0; i < 20000; ++i) {
    const auto answer = neighbors.find(host(static_cast<unsigned>(rng.below(65536))), i * millisecond);
    ASSERT_FALSE(answer.known);
  }
  neighbors.learn(host(1), mac_of(1), 20 * second, true);
  EXPECT_EQ(neighbors.find(host(1), 20 * second).mac, mac_of(1));
}

/// Lanes share the table without waiting: a reader may find nothing, but never the MAC of another host, though every
/// entry changes hands all the time.
TEST(Neighbors, AReaderNeverSeesHalfOfAnEntry) {
  constexpr unsigned hosts = 24, rounds = 200'000;  // three for each of eight places
  Neighbors neighbors(8);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (unsigned i = 0; i < rounds; ++i) neighbors.learn(host(i % hosts), mac_of(i % hosts), second + i, true);
    done = true;
  });
  unsigned known = 0, wrong = 0;
  for (unsigned i = 0; !done || known == 0; ++i) {
    const Neighbors::Answer answer = neighbors.find(host(i * 7 % hosts), second);
    if (!answer.known) continue;
    ++known;
    if (answer.mac != mac_of(i * 7 % hosts)) ++wrong;
  }
  writer.join();
  EXPECT_GT(known, 0U);
  EXPECT_EQ(wrong, 0U);
}

/// However many lanes find out at once that a host is unknown, one of them asks.
TEST(Neighbors, OneOfManyLanesAsks) {
  Neighbors neighbors(64);
  neighbors.learn(host(1), mac_of(1), second, true);
  for (Nanos now = 100 * second; now < 110 * second; now += second) {
    std::atomic<unsigned> asked{0};
    std::vector<std::thread> lanes;
    for (int lane = 0; lane < 3; ++lane)
      lanes.emplace_back([&] {
        for (int i = 0; i < 100; ++i) asked += neighbors.find(host(1), now).ask ? 1U : 0U;
      });
    for (std::thread& lane : lanes) lane.join();
    EXPECT_EQ(asked, 1U);
  }
}

}  // namespace
}  // namespace serried::port
