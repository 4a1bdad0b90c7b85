#include "games/reference/entities.h"

#include <cmath>

#include <gtest/gtest.h>

#include "world/step.h"

namespace serried::games::reference {
namespace {

const world::Config world_config;

world::Spawn player_spawn(const Config& config, std::uint64_t seed, std::uint64_t player_id) {
  world::Spawn spawn{.id = world::player_entity(player_id), .type = world::Type::player};
  spawn_players(config, {world_config, seed, {&player_id, 1}, {&spawn, 1}});
  return spawn;
}
world::Spawn npc_spawn(const Config& config, std::uint64_t seed, std::uint64_t id) {
  world::Spawn spawn{.id = id};
  spawn_npcs(config, {world_config, seed, {&spawn, 1}});
  return spawn;
}

TEST(Reference, PlayersAppearInTheirSquareAndAlwaysAtTheSamePlace) {
  const Config config;
  for (std::uint64_t id = 0; id < 1'000; ++id) {
    const auto spawn = player_spawn(config, 7, id);
    EXPECT_LE(std::abs(spawn.position[0] - config.player_spawn_centre[0]), config.player_spawn_half);
    EXPECT_LE(std::abs(spawn.position[1] - config.player_spawn_centre[1]), config.player_spawn_half);
    EXPECT_EQ(spawn.position, player_spawn(config, 7, id).position);
    EXPECT_NE(spawn.position, player_spawn(config, 8, id).position);
    EXPECT_EQ(spawn.id, id | world::player_bit);
  }
}

TEST(Reference, SpawnsStayInsideTheMap) {
  Config config;
  config.npc_spawn_half = 5e6F;
  for (std::uint64_t id = 1; id < 500; ++id) {
    const auto position = npc_spawn(config, 1, id).position;
    for (unsigned axis = 0; axis < 3; ++axis) {
      EXPECT_GE(position[axis], world_config.limits.min[axis]);
      EXPECT_LE(position[axis], world_config.limits.max[axis]);
    }
  }
}

TEST(Reference, HeadingsAreAllOfFullLengthAndYawLooksAlongThem) {
  for (unsigned i = 0; i < heading_count; ++i) {
    const Heading towards = heading(i);
    EXPECT_NEAR(std::hypot(towards.x, towards.y), 127.0, 1.0);
    const double angle = std::atan2(towards.y, towards.x);
    EXPECT_NEAR(std::remainder(angle - i * 2 * 3.14159265358979 / 16, 2 * 3.14159265358979), 0.0, 0.01);
  }
}

TEST(Reference, NpcsWanderNearTheirHome) {
  Config config;
  config.npc_decision_ticks = 60;
  world::Frame frames[2] = {world::Frame(64, 0), world::Frame(64, 12)};
  world::Identity identity(64);
  std::array<std::array<float, 3>, 64> homes;
  for (std::uint64_t id = 1; id <= 64; ++id) {
    world::spawn(frames[0], identity, id - 1, npc_spawn(config, 3, id), 0);
    homes[id - 1] = npc_spawn(config, 3, id).position;
  }
  float furthest = 0;
  for (std::uint32_t tick = 1; tick < 6'000; ++tick) {
    think(config, {world_config, 3, tick, frames[(tick - 1) & 1], identity, 0, 64});
    world::step_rows(world_config, identity, frames[(tick - 1) & 1], frames[tick & 1], nullptr, tick, 0, 64);
    for (unsigned row = 0; row < 64; ++row)
      furthest = std::max(furthest,
                          std::hypot(frames[tick & 1].x[row] - homes[row][0], frames[tick & 1].y[row] - homes[row][1]));
  }
  // A second's run beyond the radius, before the next decision turns it round.
  EXPECT_LE(furthest, config.npc_wander_radius + 700.0F);
  EXPECT_GE(furthest, config.npc_wander_radius * 0.5F);
}

TEST(Reference, ADecisionIsAFunctionOfSeedTickAndId) {
  const Config config;
  world::Frame frame(64, 0);
  world::Identity identity(64);
  world::spawn(frame, identity, 0, npc_spawn(config, 3, 5), 0);
  world::spawn(frame, identity, 9, npc_spawn(config, 3, 5), 0);
  bool any_difference = false;
  for (std::uint32_t tick = 1; tick < 100; ++tick) {
    const game::ThinkSlice slice{world_config, 3, tick, frame, identity, 0, 64},
        other{world_config, 4, tick, frame, identity, 0, 64};
    const auto a = npc_decision(config, slice, 0), b = npc_decision(config, slice, 9);
    EXPECT_EQ(a.move_x, b.move_x);
    EXPECT_EQ(a.yaw, b.yaw);
    any_difference |= npc_decision(config, other, 0).yaw != a.yaw;
  }
  EXPECT_TRUE(any_difference);
}

TEST(Reference, AllNpcsStandFromTheStopTickOn) {
  Config config;
  config.npc_stop_tick = 50;
  world::Frame frame(64, 0);
  world::Identity identity(64);
  for (std::uint64_t id = 1; id <= 64; ++id) {
    world::spawn(frame, identity, id - 1, npc_spawn(config, 3, id), 0);
    identity.intent[id - 1].move_x = 127;
  }
  think(config, {world_config, 3, 50, frame, identity, 0, 64});
  for (unsigned row = 0; row < 64; ++row) EXPECT_EQ(identity.intent[row].move_x, 0);
}

}  // namespace
}  // namespace serried::games::reference
