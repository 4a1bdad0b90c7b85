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

/// "unknown", "known", each with "+ask", or "+ask alone".
std::string found(Neighbors& neighbors, const Address& address, Nanos now) {
  const Neighbors::Answer answer = neighbors.find(address, now, true);
  return std::string(answer.known ? "known" : "unknown") + (answer.ask ? answer.alone ? "+ask alone" : "+ask" : "");
}

/// Ask and be answered.
void learn(Neighbors& neighbors, const Address& address, const Mac& mac, Nanos now) {
  static_cast<void>(neighbors.find(address, now, true));
  neighbors.answered(address, mac, now);
}

constexpr std::uint64_t salt = 0x5EA1;

TEST(Neighbors, AnUnknownHostIsAskedForOnceASecond) {
  Neighbors neighbors(64, salt);
  EXPECT_EQ(found(neighbors, host(1), 10 * second), "unknown+ask");
  EXPECT_EQ(found(neighbors, host(1), 10 * second), "unknown");
  EXPECT_EQ(found(neighbors, host(1), 11 * second - 1), "unknown");
  EXPECT_EQ(found(neighbors, host(2), 10 * second + 1), "unknown+ask");  // each host has an interval of its own
  EXPECT_EQ(found(neighbors, host(1), 11 * second), "unknown+ask");
  EXPECT_EQ(found(neighbors, host(1), 11 * second), "unknown");
}

TEST(Neighbors, TheFirstQuestionMayBeAskedAtTimeZero) {
  Neighbors neighbors(64, salt);
  neighbors.pin(host(2));
  for (const unsigned i : {1U, 2U}) {
    EXPECT_EQ(found(neighbors, host(i), 0), "unknown+ask");
    EXPECT_EQ(found(neighbors, host(i), 0), "unknown");
    neighbors.answered(host(i), mac_of(i), 0);
    EXPECT_EQ(found(neighbors, host(i), 0), "known");
  }
}

TEST(Neighbors, AnAnswerIsUsedAskedAboutAgainAndForgotten) {
  Neighbors neighbors(64, salt);
  EXPECT_EQ(found(neighbors, host(1), 2 * second), "unknown+ask");
  const Nanos confirmed = 2 * second + 1;
  neighbors.answered(host(1), mac_of(1), confirmed);
  EXPECT_EQ(neighbors.find(host(1), confirmed, true).mac, mac_of(1));
  EXPECT_EQ(found(neighbors, host(1), confirmed), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh - 1), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh), "known+ask alone");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::fresh + 1), "known");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::alone_until - 1), "known+ask alone");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime - 1), "known+ask");
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime), "unknown");  // asked a nanosecond ago
  EXPECT_EQ(found(neighbors, host(1), confirmed + Neighbors::lifetime + second), "unknown+ask");
  neighbors.answered(host(1), mac_of(9), confirmed + Neighbors::lifetime + second + 1);
  EXPECT_EQ(neighbors.find(host(1), confirmed + Neighbors::lifetime + second + 1, true).mac, mac_of(9));
}

/// Nothing is taken without a question, after its second, or a second time.
TEST(Neighbors, OnlyTheAnswerToAnOpenQuestionIsTaken) {
  Neighbors neighbors(64, salt);
  neighbors.answered(host(1), mac_of(9), 50 * second);
  neighbors.said(host(1), mac_of(9), 50 * second);
  EXPECT_EQ(found(neighbors, host(1), 50 * second), "unknown+ask");
  neighbors.answered(host(1), mac_of(9), 51 * second);
  EXPECT_EQ(found(neighbors, host(1), 51 * second), "unknown+ask");
  neighbors.answered(host(1), mac_of(1), 51 * second + 1);
  neighbors.answered(host(1), mac_of(9), 51 * second + 2);
  EXPECT_EQ(neighbors.find(host(1), 51 * second + 2, true).mac, mac_of(1));
}

TEST(Neighbors, AZeroOrMulticastMacIsNotLearned) {
  Neighbors neighbors(64, salt);
  learn(neighbors, host(1), Mac{}, second);
  learn(neighbors, host(1), wire::broadcast_mac, second);
  learn(neighbors, host(1), {0x33, 0x33, 0, 0, 0, 1}, second);
  EXPECT_EQ(found(neighbors, host(1), second), "unknown");
  learn(neighbors, host(2), mac_of(2), second);
  EXPECT_TRUE(neighbors.find(host(2), second + Neighbors::fresh, true).ask);
  neighbors.answered(host(2), wire::broadcast_mac, second + Neighbors::fresh);
  EXPECT_TRUE(neighbors.find(host(2), second + Neighbors::fresh, true).open);
  neighbors.answered(host(2), Mac{}, second + Neighbors::fresh + 1);  // an advertisement without the option
  EXPECT_EQ(found(neighbors, host(2), second + Neighbors::fresh + 2), "known");
  EXPECT_EQ(neighbors.find(host(2), second + Neighbors::fresh + 2, true).mac, mac_of(2));
}

TEST(Neighbors, AnAnswerFromTheFutureIsFresh) {  // two lanes read the clock at their own times
  Neighbors neighbors(64, salt);
  learn(neighbors, host(1), mac_of(1), 5 * second);
  EXPECT_EQ(found(neighbors, host(1), 5 * second - 1), "known");
}

TEST(Neighbors, BothFamiliesAreKeptApart) {
  Neighbors neighbors(64, salt);
  const Address ipv6 = parse_address("fd00::a00:1").value();  // its last bytes are those of 10.0.0.1
  learn(neighbors, ipv4_address(10, 0, 0, 1), mac_of(4), second);
  learn(neighbors, ipv6, mac_of(6), second);
  EXPECT_EQ(neighbors.find(ipv4_address(10, 0, 0, 1), second, true).mac, mac_of(4));
  EXPECT_EQ(neighbors.find(ipv6, second, true).mac, mac_of(6));
}

/// Whatever room was asked for, the table works: a newcomer takes the place of the one that was confirmed longest ago.
TEST(Neighbors, AFullTableForgetsTheOneConfirmedLongestAgo) {
  Neighbors neighbors(0, salt);  // as small as it gets: one run of eight probes
  neighbors.pin(host(7));
  for (unsigned i = 0; i < 8; ++i) learn(neighbors, host(i), mac_of(i), (10 + (i + 1) % 8) * second);
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(neighbors.find(host(i), 20 * second, true).mac, mac_of(i)) << i;
  learn(neighbors, host(0), mac_of(0), 41 * second);  // heard again: of those that may go, 1 is the oldest
  learn(neighbors, host(8), mac_of(8), 41 * second);
  for (const unsigned i : {0U, 2U, 3U, 4U, 5U, 6U, 7U, 8U})
    EXPECT_EQ(neighbors.find(host(i), 42 * second, true).mac, mac_of(i)) << i;
  EXPECT_FALSE(neighbors.find(host(1), 42 * second, true).known);
}

/// A flood of questions for hosts that are not there takes one question's place after the other, no neighbour's, and is
/// not asked at all when the caller has no room.
TEST(Neighbors, AFloodOfUnknownHostsIsBoundedAndPasses) {
  const std::uint64_t seed = 77;
  SCOPED_TRACE(seed);
  base::Prng rng(seed);
  Neighbors neighbors(0, salt);
  for (unsigned i = 0; i < 8; ++i) learn(neighbors, host(i), mac_of(i), second);
  for (unsigned i = 0; i < 20000; ++i) {
    const auto answer =
        neighbors.find(host(static_cast<unsigned>(8 + rng.below(65528))), second + i * millisecond, true);
    ASSERT_FALSE(answer.known);
    ASSERT_TRUE(answer.stranger);
  }
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(neighbors.find(host(i), 21 * second, true).mac, mac_of(i)) << i;
  const Neighbors::Answer refused = neighbors.find(parse_address("fd00::8").value(), 21 * second, false);
  EXPECT_FALSE(refused.ask || refused.open);
  learn(neighbors, host(100), mac_of(100), 21 * second);
  EXPECT_EQ(neighbors.find(host(100), 21 * second, true).mac, mac_of(100));
}

/// As many questions as two lanes may ask in half a second: the first is still open.
TEST(Neighbors, AQuestionStaysLongEnoughToBeAnswered) {
  Neighbors neighbors(64, salt);
  EXPECT_TRUE(neighbors.find(host(1), second, true).ask);
  for (unsigned i = 0; i < Neighbors::questions / 4; ++i)
    static_cast<void>(neighbors.find(host(1'000 + i), second + 1 + i, true));
  neighbors.answered(host(1), mac_of(1), second + 300 * millisecond);
  EXPECT_TRUE(neighbors.find(host(1), second + 300 * millisecond, true).known);
}

/// Who does not know the salt cannot choose neighbours that share a place.
TEST(Neighbors, WhereAnAddressStandsDependsOnTheSalt) {
  const auto pushed_out = [](std::uint64_t salted) {
    std::vector<unsigned> hosts;  // in a table so full that some lose their places
    Neighbors neighbors(256, salted);
    for (unsigned i = 0; i < 256; ++i) learn(neighbors, host(i), mac_of(i), second + i);
    for (unsigned i = 0; i < 256; ++i)
      if (!neighbors.find(host(i), 2 * second, false).known) hosts.push_back(i);
    return hosts;
  };
  ASSERT_FALSE(pushed_out(1).empty());
  EXPECT_EQ(pushed_out(1), pushed_out(1));
  EXPECT_NE(pushed_out(1), pushed_out(2));
}

/// Lanes share the table without waiting: a reader may find nothing, but never the MAC of another host, though every
/// entry changes hands all the time.
TEST(Neighbors, AReaderNeverSeesHalfOfAnEntry) {
  constexpr unsigned hosts = 24, rounds = 200'000;  // three for each of eight places
  Neighbors neighbors(8, salt);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (unsigned i = 0; i < rounds; ++i) learn(neighbors, host(i % hosts), mac_of(i % hosts), second + i);
    done = true;
  });
  unsigned known = 0, wrong = 0;
  for (unsigned i = 0; !done || known == 0; ++i) {
    const Neighbors::Answer answer = neighbors.find(host(i * 7 % hosts), second, false);
    if (!answer.known) continue;
    ++known;
    if (answer.mac != mac_of(i * 7 % hosts)) ++wrong;
  }
  writer.join();
  EXPECT_GT(known, 0U);
  EXPECT_EQ(wrong, 0U);
}

/// However many lanes find out at once that a host is due, one of them asks.
TEST(Neighbors, OneOfManyLanesAsks) {
  Neighbors neighbors(64, salt);
  learn(neighbors, host(1), mac_of(1), second);
  for (Nanos now = 100 * second; now < 110 * second; now += second) {
    std::atomic<unsigned> asked{0};
    std::vector<std::thread> lanes;
    for (int lane = 0; lane < 3; ++lane)
      lanes.emplace_back([&] {
        for (int i = 0; i < 100; ++i) asked += neighbors.find(host(1), now, true).ask ? 1U : 0U;
      });
    for (std::thread& lane : lanes) lane.join();
    EXPECT_EQ(asked, 1U);
  }
}

}  // namespace
}  // namespace serried::port
