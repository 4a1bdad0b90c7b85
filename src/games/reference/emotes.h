#pragma once
/// Emotes: an animation that a player asks for, shown instead of that of movement.

#include <cstdint>

#include "game/host.h"

namespace serried::games::reference {

inline constexpr std::uint8_t emote_last = 31;  ///< animations 1 to this one can be asked for
inline constexpr unsigned emote_seconds = 2;

/// What the game keeps of a player from step to step (Callbacks::player_bytes).
struct Emote {
  std::uint8_t anim = 0;
  std::uint8_t reserved = 0;
  std::uint16_t ticks = 0;  ///< for so many ticks yet
};
static_assert(sizeof(Emote) == 4);

/// Shape   rows of a shard; those spawned in the tick have not moved, and show theirs from the next one on
/// Writes  slice.next.anim, slice.players
void show_emotes(const game::StepSlice& slice) noexcept;

}  // namespace serried::games::reference
