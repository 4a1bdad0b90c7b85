#include "interest/select.h"

#include <algorithm>

namespace serried::interest {
namespace {

/// Branchless: in a crowd nothing is predictable, and most are too far.
unsigned collect(const Grid& grid, Span places, const std::array<float, 3>& position, float distance2_max,
                 Candidate* out) noexcept {
  const float* x = grid.x();
  const float* y = grid.y();
  const float* z = grid.z();
  const std::uint16_t* slots = grid.slots();
  unsigned found = 0;
  for (std::uint32_t place = places.first; place < places.last; ++place) {
    const float dx = x[place] - position[0], dy = y[place] - position[1], dz = z[place] - position[2];
    const float distance2 = dx * dx + dy * dy + dz * dz;
    out[found] = {distance2, slots[place]};
    found += distance2 < distance2_max ? 1 : 0;
  }
  return found;
}

}  // namespace

unsigned select(const Grid& grid, unsigned shard, const std::array<float, 3>& position, float distance2_max,
                const Bounds& bounds, Window& window, Candidate* out) noexcept {
  const unsigned reach = grid.neighbours_in_use(shard);
  if (reach == 0) return 0;
  const Cell home = grid.cell_at(position[0], position[1], position[2]);
  const unsigned cells_max = std::min(bounds.cells, reach);  // never the same cell twice in a call
  unsigned found = 0, looked = 0;
  for (unsigned visited = 0; visited < cells_max && looked < bounds.entities;) {
    if (window.neighbour >= reach) window = {};
    const Neighbour& neighbour = grid.neighbours()[window.neighbour];
    const std::int32_t cell = grid.cell_number(home, neighbour);
    Span places = cell < 0 ? Span{} : grid.span(shard, static_cast<unsigned>(cell), neighbour.classes);
    places.first = std::min(places.first + window.offset, places.last);
    const std::uint32_t now = std::min(places.last - places.first, bounds.entities - looked);
    const float radius = grid.classes().radius[0];
    found += collect(grid, {places.first, places.first + now}, position, std::min(distance2_max, radius * radius),
                     out + found);
    looked += now;
    if (places.first + now < places.last) {
      window.offset += now;
      break;
    }
    ++window.neighbour;
    window.offset = 0;
    ++visited;
  }
  return found;
}

}  // namespace serried::interest
