#pragma once
/// What can be set about the reference game. Distances in units (100 = 1 m), times in ticks.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace serried::games::reference {

struct Config {
  /// Players appear inside this square, f(seed, player id).
  std::array<float, 2> player_spawn_centre{409'600.0F, 409'600.0F};
  float player_spawn_half = 20'000.0F;
  /// NPCs have their homes inside this square, f(seed, id), and do not stray further than npc_wander_radius.
  std::array<float, 2> npc_spawn_centre{409'600.0F, 409'600.0F};
  float npc_spawn_half = 60'000.0F;
  float npc_wander_radius = 3'000.0F;
  unsigned npc_decision_ticks = 180;  ///< how often an NPC makes up its mind
  std::uint32_t npc_stop_tick = 0;    ///< from this tick on NPCs stand still; 0: never (tests of convergence)

  std::uint16_t player_health = 1'000;
  std::uint16_t npc_health = 200;

  std::string welcome;  ///< UTF-8 that each player is sent on joining; empty: nothing

  /// Every fault, each one sentence: what, and what to do. Empty: a Game can be made of it.
  [[nodiscard]] std::vector<std::string> validate() const;
};

}  // namespace serried::games::reference
