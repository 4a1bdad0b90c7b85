#pragma once
/// The step of a tick: every entity of a shard moves once.

#include "world/config.h"
#include "world/frame.h"
#include "world/input_queue.h"

namespace serried::world {

/// What a player's step does with inputs that wait.
enum class Take : std::uint8_t {
  smoothly,
  all,  ///< the server was late, not they: nothing is gained by keeping any back
};

/// Step the living rows [first, last) that were not spawned at `tick`.
///
/// A player's tick is exactly one tick of movement time, shared evenly by the inputs applied in it: one, or two when
/// more than two wait (that drains what jitter piled up), or all of them where `take` says so. So sending faster never
/// moves faster. Without an input the last direction holds for `input_hold_ticks`, then the player stops.
/// Shape   rows of one shard
/// Reads   previous, identity
/// Writes  rows of `next`, inputs
/// Owner   shard lane
void step_rows(const Config& config, const Identity& identity, const Frame& previous, Frame& next, InputQueue* inputs,
               std::uint32_t tick, std::size_t first, std::size_t last, Take take = Take::smoothly) noexcept;

}  // namespace serried::world
