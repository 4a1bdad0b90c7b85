#include "guard/abuse_guard.h"

#include <gtest/gtest.h>

#include "guard/addresses.h"

namespace serried::guard {
namespace {

using metrics::Drop;

Address v6(std::uint8_t subnet, std::uint8_t host) {
  return {0x20, 1, 0xD, 0xB8, 0, 0, 0, subnet, 0, 0, 0, 0, 0, 0, 0, host};
}

const Address somebody = v4(10, 0, 0, 1);

AbuseGuardConfig limited() {
  AbuseGuardConfig config;
  config.address_per_s = 10;
  config.prefix_per_s = 40;
  config.ban_score = 256;
  return config;
}

/// Until banned; how long the ban lasts, 0: none came of it.
Nanos misbehave(AbuseGuard& abuse_guard, const Address& from, Nanos now) {
  ScoreBan ban;
  for (int i = 0; i < 100; ++i) {
    abuse_guard.penalize(from, 64, now);
    if (abuse_guard.next_score_ban(ban)) return ban.until - now;
  }
  return 0;
}

TEST(AbuseGuard, LimitsConnectsOfAnAddressAndOfItsNetwork) {
  AbuseGuard abuse_guard{limited(), 1};
  unsigned admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += abuse_guard.admit_connect(somebody, false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 20U);
  EXPECT_EQ(abuse_guard.admit_connect(somebody, false, second), Drop::address_rate);
  for (unsigned host = 2; host < 200; ++host)
    admitted += abuse_guard.admit_connect(v4(10, 0, 0, host), false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 80U) << "twice forty for the /24";
  EXPECT_EQ(abuse_guard.admit_connect(v4(10, 0, 0, 250), false, second), Drop::prefix_rate);
  EXPECT_EQ(abuse_guard.admit_connect(v4(10, 0, 1, 1), false, second), Drop::none);
}

TEST(AbuseGuard, ConnectsWithoutCookieDoNotUseUpTheRateOfReturnedCookies) {
  AbuseGuard abuse_guard{limited(), 1};
  for (int i = 0; i < 1'000; ++i) static_cast<void>(abuse_guard.admit_connect(somebody, false, second));
  EXPECT_EQ(abuse_guard.admit_connect(somebody, true, second), Drop::none);
}

TEST(AbuseGuard, OfIpv6A64IsAnAddressAndA48ANetwork) {
  AbuseGuard abuse_guard{limited(), 1};
  const auto admitted = [&](auto&& address) {
    unsigned count = 0;
    for (unsigned i = 0; i < 200; ++i)
      count += abuse_guard.admit_connect(address(static_cast<std::uint8_t>(i)), false, second) == Drop::none ? 1U : 0U;
    return count;
  };
  EXPECT_EQ(admitted([](std::uint8_t i) { return v6(1, i); }), 20U) << "who has one address has all of its /64";
  EXPECT_EQ(admitted([](std::uint8_t i) { return v6(i, 1); }), 60U) << "a site has 65,536 subnets, and 80 with those";
  Address elsewhere = v6(1, 1);
  elsewhere[5] = 1;
  EXPECT_EQ(abuse_guard.admit_connect(elsewhere, false, second), Drop::none);
}

/// What comes from there in a session's name is opened if it may be, in vain.
bool fail_foreign(AbuseGuard& abuse_guard, const Address& from, AbuseGuard::Claim claim, Nanos now) {
  if (abuse_guard.admit_foreign(from, claim, now) != Drop::none) return false;
  abuse_guard.foreign_failed(from, now);
  return true;
}

TEST(AbuseGuard, OneSourceDoesNotUseUpTheBudgetOfForeignDatagrams) {
  AbuseGuard abuse_guard{{}, 1};
  // A second of a flood by one, and a rebound NAT now and then.
  unsigned refused = 0, failed = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    const Nanos now = second + i * 10 * microsecond;
    failed += fail_foreign(abuse_guard, somebody, {}, now) ? 1U : 0U;
    if (i % 1'000 == 999)
      refused += abuse_guard.admit_foreign(v4(192, 0, i / 1'000, 1), {}, now) == Drop::none ? 0U : 1U;
  }
  EXPECT_EQ(refused, 0U);
  EXPECT_NEAR(failed, 80.0, 2.0) << "sixteen at once, then 64 a second";
}

TEST(AbuseGuard, WhatVerifiesCostsNothingOfTheBudgetOfForeignDatagrams) {
  AbuseGuard abuse_guard{{}, 1};
  for (int i = 0; i < 10'000; ++i) {  // a carrier's NAT has forgotten all its players at once
    ASSERT_EQ(abuse_guard.admit_foreign(somebody, {}, second), Drop::none) << i;
    abuse_guard.foreign_verified();
  }
}

TEST(AbuseGuard, MadeUpAddressesFromEverywhereMeetTheBudgetOfTheLane) {
  AbuseGuard abuse_guard{{}, 1};
  base::Prng random{1};
  const auto admitted = [&](AbuseGuard::Claim claim) {
    unsigned count = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t draw = random.next();
      const Address from = v4(draw & 0xFF, draw >> 8 & 0xFF, draw >> 16 & 0xFF, draw >> 24 & 0xFF);
      count += fail_foreign(abuse_guard, from, claim, second) ? 1U : 0U;
    }
    return count;
  };
  EXPECT_EQ(admitted({}), ForeignBudget::burst / 2);
  EXPECT_EQ(admitted({.needy = true}), ForeignBudget::burst / 2) << "the share of sessions that have fallen silent";
}

TEST(AbuseGuard, FailuresOfASourceCountForThoseWithoutAClaim) {
  AbuseGuard abuse_guard{{}, 1};
  for (int i = 0; i < 1'000; ++i) fail_foreign(abuse_guard, somebody, {}, second);
  EXPECT_EQ(abuse_guard.admit_foreign(somebody, {}, second), Drop::address_rate);
  EXPECT_EQ(abuse_guard.admit_foreign(somebody, {.same_address = true}, second), Drop::none);
  EXPECT_EQ(abuse_guard.admit_foreign(somebody, {.needy = true}, second), Drop::none) << "a NAT moved a player there";
  for (unsigned i = 0; i < 1'000; ++i) abuse_guard.foreign_failed(v4(10, 0, 0, i % 250), second);
  EXPECT_EQ(abuse_guard.admit_foreign(v4(10, 0, 0, 251), {}, second), Drop::prefix_rate);
  EXPECT_EQ(abuse_guard.admit_foreign(v4(10, 0, 0, 251), {.needy = true}, second), Drop::none);
}

TEST(AbuseGuard, ACookieThatFailedIsNotLookedAtForASecond) {
  AbuseGuard abuse_guard{{}, 1};
  EXPECT_FALSE(abuse_guard.has_failed(7, second));
  abuse_guard.cookie_failed(somebody, 7, second);
  EXPECT_TRUE(abuse_guard.has_failed(7, second));
  EXPECT_TRUE(abuse_guard.has_failed(7, 2 * second - 1));
  EXPECT_FALSE(abuse_guard.has_failed(7, 2 * second)) << "it may have been bent by who reads the client's datagrams";
  EXPECT_FALSE(abuse_guard.has_failed(8, second)) << "of a neighbour, or a newer one";
}

TEST(AbuseGuard, FailedCookiesPushOutNoLimit) {
  AbuseGuard abuse_guard{limited(), 1};
  unsigned admitted = 0;
  for (int i = 0; i < 5; ++i) admitted += abuse_guard.admit_connect(somebody, false, second) == Drop::none ? 1U : 0U;
  for (std::uint64_t nonce = 0; nonce < 100'000; ++nonce) abuse_guard.cookie_failed(v4(10, 1, 0, 1), nonce, second);
  for (int i = 0; i < 100; ++i) admitted += abuse_guard.admit_connect(somebody, false, second) == Drop::none ? 1U : 0U;
  EXPECT_EQ(admitted, 20U) << "the first five are remembered";
}

TEST(AbuseGuard, WhoseNeighboursCookiesFailIsLetInWhileThereIsABudget) {
  AbuseGuard abuse_guard{{}, 1};
  for (unsigned i = 0; i < 10'000; ++i) {
    const Nanos now = second + i * millisecond;
    abuse_guard.cookie_failed(somebody, i, now);
    abuse_guard.cookie_failed(v4(10, 0, 0, 2 + i % 250), 10'000 + i, now);
    ASSERT_EQ(abuse_guard.admit_cookie(somebody, now), Drop::none) << "behind one NAT";
    ASSERT_EQ(abuse_guard.admit_cookie(v4(10, 0, 0, 253), now), Drop::none) << "in one network";
  }
}

TEST(AbuseGuard, WhenTheBudgetIsShortThoseWithoutFailedCookiesGoFirst) {
  AbuseGuardConfig config;
  config.cookies_per_s = 1'000;
  AbuseGuard abuse_guard{config, 1};
  for (unsigned i = 0; i < 300; ++i) abuse_guard.cookie_failed(v4(10, 2, 0, i % 250), i, second);
  abuse_guard.cookie_failed(somebody, 1'000, second);
  const Address in_network = v4(10, 2, 0, 251);
  for (const Address& failing : {somebody, in_network})
    EXPECT_EQ(abuse_guard.admit_cookie(failing, second), Drop::none);
  for (unsigned i = 0; i < 500; ++i) ASSERT_EQ(abuse_guard.admit_cookie(v4(10, 1, 0, 1), second), Drop::none);
  for (const Address& failing : {somebody, in_network})
    EXPECT_EQ(abuse_guard.admit_cookie(failing, second), Drop::cookie_budget);
  EXPECT_EQ(abuse_guard.admit_cookie(v4(10, 0, 0, 2), second), Drop::none) << "one failure in a network is no matter";
  EXPECT_EQ(abuse_guard.admit_cookie(v4(10, 1, 0, 1), second), Drop::none);
}

TEST(AbuseGuard, BansASourceTwiceAsLongEachTime) {
  AbuseGuard abuse_guard{limited(), 1};
  Nanos now = second;
  EXPECT_EQ(misbehave(abuse_guard, somebody, now), 60 * second);
  EXPECT_EQ(abuse_guard.admit_connect(somebody, true, now), Drop::banned);
  EXPECT_EQ(abuse_guard.admit_foreign(somebody, {}, now), Drop::none) << "who has a session's key is no stranger";
  EXPECT_EQ(abuse_guard.admit_connect(v4(10, 0, 0, 2), false, now), Drop::none) << "the neighbour is not banned";
  EXPECT_EQ(misbehave(abuse_guard, somebody, now), 0U) << "what goes on coming changes nothing";
  now += 60 * second;
  EXPECT_EQ(abuse_guard.admit_connect(somebody, true, now), Drop::none);
  EXPECT_EQ(misbehave(abuse_guard, somebody, now), 120 * second);
  now += 120 * second;
  EXPECT_EQ(misbehave(abuse_guard, somebody, now), 240 * second);
  for (int i = 0; i < 20; ++i) {
    now += 240 * second;
    EXPECT_LE(misbehave(abuse_guard, somebody, now), 240 * second);
  }
  now += 240 * second;
  EXPECT_EQ(misbehave(abuse_guard, somebody, now), 240 * second) << "the longest";
}

TEST(AbuseGuard, FewMalformedDatagramsBanNoSource) {
  AbuseGuard abuse_guard{limited(), 1};
  ScoreBan ban;
  for (int i = 0; i < 3'600; ++i)
    abuse_guard.penalize(somebody, 5, static_cast<Nanos>(i) * second);  // 5 / (1 - 2^(-1/30)) = 219
  EXPECT_FALSE(abuse_guard.next_score_ban(ban));
  for (int i = 3'600; i < 7'200; ++i) abuse_guard.penalize(somebody, 7, static_cast<Nanos>(i) * second);
  EXPECT_TRUE(abuse_guard.next_score_ban(ban));
}

TEST(AbuseGuard, ScoreOfZeroMeansNever) {
  AbuseGuardConfig config;
  config.ban_score = 0;
  AbuseGuard abuse_guard{config, 1};
  EXPECT_EQ(misbehave(abuse_guard, somebody, second), 0U);
}

TEST(AbuseGuard, ThePenalizedPrefixOfIpv6IsItsSubnet) {
  AbuseGuard abuse_guard{limited(), 1};
  ScoreBan ban;
  for (unsigned i = 0; i < 100; ++i) abuse_guard.penalize(v6(1, static_cast<std::uint8_t>(i)), 64, second);
  ASSERT_TRUE(abuse_guard.next_score_ban(ban));
  EXPECT_EQ(ban.prefix.bits, 64);
  EXPECT_EQ(abuse_guard.admit_connect(v6(1, 200), false, second), Drop::banned);
  EXPECT_EQ(abuse_guard.admit_connect(v6(2, 1), false, second), Drop::none);
}

TEST(AbuseGuard, SweepForgetsBothKinds) {
  AbuseGuard abuse_guard{limited(), 1};
  ASSERT_TRUE(abuse_guard.operator_bans.add(prefix_of(somebody, 128), 2 * second));
  ASSERT_GT(misbehave(abuse_guard, somebody, second), 0U);
  for (int i = 0; i < 10'000; ++i) abuse_guard.sweep(3'600 * second);
  EXPECT_FALSE(abuse_guard.operator_bans.any());
  EXPECT_FALSE(abuse_guard.score_bans.any());
}

}  // namespace
}  // namespace serried::guard
