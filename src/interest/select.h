#pragma once
/// Which entities of the neighbourhood are near enough to be tracked: a window over the cells around a viewer that
/// moves on each time, so that a look at a crowd of 10,000 costs what a look at 512 does, and every entity has been
/// looked at after a turn.

#include "interest/grid.h"

namespace serried::interest {

/// Where a turn over the neighbourhood stands: a neighbour, and a place in its span.
struct Window {
  std::uint16_t neighbour = 0;
  std::uint16_t unused = 0;
  std::uint32_t offset = 0;
};

struct Candidate {
  float distance2;  ///< square of the distance, units
  std::uint16_t slot;
};

struct Bounds {
  unsigned entities = 512;  ///< looked at in one call, and so at most found
  unsigned cells = 64;      ///< visited in one call, empty ones included
};

/// Move the window of a viewer at `position` on, and write those closer than sqrt(distance2_max), and within the
/// largest radius of any entity, to `out`, which has room for bounds.entities; the invisible are among them.
/// Reads   grid (behind the second barrier)
/// Writes  window, out
/// Owner   the viewer's shard
/// Cost    about 1 ns an entity looked at (bench/world_bench.cpp)
[[nodiscard]] unsigned select(const Grid& grid, unsigned shard, const std::array<float, 3>& position,
                              float distance2_max, const Bounds& bounds, Window& window, Candidate* out) noexcept;

}  // namespace serried::interest
