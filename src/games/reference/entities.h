#pragma once
/// Where players appear, what NPCs are and how they wander. Everything is f(seed, tick, id), so a world is the same
/// whatever shards it is spread over.

#include "game/host.h"
#include "games/reference/config.h"

namespace serried::games::reference {

inline constexpr std::uint8_t faction_players = 1;
inline constexpr std::uint8_t faction_wildlife = 2;

/// The sixteen directions in which an NPC walks: the vector, and the yaw that looks along it (4,096 steps apart).
struct Heading {
  std::int8_t x = 0, y = 0;
};
[[nodiscard]] Heading heading(unsigned direction) noexcept;  ///< direction modulo 16, counter-clockwise from +x
inline constexpr unsigned heading_count = 16;

void spawn_players(const Config& config, const game::PlayerSpawnSlice& slice) noexcept;
void spawn_npcs(const Config& config, const game::NpcSpawnSlice& slice) noexcept;

/// What the NPC of `row` does from now on: stand, walk somewhere, or go home when it has strayed.
/// Reads   slice.previous, slice.identity
[[nodiscard]] motion::Intent npc_decision(const Config& config, const game::ThinkSlice& slice,
                                          std::size_t row) noexcept;

/// Let the NPCs of the slice whose turn it is decide. Thinking is spread over the ticks by id.
/// Writes  slice.identity.intent
/// Owner   shard lane
void think(const Config& config, const game::ThinkSlice& slice) noexcept;

}  // namespace serried::games::reference
