#include <gtest/gtest.h>

#include "replicate/plan.h"
#include "stage.h"

namespace serried::replicate::test {
namespace {

struct Known : Stage {
  Known() {
    put(5, 2'000);
    next_tick();
    row = know(5);
  }
  void walk() {
    frame.x[5] += 5;
    frame.velocity_x[5] = 300;
  }
  /// Ticks, of `count`, in which the entity walks and a record of it goes out and is acked.
  unsigned records_while_walking(unsigned count) {
    unsigned records = 0;
    for (unsigned i = 0; i < count; ++i) {
      walk();
      next_tick();
      records += look().due.count();
      on_acked(viewer, say(), tick);
    }
    return records;
  }
  unsigned row = 0;
};

TEST(DueSet, RestingKnownEntitiesAreNotDueUntilTheRefresh) {
  Known known;
  known.next_tick(299);
  EXPECT_EQ(known.look().due.count(), 0U);
  known.next_tick();
  EXPECT_EQ(known.look().due.count(), 1U);
}

TEST(DueSet, NearAndMovingIsEveryTick) {
  Known known;
  known.viewer.status[known.row] |= status::near;
  EXPECT_EQ(known.records_while_walking(60), 60U);
}

TEST(DueSet, DistantAndMovingIsAtMostThirtyPercent) {
  Known known;
  known.walk();
  known.next_tick();
  on_acked(known.viewer, known.say(), known.tick);
  const unsigned records = known.records_while_walking(60);
  EXPECT_LE(records, 18U);
  EXPECT_GE(records, 14U);
}

TEST(DueSet, StartsStopsAndFlagsGoOutAtTheNextTick) {
  Known known;
  known.walk();
  known.next_tick();
  EXPECT_EQ(known.look().due.count(), 1U);
  on_acked(known.viewer, known.say(), known.tick);
  known.frame.velocity_x[5] = 0;
  known.next_tick();
  EXPECT_EQ(known.look().due.count(), 1U);
  on_acked(known.viewer, known.say(), known.tick);
  known.frame.effect_flags[5] = world::effect_flag::is_burning;
  known.next_tick();
  EXPECT_EQ(known.look().due.count(), 1U);
}

TEST(DueSet, AnUnansweredRecordIsRepeatedAfterTheResendTime) {
  Known known;
  known.frame.effect_flags[5] = world::effect_flag::is_burning;
  known.next_tick();
  known.say();
  const unsigned wait = known.viewer.resend_ticks;
  known.next_tick(wait - 1);
  EXPECT_EQ(known.look().due.count(), 0U);
  known.next_tick();
  EXPECT_EQ(known.look().due.count(), 1U);
}

TEST(DueSet, AnEntityThatLeftTheWorldIsRemovedAsGone) {
  Known known;
  known.take(5);
  known.next_tick();
  EXPECT_EQ(known.look().removals.count(), 1U);
  EXPECT_TRUE(known.viewer.has(known.row, status::left_world));
}

TEST(DueSet, AnotherEntityInTheSameSlotIsNotTakenForTheOldOne) {
  Known known;
  known.take(5);
  known.put(5, 3'000);
  known.next_tick();
  EXPECT_EQ(known.look().removals.count(), 1U);
  EXPECT_TRUE(known.viewer.has(known.row, status::left_world));
  EXPECT_EQ(known.viewer.generation(known.row), 0);
}

TEST(DueSet, InvisibleEntitiesAreRemovedFromTheViewsOfFoesOnly) {
  Known known;
  known.put(6, 2'500, world::Type::npc, 1);
  known.next_tick();
  known.know(6);
  for (const unsigned slot : {0U, 5U, 6U}) known.frame.state_flags[slot] |= world::state_flag::is_invisible;
  known.next_tick();
  EXPECT_EQ(known.look().removals.count(), 1U);
  EXPECT_EQ(known.viewer.state(known.row), RowState::removing);
  EXPECT_FALSE(known.viewer.has(known.row, status::left_world));
}

TEST(DueSet, AnAckedTickTooOldToCompareMeansANewCreate) {
  Known known;
  known.next_tick(20'001);
  const DueSet seen = known.look();
  EXPECT_EQ(seen.creates.count(), 2U);
  EXPECT_EQ(known.viewer.state(known.row), RowState::creating);
}

TEST(Wanted, InputChangesAndTimeMakeADatagramWanted) {
  Known known;
  known.viewer.far_resting = true;
  known.viewer.far_turn_tick = known.tick;
  const auto is_wanted = [&](std::uint16_t applied) {
    return wanted(known.viewer, known.context(), known.look(), applied);
  };
  known.next_tick();
  EXPECT_FALSE(is_wanted(0));
  EXPECT_TRUE(is_wanted(1));
  known.next_tick(4);
  EXPECT_FALSE(is_wanted(0));
  known.next_tick();
  EXPECT_TRUE(is_wanted(0));
}

}  // namespace
}  // namespace serried::replicate::test
