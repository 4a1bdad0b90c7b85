#include "replicate/far.h"

#include <map>

#include <gtest/gtest.h>

#include "stage.h"

namespace serried::replicate::test {
namespace {

/// Slots in the blocks of one call, and the call's run.
struct Written {
  std::vector<std::uint16_t> slots;
  FarRun run;
  std::size_t bytes = 0;
};

Written write(Stage& stage, std::size_t room) {
  std::vector<std::uint8_t> bytes(room);
  base::ByteWriter out(bytes);
  Written written;
  if (!far_pending(stage.viewer, stage.scene())) return written;
  written.run = write_far(stage.viewer, stage.scene(), out, stage.counters);
  EXPECT_TRUE(out.ok());
  written.bytes = out.size();
  base::ByteReader in(out.written());
  message::Framed framed;
  while (message::next(in, framed)) {
    EXPECT_EQ(framed.type, message::Type::entity_block);
    EXPECT_EQ((framed.content.size() - 2) % message::far_record_bytes, 0U);
    for (std::size_t at = 2; at < framed.content.size(); at += message::far_record_bytes)
      written.slots.push_back(message::read_far_record(framed.content.data() + at).slot);
  }
  EXPECT_TRUE(in.ok());
  return written;
}

void crowd(Stage& stage, std::uint16_t count) {
  for (std::uint16_t slot = 1; slot <= count; ++slot) stage.put(slot, 1'000.0F + 10.0F * slot);
  stage.next_tick();
}

TEST(Far, ATurnShowsEverybodyOnceThenRests) {
  Stage stage;
  crowd(stage, 1'000);
  std::map<std::uint16_t, unsigned> seen;
  for (unsigned call = 0; call < 40; ++call)
    for (const auto slot : write(stage, 400).slots) ++seen[slot];
  EXPECT_EQ(seen.size(), 1'001U);
  for (const auto& [slot, times] : seen) EXPECT_EQ(times, 1U) << slot;
  EXPECT_TRUE(stage.viewer.far_resting);
  EXPECT_TRUE(write(stage, 400).slots.empty());
}

TEST(Far, TheNextTurnBeginsAfterTheCycle) {
  Stage stage;
  crowd(stage, 10);
  for (unsigned call = 0; call < 40; ++call) write(stage, 1'000);
  stage.next_tick(stage.config.far_cycle_ticks - 2);
  EXPECT_FALSE(far_pending(stage.viewer, stage.scene()));
  stage.next_tick(2);
  EXPECT_TRUE(far_pending(stage.viewer, stage.scene()));
  EXPECT_EQ(write(stage, 1'000).slots.size(), 11U);
}

TEST(Far, NeverMoreThanTheRoom) {
  for (std::size_t room = 0; room < 300; ++room) {
    Stage stage;
    crowd(stage, 60);
    const Written written = write(stage, room);
    EXPECT_LE(written.bytes, room);
    EXPECT_EQ(written.slots.empty(), room < 29) << room;
  }
}

TEST(Far, ALostRunIsSaidAgainBeforeTheTurnGoesOn) {
  Stage stage;
  crowd(stage, 500);
  write(stage, 400);
  const Written lost = write(stage, 400);
  write(stage, 400);
  stage.viewer.lost_run[stage.viewer.lost_runs++] = lost.run;
  EXPECT_EQ(write(stage, 400).slots, lost.slots);
}

TEST(Far, WhoIsBeyondHisRadiusAndACellIsInNoBlock) {
  Stage stage;
  stage.put(1, 1'000 + 40'000);
  stage.put(2, 1'000 + 110'000);
  stage.next_tick();
  std::vector<std::uint16_t> seen;
  for (unsigned call = 0; call < 40; ++call)
    for (const auto slot : write(stage, 400).slots) seen.push_back(slot);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 1);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 2), 0);
}

}  // namespace
}  // namespace serried::replicate::test
