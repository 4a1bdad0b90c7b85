#include <array>

#include <gtest/gtest.h>

#include "shard/fixture.h"

namespace serried::shard::test {
namespace {

using world::state_flag::is_absent;

GameSetup players_setup(unsigned resume_s = 1) {
  GameSetup setup;
  setup.world.npcs = 0;
  setup.world.players_max = 64;
  setup.world.rows_per_shard = 64;
  setup.reference.player_spawn_half = 2'000.0F;
  setup.world.resume_s = resume_s;
  setup.sessions_per_lane = 512;
  return setup;
}
constexpr unsigned resume_ticks = 60;

std::optional<Simulation::Living> entity_of(const ShardRig& rig, std::uint64_t player_id) {
  std::optional<Simulation::Living> found;
  rig.simulation.for_each_entity([&](const Simulation::Living& entity) {
    if (entity.id != world::player_entity(player_id)) return;
    EXPECT_FALSE(found) << "twice in the world";
    found = entity;
  });
  return found;
}

void walk(ShardRig& rig, Player& player, unsigned ticks) {
  for (unsigned i = 0; i < ticks; ++i) {
    rig.input(player, 127, 0, 0, 7'000);
    rig.tick();
  }
}

TEST(Players, APlayerThatTimesOutIsMarkedAbsentUntilResumeTimeEnds) {
  ShardRig rig(players_setup());
  Player& watcher = rig.join(1);
  Player& player = rig.join(2);
  rig.ticks(5);
  walk(rig, player, 20);
  rig.leave(player, true);
  rig.ticks(20);
  const auto stands = entity_of(rig, 2);
  ASSERT_TRUE(stands);
  EXPECT_NE(stands->state.state_flags & is_absent, 0);
  EXPECT_EQ(stands->state.velocity[0], 0);
  EXPECT_EQ(stands->state.yaw, 7'000) << "the yaw stays";
  EXPECT_NE(watcher.client.entities.at(stands->slot).state.state_flags & is_absent, 0);
  EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 1U);
  EXPECT_EQ(rig.lanes[0]->counters().players.value(), 1U);
  rig.ticks(resume_ticks - 20);
  ASSERT_TRUE(entity_of(rig, 2)) << "to the last tick";
  EXPECT_EQ(entity_of(rig, 2)->position, stands->position);
  rig.tick();
  EXPECT_FALSE(entity_of(rig, 2));
  EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 0U);
  rig.ticks(30);
  EXPECT_FALSE(watcher.client.entities.contains(stands->slot));
}

TEST(Players, AReturningPlayerTakesOverItsEntity) {
  ShardRig rig(players_setup());
  Player& watcher = rig.join(1);
  Player& old = rig.join(2);
  rig.ticks(5);
  walk(rig, old, 30);
  rig.leave(old, true);
  rig.ticks(30);
  const auto before = entity_of(rig, 2);
  ASSERT_TRUE(before);
  Player& player = rig.join(2);
  rig.ticks(10);
  const auto after = entity_of(rig, 2);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->slot, before->slot);
  EXPECT_EQ(after->generation, before->generation);
  EXPECT_EQ(after->position, before->position);
  EXPECT_EQ(after->state.state_flags & is_absent, 0);
  EXPECT_EQ(rig.lanes[0]->counters().resumed.value(), 1U);
  ASSERT_TRUE(player.client.entities.contains(after->slot));
  EXPECT_TRUE(player.client.entities.at(after->slot).own);
  EXPECT_EQ(player.client.entities.size(), 2U);
  EXPECT_EQ(watcher.client.entities.at(after->slot).state.state_flags & is_absent, 0);
  walk(rig, player, 10);
  EXPECT_EQ(player.client.applied_input, 10) << "a new session counts its inputs anew";
  EXPECT_GT(entity_of(rig, 2)->position[0], before->position[0]);
  rig.ticks(2 * resume_ticks);
  EXPECT_TRUE(entity_of(rig, 2)) << "the player is here: nothing is over";
  EXPECT_TRUE(player.client.faults.empty());
}

TEST(Players, ANewerSessionTakesOverBeforeTheOlderOneHasLeft) {
  ShardRig rig(players_setup());
  Player& old = rig.join(2);
  rig.ticks(5);
  walk(rig, old, 10);
  const auto before = entity_of(rig, 2);
  Player& player = rig.join(2);
  rig.tick();
  EXPECT_EQ(rig.lanes[0]->counters().players.value(), 1U);
  rig.leave(old, true);
  rig.ticks(2 * resume_ticks);
  const auto after = entity_of(rig, 2);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->slot, before->slot);
  EXPECT_EQ(after->state.state_flags & is_absent, 0);
  walk(rig, player, 5);
  EXPECT_EQ(player.client.applied_input, 5);
  const std::uint64_t unknown = rig.lanes[0]->counters().drops.value(metrics::Drop::shard_unknown_viewer);
  rig.input(old, 1, 1);
  rig.tick();
  EXPECT_EQ(rig.lanes[0]->counters().drops.value(metrics::Drop::shard_unknown_viewer), unknown + 1);
}

TEST(Players, APlayerThatDisconnectsIsRemovedAtOnce) {
  ShardRig rig(players_setup());
  Player& old = rig.join(2);
  rig.ticks(5);
  const auto before = entity_of(rig, 2);
  walk(rig, old, 30);
  rig.leave(old);
  rig.join(2);  // in the same tick: spawned anew
  rig.tick();
  ASSERT_TRUE(entity_of(rig, 2));
  EXPECT_EQ(entity_of(rig, 2)->position, before->position) << "where players appear";
  EXPECT_NE(entity_of(rig, 2)->slot, before->slot);
  EXPECT_EQ(rig.lanes[0]->counters().resumed.value(), 0U);
}

TEST(Players, WithoutResumeTimeALostPlayerIsRemovedAtOnce) {
  ShardRig rig(players_setup(0));
  Player& old = rig.join(2);
  rig.ticks(5);
  Player& player = rig.join(2);
  rig.tick();
  EXPECT_TRUE(entity_of(rig, 2)) << "and once";
  rig.leave(old, true);
  rig.ticks(2);
  EXPECT_TRUE(entity_of(rig, 2));
  rig.leave(player, true);
  rig.ticks(2);
  EXPECT_FALSE(entity_of(rig, 2));
  EXPECT_EQ(rig.simulation.entity_count(), 0U);
}

TEST(Players, JoinsAndLeavesWithinOneTickLeaveOneEntity) {
  ShardRig rig(players_setup());
  Player* last = &rig.join(2);
  rig.tick();
  base::Prng random(9);
  for (unsigned round = 0; round < 300; ++round) {
    for (std::uint64_t steps = random.below(6); steps != 0; --steps) {
      if (last->playing && random.chance(0.5))
        rig.leave(*last, true);
      else
        last = &rig.join(2);
    }
    rig.tick();
    ASSERT_EQ(rig.simulation.entity_count(), 1U) << round;
    ASSERT_EQ(rig.lanes[0]->counters().players.value(), last->playing ? 1U : 0U) << round;
    ASSERT_EQ(rig.lanes[0]->counters().absent.value(), last->playing ? 0U : 1U) << round;
  }
  if (last->playing) rig.leave(*last, true);
  rig.ticks(resume_ticks + 1);
  EXPECT_EQ(rig.simulation.entity_count(), 0U);
  // Every place is free again: as many as there are rows that do not rest.
  for (std::uint64_t id = 100; id < 163; ++id) rig.join(id);
  rig.ticks(2);
  EXPECT_EQ(rig.simulation.entity_count(), 63U);
  EXPECT_TRUE(rig.notices.empty());
}

TEST(Players, AbsentPlayersGiveWayToOthersTheOldestFirst) {
  GameSetup setup = players_setup(3'600);
  ShardRig rig(setup);
  const unsigned rest = setup.world.slot_rest_ticks;
  for (std::uint64_t id = 1; id <= 64; ++id) rig.join(id);
  rig.ticks(2);
  const std::array<unsigned, 6> leaving{9, 3, 60, 7, 11, 40};  // in this order
  for (const unsigned place : leaving) {
    rig.leave(*rig.players[place], true);
    rig.tick();
  }
  rig.join(1 + leaving[1]);  // comes back: is oldest no longer
  rig.tick();
  rig.leave(*rig.players.back(), true);
  rig.tick();
  EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 6U);

  for (std::uint64_t id = 1'001; id <= 1'003; ++id) rig.join(id);
  rig.tick();
  EXPECT_TRUE(rig.notices.empty());
  EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 3U);
  for (const unsigned place : {9U, 60U, 7U}) EXPECT_FALSE(entity_of(rig, 1 + place)) << place;
  for (const unsigned place : {3U, 11U, 40U}) EXPECT_TRUE(entity_of(rig, 1 + place)) << place;
  rig.ticks(rest);
  for (std::uint64_t id = 1'001; id <= 1'003; ++id) EXPECT_TRUE(entity_of(rig, id)) << id;
  EXPECT_EQ(rig.lanes[0]->counters().players.value(), 61U);
  Player& back = rig.join(1 + leaving[4]);
  rig.ticks(2);
  EXPECT_TRUE(entity_of(rig, back.id)) << "what is not needed waits on";
  EXPECT_EQ(rig.lanes[0]->counters().resumed.value(), 2U);
}

TEST(Players, AWorldOfAbsentPlayersTakesAsManyOthers) {
  GameSetup setup = players_setup(3'600);
  ShardRig rig(setup);
  for (std::uint64_t round = 0; round < 4; ++round) {
    SCOPED_TRACE(round);
    for (std::uint64_t id = 1; id <= 64; ++id) rig.join(1'000 * round + id);
    rig.ticks(setup.world.slot_rest_ticks + 2);
    EXPECT_TRUE(rig.notices.empty()) << "told that the world is full";
    EXPECT_EQ(rig.simulation.entity_count(), 64U);
    EXPECT_EQ(rig.lanes[0]->counters().players.value(), 64U);
    EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 0U);
    for (auto& player : rig.players) {
      if (player->playing) rig.leave(*player, true);
      EXPECT_TRUE(player->client.faults.empty());
    }
    rig.tick();
    EXPECT_EQ(rig.lanes[0]->counters().absent.value(), 64U);
  }
}

TEST(Players, OneWhoWaitsForARowMayLeaveAgain) {
  GameSetup setup = players_setup(3'600);
  ShardRig rig(setup);
  for (std::uint64_t id = 1; id <= 64; ++id) rig.join(id);
  rig.ticks(2);
  rig.leave(*rig.players[0], true);
  rig.tick();
  Player& waiting = rig.join(1'000);
  rig.ticks(3);
  rig.leave(waiting, true);
  rig.ticks(3);
  Player& next = rig.join(1'001);
  rig.ticks(setup.world.slot_rest_ticks);
  EXPECT_TRUE(entity_of(rig, next.id));
  EXPECT_FALSE(entity_of(rig, 1'000));
  EXPECT_EQ(rig.simulation.entity_count(), 64U);
  EXPECT_TRUE(rig.notices.empty());
}

TEST(Players, AWorldOfPresentPlayersIsFull) {
  ShardRig rig(players_setup());
  for (std::uint64_t id = 1; id <= 64; ++id) rig.join(id);
  rig.ticks(2);
  rig.join(1'000);
  rig.tick();
  ASSERT_EQ(rig.notices.size(), 1U);
  EXPECT_EQ(rig.simulation.entity_count(), 64U);
}

}  // namespace
}  // namespace serried::shard::test
