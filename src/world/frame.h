#pragma once
/// The tables of the world. One set of columns for all shards; shard s owns rows [s * capacity, (s + 1) * capacity) and
/// is their only writer. A row's number is its slot on the wire.
///
///     Frame x 2     what changes every tick: step(t) reads frame t - 1 and writes its own rows of frame t
///     Identity      what an entity is; only the owning shard looks at it
///     Published     (publish.h) what all shards read while they replicate; written between the barriers of a tick

#include <cstdint>

#include "motion/step.h"
#include "world/column.h"
#include "world/entity.h"

namespace serried::world {

struct Frame {
  Frame(std::size_t rows, unsigned stagger, const Homes& homes = {});
  Column<float> x, y, z;
  Column<float> velocity_x, velocity_y, velocity_z;
  Column<std::int16_t> yaw;
  Column<std::uint8_t> anim, state_flags, effect_flags;
  Column<std::uint16_t> health, mana;

  [[nodiscard]] motion::State motion_of(std::size_t row) const noexcept {
    return {{x[row], y[row], z[row]}, {velocity_x[row], velocity_y[row], velocity_z[row]}, yaw[row], anim[row]};
  }
  void set_motion(std::size_t row, const motion::State& state) noexcept {
    x[row] = state.position[0];
    y[row] = state.position[1];
    z[row] = state.position[2];
    velocity_x[row] = state.velocity[0];
    velocity_y[row] = state.velocity[1];
    velocity_z[row] = state.velocity[2];
    yaw[row] = state.yaw;
    anim[row] = state.anim;
  }
  void each_column(auto&& visit) const {
    for (const auto* const column : {&x, &y, &z, &velocity_x, &velocity_y, &velocity_z}) visit(*column);
    for (const auto* const column : {&anim, &state_flags, &effect_flags}) visit(*column);
    for (const auto* const column : {&health, &mana}) visit(*column);
    visit(yaw);
  }
};

struct Identity {
  explicit Identity(std::size_t rows, const Homes& homes = {});
  Column<std::uint64_t> id;
  Column<std::uint8_t> generation;  ///< of the slot, 0 to 3
  Column<std::uint8_t> living;      ///< the row holds an entity
  Column<Type> type;
  Column<std::uint8_t> faction;
  Column<std::uint16_t> level, health_max, mana_max;
  Column<std::uint32_t> owner;    ///< players: index of the input queue in their shard
  Column<std::uint32_t> spawned;  ///< tick at which the row was filled: it is stepped from the next one on
  Column<motion::Intent> intent;  ///< NPCs: what they last decided

  void each_column(auto&& visit) const {
    for (const auto* const column : {&generation, &living, &faction}) visit(*column);
    for (const auto* const column : {&level, &health_max, &mana_max}) visit(*column);
    for (const auto* const column : {&owner, &spawned}) visit(*column);
    visit(id);
    visit(type);
    visit(intent);
  }
};

/// What a new entity starts with.
struct Spawn {
  std::uint64_t id = 0;
  Type type = Type::npc;
  std::uint8_t faction = 0;
  std::uint16_t level = 1, health = 1, mana = 1;
  std::uint32_t owner = 0;
  std::array<float, 3> position{};
  std::int16_t yaw = 0;
};

/// Fill a row of `frame` and its identity; the generation stays as the pool of rows set it.
void spawn(Frame& frame, Identity& identity, std::size_t row, const Spawn& spawn, std::uint32_t tick) noexcept;

/// The rows [first, last): sum over living entities of a mix of (id, exact state). A sum, and by id, so that it says
/// the same of the same world whatever slots and shards it is spread over.
[[nodiscard]] std::uint64_t hash_rows(const Frame& frame, const Identity& identity, std::size_t first,
                                      std::size_t last) noexcept;

/// One entity's term of that sum.
[[nodiscard]] std::uint64_t hash_row(const Frame& frame, const Identity& identity, std::size_t row) noexcept;

}  // namespace serried::world
