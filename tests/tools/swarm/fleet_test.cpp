#include "tools/swarm/fleet.h"

#include <gtest/gtest.h>

#include "arena.h"
#include "tools/swarm/report.h"

namespace serried {
namespace {

using test::Arena;
using test::calm;
using tools::Fleet;

TEST(Fleet, PlaysAndEndsInOrder) {
  Arena arena(100, 100, calm());
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good()) << tools::table(summary);
  EXPECT_EQ(summary.connected, 100U);
  EXPECT_EQ(summary.playing, 0U);
  EXPECT_NEAR(summary.seconds, 2.0, 0.02);
  EXPECT_NEAR(summary.connect_seconds, 0.11, 0.1);
  // 60 inputs a second; a tick every 16 ms.
  EXPECT_NEAR(summary.tx_pps, 6000, 300);
  EXPECT_NEAR(summary.updates_per_second_per_bot, 62.5, 2);
  EXPECT_GT(summary.audits, 10'000U);
  // 2 ms there, up to 16 until the tick, 2 ms back.
  EXPECT_GE(summary.update_latency.p50, 4.0);
  EXPECT_LE(summary.update_latency.max, 23.0);
  EXPECT_NEAR(static_cast<double>(summary.latency_samples), 12'000, 600);
  EXPECT_LE(summary.swarm_lag_ms_max, 2.0);
  EXPECT_GT(summary.rtt.p50, 3.9);
  EXPECT_GT(summary.staleness.max, 0.0);
  EXPECT_EQ(summary.drawing, 7U);  // of 100, one in 16
  EXPECT_GT(summary.scenes_drawn, 14U);
  EXPECT_GT(summary.frames_drawn, 400U);
  EXPECT_EQ(summary.frames_repeated, 0U);
  EXPECT_EQ(summary.scene_faults, 0U);
  EXPECT_LT(summary.speed_error_percent.p99, 5.0);
  EXPECT_NEAR(summary.scene_behind.p50, 100, 60);
  EXPECT_EQ(summary.tracked_audited, summary.tracked_drawn);
  EXPECT_TRUE(summary.drops.empty());
  for (int i = 0; i < 10; ++i) arena.step();  // what is still on the wire
  for (const auto& [id, peer] : arena.server.peers) EXPECT_EQ(peer.disconnects, 3U);
  EXPECT_EQ(arena.server.bad, 0U);
  arena.engine.reset();
  EXPECT_EQ(arena.there->outstanding(), 0U);
}

TEST(Fleet, SharesFewPorts) {
  Arena arena(50, 2, calm(), 0.5);
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good()) << tools::table(summary);
  EXPECT_EQ(arena.server.peers.size(), 50U);
}

TEST(Fleet, PlaysOverABadWire) {
  Arena arena(30, 4,
              {.loss = 0.05, .duplicate = 0.05, .flip = 0.02, .delay_min = millisecond, .delay_max = 30 * millisecond},
              3.0);
  ASSERT_TRUE(arena.run(60 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_EQ(summary.connected, 30U) << tools::table(summary);
  EXPECT_EQ(summary.errors, 0U) << tools::table(summary);
  EXPECT_EQ(summary.view_mismatches, 0U);
  EXPECT_GT(summary.drops.at("bad_crc"), 0U);
  EXPECT_GT(summary.drops.at("replay_seen"), 0U);
}

TEST(Fleet, WaitsForAConnectionAsLongAsItIsTold) {
  Arena arena(3, 3, {.loss = 1.0});
  arena.options.connect_timeout_s = 30;
  arena.fleet =
      std::make_unique<Fleet>(arena.options, arena.server.key, arena.random.entropy(), arena.ports, arena.now);
  arena.engine = std::make_unique<tools::Engine<port::LoopPort, test::ManualClock>>(*arena.there, *arena.fleet,
                                                                                    test::ManualClock{&arena.now});
  EXPECT_FALSE(arena.run(29 * second));
  ASSERT_TRUE(arena.run(10 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_EQ(summary.connected, 0U);
  EXPECT_EQ(summary.error_kinds.at("connect_timeout"), 3U);
}

TEST(Fleet, StopsEarlyInOrder) {
  Arena arena(10, 10, calm(), 0);
  for (int i = 0; i < 1500; ++i) arena.step();
  EXPECT_EQ(arena.fleet->phase(), Fleet::Phase::playing);
  arena.fleet->stop(arena.now, arena.totals);
  ASSERT_TRUE(arena.run(2 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good());
  EXPECT_GT(summary.seconds, 1.0);
}

}  // namespace
}  // namespace serried
