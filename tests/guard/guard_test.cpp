#include "guard/guard.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::guard {
namespace {

using metrics::Drop;

struct GuardTest : testing::Test {
  AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;

  /// A burst of which the first `bad` rows left with `verdict`.
  static void spoil(session::Burst& burst, unsigned bad, Drop verdict) {
    metrics::DropCounters ignored;
    burst.batch.filter(ignored, [&](unsigned row) noexcept { return row < bad ? verdict : Drop::none; });
  }
  bool banned(std::uint8_t host) {
    return abuse_guard.admit_connect(path_of(host, 0).address, true, second) == Drop::banned;
  }
};

TEST_F(GuardTest, WithoutBansEverythingPasses) {
  session::Burst burst;
  for (std::uint8_t host = 1; host <= 64; ++host) burst.add(1, 1, path_of(host, 1000));
  guard(burst.batch, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.live_rows, 64U);
}

TEST_F(GuardTest, DropsWhatOperatorsBannedAndNoOther) {
  ASSERT_TRUE(abuse_guard.operator_bans.add(prefix_of(path_of(7, 0).address, 128), 2 * second));
  session::Burst burst;
  for (std::uint8_t host = 1; host <= 64; ++host) burst.add(1, 1, path_of(host, 1000));
  guard(burst.batch, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.live_rows, 63U);
  EXPECT_EQ(burst.batch.verdict[6], Drop::banned);
  EXPECT_EQ(drops.value(Drop::banned), 1U);
  guard(burst.batch, abuse_guard, drops, 3 * second);
  EXPECT_EQ(drops.value(Drop::banned), 1U);
}

TEST_F(GuardTest, AScoreBanIsNoReasonToDropWhatMayBeASessions) {
  ASSERT_TRUE(abuse_guard.score_bans.add(prefix_of(path_of(7, 0).address, 128), 2 * second));
  session::Burst burst;
  burst.add(1, 1, path_of(7, 1000));
  guard(burst.batch, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.live_rows, 1U);
}

TEST_F(GuardTest, ASourceOfGarbageIsBanned) {
  for (const Drop verdict : {Drop::short_datagram, Drop::bad_crc, Drop::bad_tag, Drop::bad_connect}) {
    abuse_guard = AbuseGuard{{}, 1};
    for (int i = 0; i < 15; ++i) {
      session::Burst burst;
      for (int row = 0; row < 64; ++row) burst.add(1, 1, path_of(7, 1000));
      spoil(burst, 64, verdict);
      penalize(burst.batch, abuse_guard, second);
    }
    EXPECT_FALSE(banned(7)) << "960 are not 1,024";
    session::Burst burst;
    for (int row = 0; row < 64; ++row) burst.add(1, 1, path_of(7, 1000));
    spoil(burst, 64, verdict);
    penalize(burst.batch, abuse_guard, second);
    EXPECT_TRUE(banned(7)) << metrics::drop_name(verdict);
  }
}

TEST_F(GuardTest, DropsOfHonestClientsPenalizeNoSource) {
  for (const Drop verdict :
       {Drop::unknown_session, Drop::session_ending, Drop::session_rate, Drop::replay_old, Drop::replay_seen,
        Drop::foreign_source, Drop::banned, Drop::address_rate, Drop::cookie_budget})
    for (int i = 0; i < 100; ++i) {
      session::Burst burst;
      for (int row = 0; row < 64; ++row) burst.add(1, 1, path_of(7, 1000));
      spoil(burst, 64, verdict);
      penalize(burst.batch, abuse_guard, second);
    }
  EXPECT_FALSE(banned(7));
}

TEST_F(GuardTest, OnlyTheSourceOfMostMalformedRowsIsBanned) {
  // Of each burst half comes from one, the rest from sixteen that each send one bad datagram a second.
  for (int i = 0; i < 64; ++i) {
    session::Burst burst;
    for (unsigned row = 0; row < 32; ++row) burst.add(1, 1, path_of(200, 1000));
    burst.add(1, 1, path_of(static_cast<std::uint8_t>(1 + i % 16), 1000));
    for (unsigned row = 33; row < 64; ++row) burst.add(1, 1, path_of(100, 1000));  // these are good
    spoil(burst, 33, Drop::bad_crc);
    penalize(burst.batch, abuse_guard, second);
  }
  EXPECT_TRUE(banned(200));
  EXPECT_FALSE(banned(100));
  for (std::uint8_t host = 1; host <= 16; ++host) EXPECT_FALSE(banned(host)) << int{host};
}

TEST_F(GuardTest, GarbageFromAPlayersAddressDoesNotBanThePlayer) {
  session::Table table{0, 4};
  const std::uint32_t slot = open_session(table, 7, second);
  const std::uint32_t id = table.admission(slot).connection_id;
  for (int i = 0; i < 100; ++i) {
    session::Burst burst;
    for (int row = 0; row < 64; ++row) burst.add(1, 1, path_of(7, 1000));
    spoil(burst, 64, Drop::bad_crc);
    penalize(burst.batch, abuse_guard, second);
  }
  ASSERT_TRUE(banned(7));
  session::Burst burst;
  burst.add(id, 1, path_of(7, 1000));  // the player
  burst.add(id, 2, path_of(7, 1001));  // its NAT has made another port
  guard(burst.batch, abuse_guard, drops, second);
  admit(burst.batch, table, {}, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.verdict[0], Drop::none);
  EXPECT_EQ(burst.batch.verdict[1], Drop::none);
}

}  // namespace
}  // namespace serried::guard
