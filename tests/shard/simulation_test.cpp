#include "shard/simulation.h"

#include <array>
#include <cstddef>
#include <map>
#include <span>

#include <gtest/gtest.h>

#include "shard/fixture.h"

namespace serried::shard::test {
namespace {

GameSetup simulation_setup(unsigned shards) {
  GameSetup setup;
  setup.shards = shards;
  setup.world.npcs = 50;
  setup.world.players_max = 64;
  return setup;
}

std::vector<std::string> faults_of(const GameSetup& setup) {
  const games::reference::Game game{setup.reference};
  return setup.with(game).validate();
}

TEST(ShardSetup, AllFaultsAreReportedAtOnce) {
  GameSetup setup;
  setup.shards = 17;
  setup.world.radius[0] = 0;
  setup.replicate.datagram_bytes = 5'000;
  setup.io_lanes = 0;
  EXPECT_GE(setup.validate().size(), 5U) << "and there is no game";
}

TEST(ShardSetup, MoreEntitiesThanSlotsIsRefusedWithOneSentence) {
  GameSetup setup;
  setup.world.npcs = 70'000;
  const auto faults = faults_of(setup);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("slots"), std::string::npos);
}

TEST(ShardSetup, TenThousandPlayersFitEveryNumberOfShards) {
  for (unsigned shards = 1; shards <= 16; ++shards) {
    GameSetup setup;
    setup.shards = shards;
    setup.world.players_max = 10'000;
    setup.world.npcs = 10'000;
    const auto faults = faults_of(setup);
    EXPECT_TRUE(faults.empty()) << shards << ": " << faults[0];
  }
}

TEST(ShardSetup, HasANodeForEachShardOrNone) {
  GameSetup setup = simulation_setup(3);
  setup.nodes = {0, 0, 0};
  EXPECT_TRUE(faults_of(setup).empty());
  setup.nodes = {0, 0};
  ASSERT_EQ(faults_of(setup).size(), 1U);
  EXPECT_NE(faults_of(setup)[0].find("3 shards, and nodes of 2"), std::string::npos);
}

/// What is shared and yet one shard's. Expect the parts of all shards to be apart, and as much of each.
TEST(Simulation, TheMemoryOfShardsIsApart) {
  GameSetup setup = simulation_setup(3);
  setup.nodes = {0, 0, 0};  // bound; the history is the same
  ShardRig rig(setup);
  std::map<const std::byte*, const std::byte*> ranges;
  std::array<std::size_t, 3> bytes{};
  for (unsigned shard = 0; shard < 3; ++shard)
    rig.simulation.each_memory(shard, [&](std::span<const std::byte> range) {
      bytes[shard] += range.size();
      EXPECT_TRUE(ranges.emplace(range.data(), range.data() + range.size()).second);
    });
  EXPECT_GT(bytes[0], std::size_t{2} * 38 * rig.simulation.rows_per_shard()) << "two frames, and more";
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(bytes[0], bytes[2]);
  const std::byte* end = nullptr;
  for (const auto& [first, last] : ranges) {
    EXPECT_GE(first, end);
    end = last;
  }
}

TEST(Simulation, NpcsExistOnTheirShardsBeforeTheFirstTick) {
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
}  // namespace serried::shard::test
