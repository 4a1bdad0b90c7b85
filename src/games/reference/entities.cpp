#include "games/reference/entities.h"

#include <algorithm>
#include <array>

#include "base/prng.h"
#include "base/serial.h"

namespace serried::games::reference {
namespace {

// 127 times the sine of 0, 22.5, 45, 67.5 and 90 degrees, rounded. A table, because no two maths libraries promise the
// same bits of a sine.
constexpr std::array<Heading, heading_count> headings{{
    {127, 0},
    {117, 49},
    {90, 90},
    {49, 117},
    {0, 127},
    {-49, 117},
    {-90, 90},
    {-117, 49},
    {-127, 0},
    {-117, -49},
    {-90, -90},
    {-49, -117},
    {0, -127},
    {49, -117},
    {90, -90},
    {117, -49},
}};

enum Purpose : std::uint64_t { purpose_player_spawn = 1, purpose_npc_spawn = 2, purpose_decision = 3 };

/// Uniform in [-1, 1) from 24 of the bits: exact in a float.
float signed_unit(std::uint64_t bits) noexcept {
  return static_cast<float>(bits & 0xFFFFFF) * (2.0F / 16'777'216.0F) - 1.0F;
}

std::array<float, 3> spread(const motion::Limits& limits, const std::array<float, 2>& centre, float half,
                            std::uint64_t random) noexcept {
  const auto inside = [&](float value, unsigned axis) { return std::clamp(value, limits.min[axis], limits.max[axis]); };
  return {inside(centre[0] + half * signed_unit(random), 0), inside(centre[1] + half * signed_unit(random >> 24), 1),
          limits.ground_z};
}

/// Where an NPC appears, and returns to when it has strayed.
std::array<float, 3> home_of(const Config& config, const motion::Limits& limits, std::uint64_t seed,
                             std::uint64_t id) noexcept {
  return spread(limits, config.npc_spawn_centre, config.npc_spawn_half, base::mix(seed, purpose_npc_spawn, id));
}

std::int16_t yaw_of(unsigned direction) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(direction % heading_count * 4'096));
}

/// The direction that leads from (x, y) best towards (to_x, to_y).
unsigned direction_to(float x, float y, float to_x, float to_y) noexcept {
  unsigned best = 0;
  float best_dot = -1e30F;
  for (unsigned i = 0; i < heading_count; ++i) {
    const float dot = static_cast<float>(headings[i].x) * (to_x - x) + static_cast<float>(headings[i].y) * (to_y - y);
    if (dot > best_dot) {
      best_dot = dot;
      best = i;
    }
  }
  return best;
}

}  // namespace

Heading heading(unsigned direction) noexcept { return headings[direction % heading_count]; }

void spawn_players(const Config& config, const game::PlayerSpawnSlice& slice) noexcept {
  for (std::size_t i = 0; i < slice.spawns.size(); ++i) {
    world::Spawn& spawn = slice.spawns[i];
    const std::uint64_t random = base::mix(slice.seed, purpose_player_spawn, slice.player_ids[i]);
    spawn.faction = faction_players;
    spawn.level = 1;
    spawn.health = config.player_health;
    spawn.mana = 100;
    spawn.position = spread(slice.world.limits, config.player_spawn_centre, config.player_spawn_half, random);
    spawn.yaw = yaw_of(static_cast<unsigned>(random >> 60));
  }
}

void spawn_npcs(const Config& config, const game::NpcSpawnSlice& slice) noexcept {
  for (world::Spawn& spawn : slice.spawns) {
    const std::uint64_t random = base::mix(slice.seed, purpose_npc_spawn, spawn.id);
    spawn.faction = faction_wildlife;
    spawn.level = static_cast<std::uint16_t>(1 + (random >> 50) % 60);
    spawn.health = config.npc_health;
    spawn.mana = 0;
    spawn.position = home_of(config, slice.world.limits, slice.seed, spawn.id);
    spawn.yaw = yaw_of(static_cast<unsigned>(random >> 60));
  }
}

motion::Intent npc_decision(const Config& config, const game::ThinkSlice& slice, std::size_t row) noexcept {
  const world::Frame& frame = slice.previous;
  const world::Identity& identity = slice.identity;
  motion::Intent intent{.yaw = frame.yaw[row]};
  if (config.npc_stop_tick != 0 && !base::is_later(config.npc_stop_tick, slice.tick)) return intent;
  const std::uint64_t random = base::mix(slice.seed, purpose_decision, identity.id[row], slice.tick);
  const auto home = home_of(config, slice.world.limits, slice.seed, identity.id[row]);
  const float away_x = frame.x[row] - home[0];
  const float away_y = frame.y[row] - home[1];
  const bool strayed = away_x * away_x + away_y * away_y > config.npc_wander_radius * config.npc_wander_radius;
  if (!strayed && random % 4 == 0) return intent;  // a rest
  const unsigned direction =
      strayed ? direction_to(frame.x[row], frame.y[row], home[0], home[1]) : static_cast<unsigned>(random >> 8);
  const Heading towards = heading(direction);
  intent.move_x = towards.x;
  intent.move_y = towards.y;
  intent.yaw = yaw_of(direction);
  if ((random >> 16) % 8 == 0) intent.buttons = motion::button::run;
  return intent;
}

void think(const Config& config, const game::ThinkSlice& slice) noexcept {
  const bool all_stop = config.npc_stop_tick != 0 && slice.tick == config.npc_stop_tick;
  const std::uint64_t period = config.npc_decision_ticks;
  world::Identity& identity = slice.identity;
  for (std::size_t row = slice.first; row < slice.last; ++row) {
    if (identity.living[row] == 0 || identity.type[row] == world::Type::player || identity.spawned[row] == slice.tick)
      continue;
    // Multiplied, so that neighbouring ids do not all think at once.
    const std::uint64_t turn = (identity.id[row] * 2'654'435'761U + slice.tick) % period;
    if (turn == 0 || all_stop) identity.intent[row] = npc_decision(config, slice, row);
  }
}

}  // namespace serried::games::reference
