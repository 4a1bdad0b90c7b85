#include "lane/simulation.h"

#include <gtest/gtest.h>

#include "shard_fixture.h"

namespace serried::lane::test {
namespace {

ShardSetup simulation_setup(unsigned shards) {
  ShardSetup setup;
  setup.shards = shards;
  setup.world.npcs = 50;
  setup.world.players_max = 64;
  return setup;
}

TEST(ShardSetup, AllFaultsAreReportedAtOnce) {
  ShardSetup setup;
  setup.shards = 17;
  setup.world.radius[0] = 0;
  setup.replicate.datagram_bytes = 5'000;
  setup.io_lanes = 0;
  EXPECT_GE(setup.validate().size(), 4U);
}

TEST(ShardSetup, MoreEntitiesThanSlotsIsOneClearSentence) {
  ShardSetup setup;
  setup.world.npcs = 70'000;
  ASSERT_EQ(setup.validate().size(), 1U);
  EXPECT_NE(setup.validate()[0].find("slots"), std::string::npos);
}

TEST(ShardSetup, AWelcomeIsTextOfOneMessage) {
  ShardSetup setup;
  setup.welcome.assign(message::message_bytes_max - 1, 'w');
  EXPECT_TRUE(setup.validate().empty());
  setup.welcome += 'w';
  EXPECT_EQ(setup.validate().size(), 1U);
  setup.welcome = "\xFF";
  EXPECT_EQ(setup.validate().size(), 1U);
}

TEST(ShardSetup, TenThousandPlayersFitEveryNumberOfShards) {
  for (unsigned shards = 1; shards <= 16; ++shards) {
    ShardSetup setup;
    setup.shards = shards;
    setup.world.players_max = 10'000;
    setup.world.npcs = 10'000;
    EXPECT_TRUE(setup.validate().empty()) << shards << ": " << setup.validate()[0];
  }
}

TEST(Simulation, NpcsAreThereBeforeTheFirstTickOnTheirShards) {
  ShardRig rig(simulation_setup(3));
  std::map<std::uint64_t, std::uint16_t> found;
  rig.simulation.for_each_entity([&](const Simulation::Living& entity) { found[entity.id] = entity.slot; });
  ASSERT_EQ(found.size(), 50U);
  EXPECT_EQ(rig.simulation.entity_count(), 50U);
  for (const auto& [id, slot] : found) EXPECT_EQ(slot / rig.simulation.rows_per_shard(), world::shard_of_npc(id, 3));
}

TEST(Simulation, RemembersTheHashesOf1024Ticks) {
  ShardRig rig(simulation_setup(2));
  std::uint64_t first = 0, hash = 0;
  EXPECT_FALSE(rig.simulation.world_hash(0, hash));
  EXPECT_FALSE(rig.simulation.world_hash(1, hash));
  rig.tick();
  ASSERT_TRUE(rig.simulation.world_hash(1, first));
  EXPECT_EQ(rig.simulation.hashed_tick(), 1U);
  rig.ticks(1'023);
  ASSERT_TRUE(rig.simulation.world_hash(1, hash));
  EXPECT_EQ(hash, first);
  rig.tick();
  EXPECT_FALSE(rig.simulation.world_hash(1, hash));
  EXPECT_TRUE(rig.simulation.world_hash(2, hash));
}

}  // namespace
}  // namespace serried::lane::test
