#include "session/admit.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

using metrics::Drop;

struct AdmitTest : testing::Test {
  Table table{0, 64};
  AdmitLimits limits;
  guard::AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;

  bool authentic = true;  ///< what is admitted verifies later, and is charged for

  Drop admit_one(std::uint32_t id, std::uint64_t sequence, const wire::Path& from, Nanos now) {
    Burst burst;
    const unsigned row = burst.add(id, sequence, from);
    admit(burst.batch, table, limits, abuse_guard, drops, now);
    EXPECT_EQ(burst.batch.live_rows, burst.batch.verdict[row] == Drop::none ? 1U : 0U);
    if (burst.batch.verdict[row] == Drop::none && authentic) charge(table.admission(burst.batch.session[row]), limits);
    return burst.batch.verdict[row];
  }
};

TEST_F(AdmitTest, KnowsItsSessionsOnly) {
  const std::uint32_t slot = open_session(table, 1);
  const std::uint32_t id = table.admission(slot).connection_id;
  EXPECT_EQ(admit_one(id, 1, guard::path_of(1, 1000), 0), Drop::none);
  EXPECT_EQ(admit_one(id ^ 1, 1, guard::path_of(1, 1000), 0), Drop::unknown_session);
  EXPECT_EQ(admit_one(0xFFFF'FFFF, 1, guard::path_of(1, 1000), 0), Drop::unknown_session);
  table.admission(slot).state = State::free;
  EXPECT_EQ(admit_one(id, 2, guard::path_of(1, 1000), 0), Drop::unknown_session);
  table.admission(slot).state = State::closing;
  EXPECT_EQ(admit_one(id, 2, guard::path_of(1, 1000), 0), Drop::session_ending);
  EXPECT_EQ(drops.value(Drop::unknown_session), 3U);
}

TEST_F(AdmitTest, PeeksAtTheReplayWindowAndLeavesItAlone) {
  const std::uint32_t slot = open_session(table, 1);
  const std::uint32_t id = table.admission(slot).connection_id;
  ASSERT_EQ(table.admission(slot).replay.commit(1000), Drop::none);
  EXPECT_EQ(admit_one(id, 1000, guard::path_of(1, 1000), 0), Drop::replay_seen);
  EXPECT_EQ(admit_one(id, 1, guard::path_of(1, 1000), 0), Drop::replay_old);
  EXPECT_EQ(admit_one(id, 2000, guard::path_of(1, 1000), 0), Drop::none);
  EXPECT_EQ(table.admission(slot).replay.largest(), 1000U) << "only a verified tag moves it";
}

TEST_F(AdmitTest, LimitsTheRateOfOneSessionAndOfNoOther) {
  limits = {10'000, 40'000};  // 100 a second, four ahead
  const std::uint32_t id = table.admission(open_session(table, 1)).connection_id;
  const std::uint32_t other = table.admission(open_session(table, 2)).connection_id;
  unsigned admitted = 0;
  for (std::uint64_t s = 1; s <= 100; ++s)
    admitted += admit_one(id, s, guard::path_of(1, 1000), second) == Drop::none ? 1 : 0;
  EXPECT_EQ(admitted, 5U);
  EXPECT_EQ(drops.value(Drop::session_rate), 95U);
  EXPECT_EQ(admit_one(other, 1, guard::path_of(2, 1000), second), Drop::none);
  admitted = 0;
  for (std::uint64_t s = 101; s <= 600; ++s)
    admitted += admit_one(id, s, guard::path_of(1, 1000), second + s * 2 * millisecond) == Drop::none ? 1 : 0;
  EXPECT_NEAR(admitted, 100.0, 15.0) << "100 a second over a second";
}

TEST_F(AdmitTest, ForgeriesFromThePlayersAddressDoNotUseUpItsRate) {
  limits = {10'000, 40'000};
  const std::uint32_t id = table.admission(open_session(table, 1)).connection_id;
  std::uint64_t sequence = 0;
  unsigned forged = 0;
  for (unsigned ms = 0; ms < 2'000; ++ms) {
    const Nanos now = second + ms * millisecond;
    authentic = false;
    forged += admit_one(id, ++sequence, guard::path_of(1, 1000), now) == Drop::none ? 1 : 0;
    authentic = true;
    if (ms % 16 == 0) {
      ASSERT_EQ(admit_one(id, ++sequence, guard::path_of(1, 1000), now), Drop::none)
          << "the player, at " << ms << " ms";
    }
  }
  EXPECT_EQ(forged, 2'000U);
  // A hundred times as much is held down all the same: each of them costs us a tag.
  authentic = false;
  forged = 0;
  for (unsigned i = 0; i < 100'000; ++i)
    forged +=
        admit_one(id, ++sequence, guard::path_of(1, 1000), 4 * second + i * 10 * microsecond) == Drop::none ? 1 : 0;
  EXPECT_LT(forged, 5'000U);
}

TEST_F(AdmitTest, RateSurvivesTheWrapOfItsClock) {
  limits = {10'000, 40'000};
  const std::uint32_t slot = open_session(table, 1);
  const std::uint32_t id = table.admission(slot).connection_id;
  const Nanos wrap = (Nanos{1} << 32) * microsecond;
  table.admission(slot).next_allowed_us = 0xFFFF'FF00U;
  for (std::uint64_t s = 1; s <= 50; ++s)
    EXPECT_EQ(admit_one(id, s, guard::path_of(1, 1000), wrap - 5 * millisecond + s * 20 * millisecond), Drop::none)
        << s;
}

TEST_F(AdmitTest, ANewSessionMaySendAtAnyTimeOfTheClock) {
  limits = {10'000, 40'000};
  for (std::uint8_t host = 1; host <= 8; ++host) {
    const Nanos born = Nanos{host} * 600 * second;  // half the range of the wrapping clock is 2,147 s
    const std::uint32_t id = table.admission(open_session(table, host, born)).connection_id;
    EXPECT_EQ(admit_one(id, 1, guard::path_of(host, 1000), born), Drop::none) << "born at " << born / second << " s";
  }
}

TEST_F(AdmitTest, ForeignSourcesHaveABudgetOfTheLane) {
  const std::uint32_t slot = open_session(table, 1, second);
  const std::uint32_t id = table.admission(slot).connection_id;
  const auto opened = [&] {
    unsigned count = 0;
    for (std::uint64_t s = 1; s <= 1'000; ++s)
      count += admit_one(id, s, guard::path_of(9, 9), second) == Drop::none ? 1 : 0;
    return count;
  };
  EXPECT_EQ(opened(), guard::ForeignBudget::burst / 2);
  EXPECT_EQ(drops.value(Drop::foreign_source), 1'000 - guard::ForeignBudget::burst / 2);
  EXPECT_EQ(admit_one(id, 1, guard::path_of(1, 1000), second), Drop::none) << "its own address needs no budget";
  table.cold(slot).roam.candidate = guard::path_of(9, 9);
  table.cold(slot).roam.probe_id = 1;
  EXPECT_EQ(admit_one(id, 1, guard::path_of(8, 9), second), Drop::foreign_source);
  EXPECT_EQ(admit_one(id, 1, guard::path_of(9, 9), second), Drop::none) << "this address is being asked";
  table.cold(slot).roam = {};
  table.admission(slot).heard_at = second - silence;
  EXPECT_EQ(opened(), guard::ForeignBudget::burst / 2 - 1) << "nothing has come from where it was";
}

TEST_F(AdmitTest, AForeignDatagramThatDoesNotOpenCostsItsSessionFourTimesAsMuch) {
  limits = {10'000, 640'000};  // 100 a second, 64 ahead
  const std::uint32_t slot = open_session(table, 1);
  const std::uint32_t id = table.admission(slot).connection_id;
  table.admission(slot).heard_at = 0;
  const auto admitted = [&](bool opens) {
    unsigned count = 0;
    for (std::uint64_t s = 1; s <= 200; ++s) {
      if (admit_one(id, s, guard::path_of(9, 9), second) != Drop::none) continue;
      ++count;
      if (opens) refund_foreign(table.cold(slot), limits);
    }
    return count;
  };
  EXPECT_EQ(admitted(false), 17U);
  table.cold(slot).foreign_allowed_us = 0;
  EXPECT_EQ(admitted(true), 65U);
}

TEST_F(AdmitTest, CopiesByTheNetworkDoNotUseUpTheSessionsRate) {
  limits = {10'000, 40'000};
  const std::uint32_t slot = open_session(table, 1);
  const std::uint32_t id = table.admission(slot).connection_id;
  for (std::uint64_t s = 1; s <= 200; ++s) {
    const Nanos now = second + s * 10 * millisecond;
    ASSERT_EQ(admit_one(id, s, guard::path_of(1, 1000), now), Drop::none) << s;
    ASSERT_EQ(table.admission(slot).replay.commit(s), Drop::none);
    EXPECT_EQ(admit_one(id, s, guard::path_of(1, 1000), now), Drop::replay_seen);
  }
}

TEST_F(AdmitTest, ForgeriesUnderAKnownIdUseUpNeitherTheSessionsRateNorTheLanesBudget) {
  limits = {10'000, 40'000};
  const std::uint32_t id = table.admission(open_session(table, 1)).connection_id;
  const std::uint32_t other = table.admission(open_session(table, 2)).connection_id;
  for (std::uint64_t s = 1; s <= 1'000; ++s) static_cast<void>(admit_one(id, s, guard::path_of(9, 9), second));
  EXPECT_EQ(admit_one(id, 1, guard::path_of(1, 1000), second), Drop::none);
  EXPECT_EQ(admit_one(other, 1, guard::path_of(9, 1000), second), Drop::none) << "another session's address changed";
}

}  // namespace
}  // namespace serried::session
