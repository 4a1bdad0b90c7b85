#include "session/waf.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

using metrics::Drop;

Address v6(std::uint8_t subnet, std::uint8_t host) {
  return {0x20, 1, 0xD, 0xB8, 0, 0, 0, subnet, 0, 0, 0, 0, 0, 0, 0, host};
}

const Address somebody = v4(10, 0, 0, 1);

WafConfig limited() {
  WafConfig config;
  config.address_per_s = 10;
  config.prefix_per_s = 40;
  config.ban_score = 256;
  return config;
}

/// Until banned; how long the ban lasts, 0: none came of it.
Nanos misbehave(Waf& waf, const Address& from, Nanos now) {
  ScoreBan ban;
  for (int i = 0; i < 100; ++i) {
    waf.blame(from, 64, now);
    if (waf.next_score_ban(ban)) return ban.until - now;
  }
  return 0;
}

TEST(Waf, LimitsConnectsOfAnAddressAndOfItsNetwork) {
  Waf waf{limited(), 1};
  unsigned admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += waf.admit_connect(somebody, false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 20U);
  EXPECT_EQ(waf.admit_connect(somebody, false, second), Drop::address_rate);
  for (unsigned host = 2; host < 200; ++host)
    admitted += waf.admit_connect(v4(10, 0, 0, host), false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 80U) << "twice forty for the /24";
  EXPECT_EQ(waf.admit_connect(v4(10, 0, 0, 250), false, second), Drop::prefix_rate);
  EXPECT_EQ(waf.admit_connect(v4(10, 0, 1, 1), false, second), Drop::none);
}

TEST(Waf, ConnectsWithoutCookieDoNotUseUpTheRateOfReturnedCookies) {
  Waf waf{limited(), 1};
  for (int i = 0; i < 1'000; ++i) static_cast<void>(waf.admit_connect(somebody, false, second));
  EXPECT_EQ(waf.admit_connect(somebody, true, second), Drop::none);
}

TEST(Waf, TheNetworkOfIpv6IsItsSubnet) {
  Waf waf{limited(), 1};
  unsigned admitted = 0;
  for (unsigned host = 0; host < 200; ++host)
    admitted += waf.admit_connect(v6(1, static_cast<std::uint8_t>(host)), false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 80U);
  EXPECT_EQ(waf.admit_connect(v6(2, 1), false, second), Drop::none);
}

TEST(Waf, OneSourceDoesNotUseUpTheBudgetOfForeignDatagrams) {
  WafConfig config;
  config.foreign_address_per_s = 100;
  Waf waf{config, 1};
  // A second of a flood by one, and a rebound NAT now and then.
  unsigned refused = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    const Nanos now = second + i * 10 * microsecond;
    static_cast<void>(waf.admit_foreign(somebody, now));
    if (i % 1'000 == 999) refused += waf.admit_foreign(v4(192, 0, i / 1'000, 1), now) == Drop::none ? 0U : 1U;
  }
  EXPECT_EQ(refused, 0U);
}

TEST(Waf, MadeUpAddressesFromEverywhereMeetTheBudgetOfTheLane) {
  Waf waf{{}, 1};
  base::Prng random{1};
  unsigned admitted = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t draw = random.next();
    const Address from = v4(draw & 0xFF, draw >> 8 & 0xFF, draw >> 16 & 0xFF, draw >> 24 & 0xFF);
    admitted += waf.admit_foreign(from, second) == Drop::none ? 1U : 0U;
  }
  EXPECT_EQ(admitted, ForeignBudget::burst);
}

TEST(Waf, BansASourceTwiceAsLongEachTime) {
  Waf waf{limited(), 1};
  Nanos now = second;
  EXPECT_EQ(misbehave(waf, somebody, now), 60 * second);
  EXPECT_EQ(waf.admit_connect(somebody, true, now), Drop::banned);
  EXPECT_EQ(waf.admit_foreign(somebody, now), Drop::banned);
  EXPECT_EQ(waf.admit_connect(v4(10, 0, 0, 2), false, now), Drop::none) << "the neighbour is not banned";
  EXPECT_EQ(misbehave(waf, somebody, now), 0U) << "what goes on coming changes nothing";
  now += 60 * second;
  EXPECT_EQ(waf.admit_connect(somebody, true, now), Drop::none);
  EXPECT_EQ(misbehave(waf, somebody, now), 120 * second);
  now += 120 * second;
  EXPECT_EQ(misbehave(waf, somebody, now), 240 * second);
  for (int i = 0; i < 20; ++i) {
    now += 240 * second;
    EXPECT_LE(misbehave(waf, somebody, now), 240 * second);
  }
  now += 240 * second;
  EXPECT_EQ(misbehave(waf, somebody, now), 240 * second) << "the longest";
}

TEST(Waf, FewMalformedDatagramsBanNoSource) {
  Waf waf{limited(), 1};
  ScoreBan ban;
  for (int i = 0; i < 3'600; ++i) waf.blame(somebody, 5, static_cast<Nanos>(i) * second);  // 5 / (1 - 2^(-1/30)) = 219
  EXPECT_FALSE(waf.next_score_ban(ban));
  for (int i = 3'600; i < 7'200; ++i) waf.blame(somebody, 7, static_cast<Nanos>(i) * second);
  EXPECT_TRUE(waf.next_score_ban(ban));
}

TEST(Waf, ScoreOfZeroMeansNever) {
  WafConfig config;
  config.ban_score = 0;
  Waf waf{config, 1};
  EXPECT_EQ(misbehave(waf, somebody, second), 0U);
}

TEST(Waf, TheCulpritOfIpv6IsItsSubnet) {
  Waf waf{limited(), 1};
  ScoreBan ban;
  for (unsigned i = 0; i < 100; ++i) waf.blame(v6(1, static_cast<std::uint8_t>(i)), 64, second);
  ASSERT_TRUE(waf.next_score_ban(ban));
  EXPECT_EQ(ban.prefix.bits, 64);
  EXPECT_EQ(waf.admit_connect(v6(1, 200), false, second), Drop::banned);
  EXPECT_EQ(waf.admit_connect(v6(2, 1), false, second), Drop::none);
}

TEST(Waf, SweepForgetsBothKinds) {
  Waf waf{limited(), 1};
  ASSERT_TRUE(waf.operator_bans.add(prefix_of(somebody, 128), 2 * second));
  ASSERT_GT(misbehave(waf, somebody, second), 0U);
  for (int i = 0; i < 10'000; ++i) waf.sweep(3'600 * second);
  EXPECT_FALSE(waf.operator_bans.any());
  EXPECT_FALSE(waf.score_bans.any());
}

}  // namespace
}  // namespace serried::session
