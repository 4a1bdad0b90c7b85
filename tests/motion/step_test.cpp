#include "motion/step.h"

#include <bit>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::motion {
namespace {

constexpr float tick = 1.0F / 60.0F;

State at(float x, float y) { return {.position = {x, y, 1'000.0F}}; }
float speed_of(const State& state) { return std::hypot(state.velocity[0], state.velocity[1]); }

TEST(Step, WalkingReachesWalkingSpeedAndNoMore) {
  State state = at(1'000, 1'000);
  for (int i = 0; i < 60; ++i) state = step(state, {.move_x = 127}, {}, tick);
  EXPECT_FLOAT_EQ(state.velocity[0], 300.0F);
  EXPECT_EQ(state.anim, anim::walk);
}

TEST(Step, RunAndCrouchChangeTheSpeed) {
  State running = at(1'000, 1'000), crouching = running;
  for (int i = 0; i < 60; ++i) {
    running = step(running, {.move_y = -127, .buttons = button::run}, {}, tick);
    crouching = step(crouching, {.move_y = -127, .buttons = button::crouch | button::run}, {}, tick);
  }
  EXPECT_FLOAT_EQ(running.velocity[1], -600.0F);
  EXPECT_EQ(running.anim, anim::run);
  EXPECT_FLOAT_EQ(crouching.velocity[1], -150.0F);
}

TEST(Step, AccelerationIsLimited) {
  const State state = step(at(1'000, 1'000), {.move_x = 127, .buttons = button::run}, {}, tick);
  EXPECT_FLOAT_EQ(state.velocity[0], 3'000.0F * tick);
}

TEST(Step, ALongVectorIsNoFaster) {
  State state = at(1'000, 1'000);
  for (int i = 0; i < 60; ++i) state = step(state, {.move_x = -128, .move_y = -128}, {}, tick);
  EXPECT_NEAR(speed_of(state), 300.0F, 0.01F);
}

TEST(Step, StoppingEndsAtExactlyZero) {
  State state = at(1'000, 1'000);
  for (int i = 0; i < 30; ++i) state = step(state, {.move_x = 90, .move_y = 33}, {}, tick);
  for (int i = 0; i < 30; ++i) state = step(state, {}, {}, tick);
  EXPECT_EQ(state.velocity, (std::array<float, 3>{}));
  EXPECT_EQ(state.anim, anim::idle);
}

TEST(Step, BordersHoldAndTakeTheSpeed) {
  State state = at(0.5F, 819'198.5F);
  for (int i = 0; i < 60; ++i) state = step(state, {.move_x = -127, .move_y = 127, .buttons = button::run}, {}, tick);
  EXPECT_EQ(state.position[0], 0.0F);
  EXPECT_EQ(state.position[1], 819'199.0F);
  EXPECT_EQ(state.velocity[0], 0.0F);
}

TEST(Step, WhateverIsIntendedNeitherSpeedNorBordersAreExceeded) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng random(seed);
    const Limits limits;
    State state = at(static_cast<float>(random.below(819'000)), static_cast<float>(random.below(819'000)));
    for (int i = 0; i < 2'000; ++i) {
      const auto bits = random.next();
      Intent intent;
      std::memcpy(&intent.move_x, &bits, 1);
      intent.move_y = static_cast<std::int8_t>(bits >> 8);
      intent.yaw = static_cast<std::int16_t>(bits >> 16);
      intent.buttons = static_cast<std::uint8_t>(bits >> 32);
      const State next = step(state, intent, limits, tick);
      ASSERT_LE(speed_of(next), limits.run_speed * 1.0001F);
      const float moved = std::hypot(next.position[0] - state.position[0], next.position[1] - state.position[1]);
      ASSERT_LE(moved, limits.run_speed * tick + 0.07F);  // and a float's last bit at 800,000
      for (unsigned axis = 0; axis < 3; ++axis) {
        ASSERT_GE(next.position[axis], limits.min[axis]);
        ASSERT_LE(next.position[axis], limits.max[axis]);
      }
      state = next;
    }
  }
}

TEST(Step, TheSameBitsComeOutOnEveryMachine) {
  // Computed apart from this code, with every operation rounded to single precision. A compiler that fuses, reorders or
  // approximates gets other bits, and clients would mispredict.
  State state = at(123'456.78F, 654'321.0F);
  for (int i = 0; i < 1'000; ++i)
    state = step(
        state,
        {.move_x = static_cast<std::int8_t>(i * 7), .move_y = static_cast<std::int8_t>(i * 13), .buttons = button::run},
        {}, tick);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(state.position[0]), 0x47F4771CU);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(state.position[1]), 0x49204AE2U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(state.velocity[0]), 0x43370380U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(state.velocity[1]), 0x431D66BFU);
}

}  // namespace
}  // namespace serried::motion
