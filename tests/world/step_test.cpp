#include "world/step.h"

#include <gtest/gtest.h>

namespace serried::world {
namespace {

struct OnePlayer {
  OnePlayer() : frames{Frame(64, 0), Frame(64, 12)}, identity(64), inputs(64) {
    spawn(frames[0], identity, 0,
          {.id = 1, .type = Type::player, .health = 10, .owner = 3, .position = {1'000, 1'000, 1'000}}, 0);
  }
  void tick(unsigned count = 1, Take take = Take::smoothly) {
    for (unsigned i = 0; i < count; ++i, ++now)
      step_rows(config, identity, frames[now & 1], frames[(now + 1) & 1], inputs.data(), now + 1, 0, 64, take);
  }
  const Frame& frame() const { return frames[now & 1]; }
  void push(std::int8_t x) { inputs[3].push(++sequence, {.move_x = x}); }

  Config config;
  std::array<Frame, 2> frames;
  Identity identity;
  Column<InputQueue> inputs;
  std::uint32_t now = 0;
  std::uint16_t sequence = 0;
};

TEST(StepRows, OneInputATickIsAppliedAndEchoed) {
  OnePlayer one;
  one.push(127);
  one.push(127);
  one.tick();
  EXPECT_EQ(one.inputs[3].applied, 1);
  EXPECT_EQ(one.inputs[3].count, 1);
  EXPECT_GT(one.frame().x[0], 1'000.0F);
  EXPECT_EQ(one.frame().state_flags[0], state_flag::is_alive | state_flag::is_moving);
}

TEST(StepRows, TwoAreAppliedWhenMoreThanTwoWait) {
  OnePlayer one;
  for (int i = 0; i < 5; ++i) one.push(127);
  one.tick();
  EXPECT_EQ(one.inputs[3].applied, 2);
  one.tick();
  EXPECT_EQ(one.inputs[3].applied, 4);
  one.tick();
  EXPECT_EQ(one.inputs[3].applied, 5);
}

TEST(StepRows, AllAreAppliedInOneTicksTimeWhereTheServerWasLate) {
  OnePlayer steady, waiting;
  steady.push(127);
  for (int i = 0; i < 5; ++i) waiting.push(127);
  steady.tick();
  waiting.tick(1, Take::all);
  EXPECT_EQ(waiting.inputs[3].applied, 5);
  EXPECT_EQ(waiting.inputs[3].count, 0);
  EXPECT_NEAR(waiting.frame().x[0], steady.frame().x[0], 5.0F);
  waiting.tick(1, Take::all);  // nothing there
  EXPECT_EQ(waiting.inputs[3].applied, 5);
}

TEST(StepRows, AQueueThatRunsEmptyAfterApplyingAllIsNotKeptLonger) {
  OnePlayer one;
  one.push(127);
  for (int i = 0; i < 6; ++i) {  // one is let go
    one.push(127);
    one.tick();
  }
  one.push(127);
  one.tick(1, Take::all);
  one.tick();  // dry
  EXPECT_EQ(one.inputs[3].patience, 0);
}

TEST(StepRows, OneThatWaitsInEveryTickIsAppliedWithTheNext) {
  OnePlayer one;
  one.push(127);
  for (int i = 0; i < 5; ++i) {
    one.push(127);
    one.tick();
    EXPECT_EQ(one.inputs[3].count, 1) << "a little is kept against jitter";
  }
  one.push(127);
  one.tick();
  EXPECT_EQ(one.inputs[3].count, 0);
  EXPECT_EQ(one.inputs[3].applied, one.sequence);
}

TEST(StepRows, OneThatSmoothesJitterIsKept) {
  OnePlayer one;
  one.push(127);
  unsigned uneven = 0;
  for (int i = 0; i < 1'000; ++i) {
    // Every tenth input comes a tick late, together with the next.
    if (i % 10 != 8) one.push(127);
    if (i % 10 == 9) one.push(127);
    const std::uint16_t before = one.inputs[3].applied;
    one.tick();
    uneven += one.inputs[3].applied == before + 1 ? 0U : 1U;
  }
  EXPECT_EQ(uneven, 2U) << "it is let go once, and missed once";
}

TEST(StepRows, PatienceWithAnInputThatWaitsEndsAfterTheJitter) {
  OnePlayer one;
  one.push(127);
  for (int i = 0; i < 100; ++i) {
    if (i % 10 != 8) one.push(127);
    if (i % 10 == 9) one.push(127);
    one.tick();
  }
  EXPECT_EQ(one.inputs[3].count, 1);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 300; ++i) {
      one.push(127);
      one.tick();
    }
    EXPECT_EQ(one.inputs[3].count, 0) << "nothing is late any more";
    one.push(127);
  }
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(one.inputs[3].count, 1) << "tick " << i;
    one.push(127);
    one.tick();
  }
  EXPECT_EQ(one.inputs[3].count, 0) << "as soon as in the beginning";
}

TEST(StepRows, TwoInputsShareOneTickOfTime) {
  OnePlayer steady, hasty;
  for (int i = 0; i < 60; ++i) {
    steady.push(127);
    for (int more = 0; more < 4; ++more) hasty.push(127);
    steady.tick();
    hasty.tick();
  }
  EXPECT_LE(hasty.frame().x[0], steady.frame().x[0] + 5.0F);
}

TEST(StepRows, TheLastDirectionHoldsThenEnds) {
  OnePlayer one;
  one.push(127);
  one.tick(1 + 15);
  EXPECT_EQ(one.frame().velocity_x[0], 300.0F);
  one.tick(10);
  EXPECT_EQ(one.frame().velocity_x[0], 0.0F);
}

TEST(StepRows, NewAndDeadRowsAreNotStepped) {
  OnePlayer one;
  one.identity.spawned[0] = 1;
  one.frames[1].x[0] = 5.0F;
  one.tick();
  EXPECT_EQ(one.frame().x[0], 5.0F);
  one.identity.living[0] = 0;
  one.frames[0].x[0] = 6.0F;
  one.tick();
  EXPECT_EQ(one.frame().x[0], 6.0F);
}

TEST(StepRows, AnAbsentPlayerIsMarkedWhileAbsent) {
  OnePlayer one;
  one.inputs[3].absent = true;
  one.tick(3);
  EXPECT_EQ(one.frame().state_flags[0], state_flag::is_alive | state_flag::is_absent);
  one.inputs[3].absent = false;
  one.tick();
  EXPECT_EQ(one.frame().state_flags[0], state_flag::is_alive);
}

}  // namespace
}  // namespace serried::world
