#pragma once
/// What can be set about the world: one plain struct. Distances in units (100 = 1 m), times in ticks or seconds
/// as named. What a game sets is its own (src/games).

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "message/entity.h"
#include "motion/step.h"
#include "world/entity.h"

namespace serried::world {

struct Config {
  unsigned ticks_per_second = 60;
  unsigned players_max = 1'000;  ///< players at once, all shards together
  unsigned npcs = 1'000;
  unsigned rows_per_shard = 0;  ///< multiple of 64; 0: derived from players_max and npcs
  /// A slot rests at least this long before it is used again. Those that have rested longest come first, so most rest
  /// longer by far; where there are few, newcomers wait for one.
  unsigned slot_rest_ticks = 120;

  message::Geometry geometry{};
  motion::Limits limits{};

  /// Cells of the grid; the defaults are the section. A far record has 512 x 512 x 128 steps a cell.
  float cell_size_xy = 25'600.0F;
  float cell_size_z = 6'400.0F;

  /// By Type: within which distance an entity is in view. To be tracked it must come nearer, within enter_share of it.
  std::array<float, type_count> radius{100'000.0F, 50'000.0F,  50'000.0F, 200'000.0F, 25'000.0F,
                                       25'000.0F,  150'000.0F, 10'000.0F, 50'000.0F};
  float enter_share = 0.95F;

  /// Input of a player: a direction without a newer input is held this long, then the player stops. So a client that
  /// sends ten inputs a second moves as smoothly as one that sends sixty.
  unsigned input_hold_ticks = 15;

  /// How long the entity of a player whose session broke off waits, marked is_absent; 0: not at all.
  unsigned resume_s = 60;

  [[nodiscard]] float tick_seconds() const noexcept { return 1.0F / static_cast<float>(ticks_per_second); }
  [[nodiscard]] std::array<float, 3> extent() const noexcept;
  [[nodiscard]] std::array<unsigned, 3> cells() const noexcept;

  /// Rows that one of `shards` shards gets.
  [[nodiscard]] unsigned rows_of_shard(unsigned shards) const;

  /// Every fault, each one sentence: what, and what to do. Empty when the world can be built for `shards` shards.
  [[nodiscard]] std::vector<std::string> validate(unsigned shards) const;
};

/// The shard that an NPC lives on.
[[nodiscard]] unsigned shard_of_npc(std::uint64_t id, unsigned shards) noexcept;

}  // namespace serried::world
