#include "replicate/acks.h"

#include <gtest/gtest.h>

#include "stage.h"

namespace serried::replicate::test {
namespace {

TEST(Acks, ACreateThatArrivedMakesTheRowLive) {
  Stage stage;
  const std::uint16_t plan = stage.say();
  stage.next_tick(4);
  on_acked(stage.viewer, plan, stage.tick);
  EXPECT_EQ(stage.viewer.state(0), RowState::live);
  EXPECT_EQ(stage.viewer.acked[0], stage.tick - 4);
  EXPECT_EQ(stage.viewer.round_trip_x8, (3 * 8 * 7 + 4 * 8) / 8);
}

TEST(Acks, AckedNeverGoesBack) {
  Stage stage;
  stage.know(0);
  stage.frame.x[0] += 50;
  stage.next_tick();
  const std::uint16_t first = stage.say();
  stage.frame.x[0] += 50;
  stage.next_tick();
  const std::uint16_t second = stage.say();
  on_acked(stage.viewer, second, stage.tick);
  const std::uint16_t acked = stage.viewer.acked[0];
  on_acked(stage.viewer, first, stage.tick);
  EXPECT_EQ(stage.viewer.acked[0], acked);
}

TEST(Acks, LostRecordsAreDueAtOnce) {
  Stage stage;
  stage.put(5, 2'000);
  stage.next_tick();
  const unsigned row = stage.know(5);
  stage.frame.x[5] += 50;
  stage.frame.state_flags[5] |= world::state_flag::is_in_combat;
  stage.next_tick();
  const std::uint16_t plan = stage.say();
  stage.next_tick();
  EXPECT_EQ(stage.look().due.count(), 0U);  // on its way
  on_lost(stage.viewer, plan);
  EXPECT_EQ(stage.viewer.sent[row], stage.viewer.acked[row]);
  EXPECT_EQ(stage.look().due.count(), 1U);
}

TEST(Acks, ALostCreateIsUnsent) {
  Stage stage;
  const std::uint16_t plan = stage.say();
  EXPECT_EQ(stage.look().creates.count(), 0U);
  on_lost(stage.viewer, plan);
  EXPECT_EQ(stage.look().creates.count(), 1U);
}

TEST(Acks, ALossRepairedByALaterRecordIsIgnored) {
  Stage stage;
  stage.know(0);
  stage.frame.x[0] += 50;
  stage.next_tick();
  const std::uint16_t first = stage.say();
  stage.frame.x[0] += 50;
  stage.next_tick();
  stage.say();
  on_lost(stage.viewer, first);
  EXPECT_EQ(stage.viewer.sent[0], static_cast<std::uint16_t>(stage.tick));
}

TEST(Acks, UnknownAndRepeatedIdsAreIgnored) {
  Stage stage;
  const std::uint16_t plan = stage.say();
  on_acked(stage.viewer, plan, stage.tick);
  const Viewer before = stage.viewer;
  for (const std::uint16_t id : {std::uint16_t{0}, plan, std::uint16_t{99}, std::uint16_t{0xFFFF}}) {
    on_acked(stage.viewer, id, stage.tick);
    on_lost(stage.viewer, id);
  }
  EXPECT_EQ(before.status, stage.viewer.status);
  EXPECT_EQ(before.acked, stage.viewer.acked);
  EXPECT_EQ(before.sent, stage.viewer.sent);
}

TEST(Acks, ARemovalThatArrivedFreesTheRowAndItsLaterRepeatsDoNotTouchTheNextOne) {
  Stage stage;
  stage.put(5, 2'000);
  stage.put(6, 2'500);
  stage.next_tick();
  const unsigned row = stage.know(5);
  untrack(stage.viewer, row, false);
  const std::uint16_t first = stage.say();
  stage.next_tick(40);
  const std::uint16_t repeated = stage.say();
  on_acked(stage.viewer, first, stage.tick);
  EXPECT_EQ(stage.viewer.state(row), RowState::empty);
  ASSERT_TRUE(track(stage.viewer, 6, 0, 50));
  ASSERT_EQ(row_of(stage.viewer, 6), static_cast<int>(row));
  on_acked(stage.viewer, repeated, stage.tick);
  EXPECT_EQ(stage.viewer.state(row), RowState::creating);
}

TEST(Acks, ALostFarRunIsRemembered) {
  Stage stage;
  const std::uint16_t plan = stage.say();
  on_lost(stage.viewer, plan);
  ASSERT_EQ(stage.viewer.lost_runs, 1);
  EXPECT_TRUE(stage.viewer.lost_run[0].any());
  stage.next_tick();
  static_cast<void>(stage.say());
  EXPECT_EQ(stage.viewer.lost_runs, 0);
  stage.next_tick();
  on_lost(stage.viewer, stage.say());  // nothing far was in it: the turn is complete
  EXPECT_EQ(stage.viewer.lost_runs, 0);
}

}  // namespace
}  // namespace serried::replicate::test
