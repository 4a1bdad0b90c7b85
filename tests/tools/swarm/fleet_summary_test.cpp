#include <gtest/gtest.h>

#include "arena.h"
#include "tools/swarm/summary.h"

namespace serried {
namespace {

using test::Arena;
using test::calm;

TEST(FleetSummary, FindsViewsThatDiffer) {
  Arena arena(3, 3, calm(), 0.5);
  arena.lie = 1;
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_FALSE(summary.good());
  EXPECT_EQ(summary.view_mismatches, summary.audits);
  EXPECT_EQ(summary.errors, 0U);
}

TEST(FleetSummary, AScenesFaultIsAnErrorAndARepeatedFrameIsNot) {
  tools::Summary summary;
  summary.players = summary.connected = 1;
  summary.frames_repeated = 5;
  EXPECT_TRUE(summary.good());
  summary.scene_faults = 1;
  EXPECT_FALSE(summary.good());
}

TEST(FleetSummary, ReportsRefusedBots) {
  Arena arena(5, 5, calm(), 0.5);
  arena.server.deny = true;
  arena.server.deny_reason = message::DenyReason::banned;
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_FALSE(summary.good());
  EXPECT_EQ(summary.connected, 0U);
  EXPECT_EQ(summary.error_kinds.at("denied"), 5U);
  EXPECT_NE(summary.first_error.find("refused"), std::string::npos);
}

TEST(FleetSummary, QuantilesAreMilliseconds) {
  base::Histogram histogram;
  for (Nanos i = 1; i <= 1000; ++i) histogram.record(i * millisecond);
  const tools::Quantiles q = tools::quantiles_ms(histogram);
  EXPECT_NEAR(q.p50, 500, 9);
  EXPECT_NEAR(q.p99, 990, 17);
  EXPECT_DOUBLE_EQ(q.max, 1000.0);
}

}  // namespace
}  // namespace serried
