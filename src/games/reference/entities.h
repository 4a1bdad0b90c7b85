#pragma once
/// The reference game: where players appear, what NPCs are and how they wander. Everything is f(seed, tick, id), so a
/// world is the same whatever shards it is spread over. Another game replaces these four functions.

#include "world/config.h"
#include "world/frame.h"

namespace serried::game {

inline constexpr std::uint8_t faction_players = 1;
inline constexpr std::uint8_t faction_wildlife = 2;

/// The sixteen directions in which an NPC walks: the vector, and the yaw that looks along it (4,096 steps apart).
struct Heading {
  std::int8_t x = 0, y = 0;
};
[[nodiscard]] Heading heading(unsigned direction) noexcept;  ///< direction modulo 16, counter-clockwise from +x
inline constexpr unsigned heading_count = 16;

[[nodiscard]] world::Birth player_birth(const world::Config& config, std::uint64_t seed, std::uint64_t player_id,
                                        std::uint32_t owner) noexcept;
[[nodiscard]] world::Birth npc_birth(const world::Config& config, std::uint64_t seed, std::uint64_t id) noexcept;

/// What the NPC of `row` does from now on: stand, walk somewhere, or go home when it has strayed.
/// Reads   frame (of the previous tick), identity
[[nodiscard]] motion::Intent npc_decision(const world::Config& config, std::uint64_t seed, std::uint32_t tick,
                                          const world::Frame& frame, const world::Identity& identity,
                                          std::size_t row) noexcept;

/// Let the NPCs in [first, last) whose turn it is decide. Thinking is spread over the ticks by id.
/// Writes  identity.intent
/// Owner   shard lane
void think(const world::Config& config, std::uint64_t seed, std::uint32_t tick, const world::Frame& previous,
           world::Identity& identity, std::size_t first, std::size_t last) noexcept;

}  // namespace serried::game
