#include "world/frame.h"

#include <gtest/gtest.h>

namespace serried::world {
namespace {

Spawn spawn_of(std::uint64_t id) {
  return {.id = id, .type = Type::npc, .health = 100, .position = {1.0F, 2.0F, 3.0F}, .yaw = 7};
}

TEST(Frame, ColumnsBeginOnCacheLinesAndAreZero) {
  const Frame frame(128, 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.x.data()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.yaw.data()) % 64, 0U);
  for (unsigned row = 0; row < 128; ++row) EXPECT_EQ(frame.y[row], 0.0F);
}

TEST(Frame, SpawnFillsTheRow) {
  Frame frame(64, 0);
  Identity identity(64);
  identity.generation[5] = 3;
  spawn(frame, identity, 5, spawn_of(99), 17);
  EXPECT_EQ(identity.id[5], 99U);
  EXPECT_EQ(identity.generation[5], 3);
  EXPECT_EQ(identity.spawned[5], 17U);
  EXPECT_EQ(frame.motion_of(5).position, (std::array<float, 3>{1.0F, 2.0F, 3.0F}));
  EXPECT_EQ(frame.state_flags[5], state_flag::is_alive);
}

TEST(Hash, DependsOnIdAndEveryColumnButNotOnTheRow) {
  Frame frame(64, 0);
  Identity identity(64);
  spawn(frame, identity, 1, spawn_of(9), 0);
  spawn(frame, identity, 40, spawn_of(9), 0);
  const std::uint64_t same = hash_row(frame, identity, 1);
  EXPECT_EQ(same, hash_row(frame, identity, 40));

  const auto differs = [&](auto&& change) {
    spawn(frame, identity, 1, spawn_of(9), 0);
    change();
    return hash_row(frame, identity, 1) != same;
  };
  EXPECT_TRUE(differs([&] { identity.id[1] = 10; }));
  EXPECT_TRUE(differs([&] { identity.type[1] = Type::monster; }));
  EXPECT_TRUE(differs([&] { frame.x[1] = 1.0000001F; }));
  EXPECT_TRUE(differs([&] { frame.y[1] = -2.0F; }));
  EXPECT_TRUE(differs([&] { frame.z[1] = 0.0F; }));
  EXPECT_TRUE(differs([&] { frame.velocity_x[1] = 1.0F; }));
  EXPECT_TRUE(differs([&] { frame.velocity_y[1] = 1.0F; }));
  EXPECT_TRUE(differs([&] { frame.velocity_z[1] = 1.0F; }));
  EXPECT_TRUE(differs([&] { frame.yaw[1] = 8; }));
  EXPECT_TRUE(differs([&] { frame.anim[1] = 1; }));
  EXPECT_TRUE(differs([&] { frame.state_flags[1] = 0; }));
  EXPECT_TRUE(differs([&] { frame.effect_flags[1] = 1; }));
  EXPECT_TRUE(differs([&] { frame.health[1] = 99; }));
  EXPECT_TRUE(differs([&] { frame.mana[1] = 99; }));
}

TEST(Hash, SumsTheLivingInAnyOrder) {
  Frame frame(64, 0);
  Identity identity(64);
  spawn(frame, identity, 0, spawn_of(1), 0);
  spawn(frame, identity, 9, spawn_of(2), 0);
  const std::uint64_t sum = hash_rows(frame, identity, 0, 64);
  EXPECT_EQ(sum, hash_row(frame, identity, 0) + hash_row(frame, identity, 9));
  identity.living[9] = 0;
  EXPECT_EQ(hash_rows(frame, identity, 0, 64), hash_row(frame, identity, 0));
}

}  // namespace
}  // namespace serried::world
