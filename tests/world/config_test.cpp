#include "world/config.h"

#include <gtest/gtest.h>

namespace serried::world {
namespace {

TEST(Config, DefaultsAreValidForEveryNumberOfShards) {
  for (unsigned shards = 1; shards <= shards_max; ++shards) EXPECT_TRUE(Config{}.validate(shards).empty()) << shards;
}

TEST(Config, TooManyShardsOrNoneAreRefused) {
  EXPECT_EQ(Config{}.validate(0).size(), 1U);
  EXPECT_EQ(Config{}.validate(17).size(), 1U);
}

TEST(Config, RowsAreAMultipleOf64AndHoldAllEntities) {
  for (unsigned shards = 1; shards <= shards_max; ++shards) {
    Config config;
    config.players_max = 5'000;
    config.npcs = 3'000;
    const unsigned rows = config.rows_of_shard(shards);
    EXPECT_EQ(rows % row_block, 0U);
    EXPECT_GE(rows * shards, 8'000U);
    EXPECT_LE(rows * shards, rows_max);
  }
}

TEST(Config, MoreThanTheSlotsOfThisVersionIsOneClearSentence) {
  Config config;
  config.players_max = 60'000;
  config.npcs = 10'000;
  const auto faults = config.validate(1);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("70000"), std::string::npos);
  config = {};
  config.rows_per_shard = 6'400;
  EXPECT_EQ(config.validate(16).size(), 1U);
}

TEST(Config, EveryFaultIsReported) {
  Config config;
  config.limits.run_speed = 0;
  config.radius[3] = -1;
  config.rows_per_shard = 65;
  config.limits.max[0] = 1e9F;
  config.cell_size_xy = 1'000.0F;  // 819 * 820 * 4 cells
  EXPECT_EQ(config.validate(1).size(), 5U);
}

TEST(Config, NpcsAreSpreadOverTheShards) {
  std::array<unsigned, 8> counts{};
  for (std::uint64_t id = 1; id <= 8'000; ++id) ++counts[shard_of_npc(id, 8)];
  for (const unsigned count : counts) EXPECT_NEAR(count, 1'000, 150);
}

TEST(Config, AGridWhoseNeighbourhoodsCannotBeCountedIsRefused) {
  Config layers;  // 400 of them: more than a neighbour's 8 bits can step over
  layers.cell_size_xy = 102'400.0F;
  layers.cell_size_z = 64.0F;
  EXPECT_FALSE(layers.validate(1).empty());
  Config wide;  // 511 x 511 cells in view of a corner of the map
  wide.cell_size_xy = 3'200.0F;
  wide.cell_size_z = 25'600.0F;
  EXPECT_TRUE(wide.validate(1).empty()) << wide.validate(1).front();
  wide.radius.fill(900'000.0F);
  EXPECT_FALSE(wide.validate(1).empty());
}

TEST(Config, SizesSentToClientsAreWholeUnits) {
  Config cells;
  cells.cell_size_xy = 25'600.5F;
  EXPECT_FALSE(cells.validate(1).empty());
  Config sections;
  sections.geometry.section_size_z = 6'400.25F;
  sections.limits.max[2] = 25'000.0F;
  EXPECT_FALSE(sections.validate(1).empty());
}

}  // namespace
}  // namespace serried::world
