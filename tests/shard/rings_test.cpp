#include <gtest/gtest.h>

#include "shard/fixture.h"

namespace serried::shard::test {
namespace {

using metrics::Drop;

GameSetup rings_setup() {
  GameSetup setup;
  setup.world.npcs = 0;
  setup.world.players_max = 64;
  setup.world.rows_per_shard = 64;
  setup.sessions_per_lane = 512;
  return setup;
}

std::uint64_t first_lane_dropped(const ShardRig& rig, Drop drop) { return rig.lanes[0]->counters().drops.value(drop); }

TEST(Rings, EachDropMovesExactlyItsCounter) {
  ShardRig rig(rings_setup());
  Player& player = rig.join(1);
  rig.tick();
  const auto push = [&](link::InputRow row) {
    rig.links[0]->inputs.push(row);
    rig.tick();
  };
  push({.connection_id = player.connection_id + 1, .has_input = 1});
  EXPECT_EQ(first_lane_dropped(rig, Drop::shard_unknown_viewer), 1U);
  push({.connection_id = session::make_id(0, 511, 0), .has_input = 1});
  EXPECT_EQ(first_lane_dropped(rig, Drop::shard_unknown_viewer), 2U);
  push({.connection_id = 0xFFFF'FFFF, .has_input = 1});
  EXPECT_EQ(first_lane_dropped(rig, Drop::shard_unknown_viewer), 3U);
  push({.connection_id = player.connection_id, .input_sequence = 9, .has_input = 1});
  push({.connection_id = player.connection_id, .input_sequence = 8, .has_input = 1});
  EXPECT_EQ(first_lane_dropped(rig, Drop::stale_input), 1U);
  for (std::uint16_t i = 10; i < 19; ++i)
    rig.links[0]->inputs.push({.connection_id = player.connection_id, .input_sequence = i, .has_input = 1});
  rig.tick();
  EXPECT_EQ(first_lane_dropped(rig, Drop::input_queue_full), 1U);
  EXPECT_EQ(rig.lanes[0]->counters().drops.total(metrics::DropUnit::message), 5U);
}

TEST(Rings, AJoinAndItsFirstInputAreTakenInOnePoll) {
  ShardRig rig(rings_setup());
  Player& player = rig.join(1);
  rig.input(player, 127, 0);
  rig.ticks(3);
  EXPECT_EQ(player.client.applied_input, 1);
  EXPECT_EQ(first_lane_dropped(rig, Drop::shard_unknown_viewer), 0U);
}

TEST(Rings, AJoinFollowedByALeaveBeforeTheTickCreatesNoEntity) {
  ShardRig rig(rings_setup());
  rig.leave(rig.join(1));
  rig.tick();
  EXPECT_EQ(rig.simulation.entity_count(), 0U);
  for (std::uint64_t id = 2; id < 66; ++id) rig.join(id);
  rig.tick();
  EXPECT_EQ(rig.simulation.entity_count(), 64U);
  EXPECT_TRUE(rig.notices.empty());
}

TEST(Rings, ANewSessionInASlotEndsTheOldOne) {
  ShardRig rig(rings_setup());
  Player& old = rig.join(1);
  rig.tick();
  rig.links[0]->session_events.push(link::SessionEvent::Join{
      .connection_id = session::make_id(0, old.session, 77), .session = old.session, .player_id = 2});
  rig.tick();
  EXPECT_EQ(rig.simulation.entity_count(), 1U);
  old.playing = false;  // its client acks no more
  rig.tick();
  const std::uint64_t before = first_lane_dropped(rig, Drop::shard_unknown_viewer);
  rig.input(old, 1, 1);
  rig.tick();
  EXPECT_EQ(first_lane_dropped(rig, Drop::shard_unknown_viewer), before + 1);
}

TEST(Rings, ALateLeaveDoesNotEndTheNextSession) {
  ShardRig rig(rings_setup());
  Player& player = rig.join(1);
  rig.tick();
  rig.links[0]->session_events.push(
      link::SessionEvent::Leave{.connection_id = player.connection_id + 5, .session = player.session});
  rig.tick();
  EXPECT_EQ(rig.simulation.entity_count(), 1U);
}

TEST(Rings, RowsBeyondOnePollAreTakenBeforeTheTick) {
  GameSetup setup = rings_setup();
  setup.world.players_max = 400;
  setup.world.rows_per_shard = 448;
  ShardRig rig(setup);
  for (std::uint64_t id = 1; id <= 400; ++id) rig.join(id);
  rig.tick();
  EXPECT_EQ(rig.simulation.entity_count(), 400U);
}

}  // namespace
}  // namespace serried::shard::test
