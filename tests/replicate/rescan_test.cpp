#include "replicate/rescan.h"

#include <gtest/gtest.h>

#include "stage.h"

namespace serried::replicate::test {
namespace {

void rescan_often(Stage& stage, unsigned times) {
  for (unsigned i = 0; i < times; ++i) {
    rescan(stage.viewer, stage.context());
    on_acked(stage.viewer, stage.say(), stage.tick);
    stage.next_tick();
  }
}

bool tracked(const Stage& stage, std::uint16_t slot) {
  const int row = row_of(stage.viewer, slot);
  return row >= 0 && stage.viewer.state(static_cast<unsigned>(row)) == RowState::live;
}

TEST(Rescan, EntitiesAreTakenInWithinNinetyFivePercentOfTheRadiusOfTheirType) {
  Stage stage;
  stage.put(1, 47'000 + 1'000);
  stage.put(2, 48'000 + 1'000);
  stage.put(3, 94'000 + 1'000, world::Type::player);
  stage.put(4, 9'600 + 1'000, world::Type::item);
  stage.next_tick();
  rescan_often(stage, 60);
  EXPECT_TRUE(tracked(stage, 1));
  EXPECT_FALSE(tracked(stage, 2));
  EXPECT_TRUE(tracked(stage, 3));
  EXPECT_FALSE(tracked(stage, 4));
}

TEST(Rescan, TheNearestAreTrackedWhenNotAllCanBe) {
  Stage stage;
  for (std::uint16_t slot = 1; slot <= 300; ++slot) stage.put(slot, 1'000.0F + 20.0F * slot);
  stage.next_tick();
  rescan_often(stage, 400);
  unsigned nearest = 0, count = 0;
  for (std::uint16_t slot = 1; slot <= 300; ++slot) {
    nearest += slot <= 80 && tracked(stage, slot) ? 1 : 0;
    count += tracked(stage, slot) ? 1 : 0;
  }
  EXPECT_EQ(nearest, 80U);  // those between 0.8 and 1 of the furthest do not displace one another
  EXPECT_LE(count, stage.config.tracked_max);
  EXPECT_GE(count, stage.config.tracked_max - stage.config.exchanges_max);
}

TEST(Rescan, ACrowdThatStandsStillIsNotExchanged) {
  Stage stage;
  for (std::uint16_t slot = 1; slot <= 300; ++slot) stage.put(slot, 1'000.0F + 20.0F * slot);
  stage.next_tick();
  rescan_often(stage, 400);
  const auto before = stage.viewer.slot;
  rescan_often(stage, 100);
  EXPECT_EQ(before, stage.viewer.slot);
}

TEST(Rescan, NearnessAndWeightFollowTheDistance) {
  Stage stage;
  stage.put(1, 2'000);
  stage.put(2, 9'000);
  stage.put(3, 40'000);
  stage.next_tick();
  rescan_often(stage, 60);
  const auto row = [&](std::uint16_t slot) { return static_cast<unsigned>(row_of(stage.viewer, slot)); };
  EXPECT_TRUE(stage.viewer.has(row(1), status::near));
  EXPECT_FALSE(stage.viewer.has(row(2), status::near));
  EXPECT_GT(stage.viewer.weight[row(1)], stage.viewer.weight[row(2)]);
  EXPECT_GT(stage.viewer.weight[row(2)], stage.viewer.weight[row(3)]);
  EXPECT_GE(stage.viewer.weight[row(3)], 8);
}

TEST(Rescan, AnEntityThatReturnsBeforeItsRemovalIsAckedIsCreatedAgain) {
  Stage stage;
  stage.put(1, 2'000);
  stage.next_tick();
  rescan_often(stage, 5);
  const auto row = static_cast<unsigned>(row_of(stage.viewer, 1));
  untrack(stage.viewer, row, false);
  for (unsigned i = 0; i < 20 && stage.viewer.state(row) == RowState::removing; ++i)
    rescan(stage.viewer, stage.context());
  EXPECT_EQ(stage.viewer.state(row), RowState::creating);
}

TEST(Rescan, WaitsLongerWithoutChangesAndShorterAfterChanges) {
  Stage stage({.rescan_cells = 4'096});
  const auto pause = [&] {
    rescan(stage.viewer, stage.context());
    EXPECT_EQ(stage.viewer.rescan_tick, stage.tick + stage.viewer.rescan_pause);
    stage.next_tick();
    return stage.viewer.rescan_pause;
  };
  stage.put(1, 2'000);
  stage.next_tick();
  EXPECT_EQ(pause(), 4) << "an entity came";
  EXPECT_EQ(pause(), 8);
  EXPECT_EQ(pause(), 12) << "the most";
  EXPECT_EQ(pause(), 12);
  stage.put(2, 3'000);
  stage.next_tick();
  EXPECT_EQ(pause(), 4);
  EXPECT_EQ(pause(), 8);
  stage.take(1);
  stage.next_tick();
  EXPECT_EQ(pause(), 4) << "an entity went";
}

TEST(Rescan, ThePauseStaysShortWhileOnlyAPartWasScanned) {
  Stage stage({.rescan_cells = 8});
  stage.put(1, 2'000);
  stage.next_tick();
  for (int i = 0; i < 200; ++i) {
    rescan(stage.viewer, stage.context());
    ASSERT_EQ(stage.viewer.rescan_pause, 4);
    stage.next_tick();
  }
  EXPECT_GE(row_of(stage.viewer, 1), 0);
}

TEST(Rescan, WhoIsBeyondTheViewDistanceIsLetGoAtTheNextLook) {
  Stage stage;
  const float radius = stage.world.radius[static_cast<std::size_t>(world::Type::npc)];
  stage.put(1, 1'000 + 0.94F * radius);
  stage.put(2, 1'000 + 0.97F * radius);
  stage.next_tick();
  rescan_often(stage, 10);
  EXPECT_GE(row_of(stage.viewer, 1), 0);
  EXPECT_EQ(row_of(stage.viewer, 2), -1) << "it would go as soon as it came";
  stage.put(1, 1'000 + 0.99F * radius);
  stage.next_tick();
  rescan_often(stage, 1);
  EXPECT_GE(row_of(stage.viewer, 1), 0);
  stage.put(1, 1'000 + 1.001F * radius);
  stage.next_tick();
  rescan_often(stage, 1);
  EXPECT_EQ(row_of(stage.viewer, 1), -1);
}

TEST(Rescan, InvisibleFoesAreNotTakenIn) {
  Stage stage;
  stage.put(1, 2'000);
  stage.frame.state_flags[1] |= world::state_flag::is_invisible;
  stage.next_tick();
  rescan_often(stage, 10);
  EXPECT_EQ(row_of(stage.viewer, 1), -1);
}

TEST(Rescan, InvisibleAlliesAreTakenInAsVisibleOnesAre) {
  for (const bool invisible : {false, true}) {
    Stage stage;
    for (std::uint16_t slot = 1; slot <= 3; ++slot) {
      stage.put(slot, 2'000.0F * slot, world::Type::player, slot == 3 ? 2 : 1);
      if (invisible) stage.frame.state_flags[slot] |= world::state_flag::is_invisible;
    }
    stage.put(4, 102'000, world::Type::player, 1);  // beyond its radius, in a cell of the neighbourhood
    if (invisible) stage.frame.state_flags[4] |= world::state_flag::is_invisible;
    stage.next_tick();
    rescan_often(stage, 10);
    EXPECT_GE(row_of(stage.viewer, 1), 0);
    EXPECT_GE(row_of(stage.viewer, 2), 0);
    EXPECT_EQ(row_of(stage.viewer, 3) >= 0, !invisible) << "a foe";
    EXPECT_EQ(row_of(stage.viewer, 4), -1);
  }
}

TEST(Rescan, InACrowdWithInvisibleOnesEachIsLookedAtOnceATurn) {
  Stage stage({.candidates = 16});
  for (std::uint16_t slot = 1; slot <= 60; ++slot) {
    stage.put(slot, 100.0F * slot, world::Type::player, 1);
    if (slot % 2 == 0) stage.frame.state_flags[slot] |= world::state_flag::is_invisible;
  }
  stage.next_tick();
  rescan_often(stage, 10);
  for (std::uint16_t slot = 1; slot <= 60; ++slot) EXPECT_GE(row_of(stage.viewer, slot), 0) << slot;
}

}  // namespace
}  // namespace serried::replicate::test
