#include "replicate/viewer.h"

#include <gtest/gtest.h>

#include "stage.h"

namespace serried::replicate::test {
namespace {

TEST(Viewer, BeginsWithItselfToBeCreated) {
  Stage stage;
  EXPECT_EQ(stage.viewer.state(0), RowState::creating);
  EXPECT_TRUE(stage.viewer.has(0, status::unsent));
  EXPECT_EQ(row_of(stage.viewer, 0), 0);
  EXPECT_EQ(row_of(stage.viewer, 7), -1);
}

TEST(Viewer, TracksUntilEveryRowIsTaken) {
  Stage stage;
  for (std::uint16_t slot = 1; slot < tracked_rows; ++slot) EXPECT_TRUE(track(stage.viewer, slot, 0, 9));
  EXPECT_FALSE(track(stage.viewer, 500, 0, 9));
  for (std::uint16_t slot = 1; slot < tracked_rows; ++slot) EXPECT_EQ(row_of(stage.viewer, slot), slot);
}

TEST(Viewer, ACreationThatWasNeverSentNeedsNoRemoval) {
  Stage stage;
  track(stage.viewer, 9, 2, 50);
  EXPECT_EQ(stage.viewer.generation(1), 2);
  untrack(stage.viewer, 1, false);
  EXPECT_EQ(stage.viewer.state(1), RowState::empty);
  EXPECT_EQ(row_of(stage.viewer, 9), -1);
}

TEST(Viewer, ARowThatTheClientMayKnowIsRemovedByARemoval) {
  Stage stage;
  stage.put(9, 2'000);
  stage.next_tick();
  track(stage.viewer, 9, 0, 50);
  stage.say();  // the create is on its way, and may arrive
  untrack(stage.viewer, 1, true);
  EXPECT_EQ(stage.viewer.state(1), RowState::removing);
  EXPECT_TRUE(stage.viewer.has(1, status::left_world));
}

TEST(Viewer, AcksOfPlansOfTheOldStateDoNotCountForTheNewOne) {
  Stage stage;
  stage.put(9, 2'000);
  stage.next_tick();
  track(stage.viewer, 9, 0, 50);
  const std::uint16_t create = stage.say();
  untrack(stage.viewer, 1, false);
  on_acked(stage.viewer, create, stage.tick);  // acks the create, not the removal
  EXPECT_EQ(stage.viewer.state(1), RowState::removing);
  const std::uint16_t removal = stage.say();
  recreate(stage.viewer, 1);
  on_acked(stage.viewer, removal, stage.tick);
  EXPECT_EQ(stage.viewer.state(1), RowState::creating);
}

}  // namespace
}  // namespace serried::replicate::test
