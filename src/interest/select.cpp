#include "interest/select.h"

#include <algorithm>
#include <bit>

#include "simd/within_radius.h"

namespace serried::interest {
namespace {

unsigned collect(const Grid& grid, Span places, const std::array<float, 3>& position, float distance2_max,
                 Candidate* out) noexcept {
  const auto [px, py, pz] = position;
  const std::uint16_t* const slots = grid.slots();
  std::array<std::uint64_t, simd::within_radius_max / 64> closer;
  unsigned found = 0;
  for (; places.first < places.last; places.first += simd::within_radius_max) {
    const float *const x = grid.x() + places.first, *const y = grid.y() + places.first,
                       *const z = grid.z() + places.first;
    const std::uint32_t count = std::min(places.last - places.first, std::uint32_t{simd::within_radius_max});
    simd::within_radius({x, y, z}, count, px, py, pz, distance2_max, closer.data());
    for (unsigned first = 0; first < count; first += 64)
      for (std::uint64_t bits = closer[first / 64]; bits != 0; bits &= bits - 1) {
        const unsigned i = first + static_cast<unsigned>(std::countr_zero(bits));
        const float dx = x[i] - px, dy = y[i] - py, dz = z[i] - pz;
        out[found++] = {dx * dx + dy * dy + dz * dz, slots[places.first + i]};
      }
  }
  return found;
}

/// The places number `first` to before number `last` of a span, as far as it has them.
Span part(const Span& of, std::uint32_t first, std::uint32_t last) noexcept {
  return {std::min(of.first + first, of.last), std::min(of.first + last, of.last)};
}

}  // namespace

unsigned select(const Grid& grid, unsigned shard, const std::array<float, 3>& position, float distance2_max,
                const Bounds& bounds, Window& window, Candidate* out) noexcept {
  const unsigned reach = grid.neighbours_in_use(shard);
  if (reach == 0) return 0;
  const float radius = grid.radius_in_use(shard);
  const float limit2 = std::min(distance2_max, radius * radius);
  const Cell home = grid.cell_at(position[0], position[1], position[2]);
  const unsigned cells_max = std::min(bounds.cells, reach);  // never the same cell twice in a call
  unsigned found = 0, looked = 0;
  for (unsigned visited = 0; visited < cells_max && looked < bounds.entities;) {
    if (window.neighbour >= reach) window = {};
    const Neighbour& neighbour = grid.neighbours()[window.neighbour];
    const std::int32_t cell = grid.cell_number(home, neighbour);
    const bool anybody = cell >= 0 && grid.occupied(shard, static_cast<unsigned>(cell));
    Span visible{}, invisible{};
    if (anybody) {
      visible = grid.span(shard, static_cast<unsigned>(cell), neighbour.classes);
      invisible = grid.invisible(shard, static_cast<unsigned>(cell));
    }
    const std::uint32_t visible_count = visible.last - visible.first;
    const std::uint32_t count = visible_count + invisible.last - invisible.first;
    const std::uint32_t first = std::min(window.offset, count);
    const std::uint32_t last = std::min(count, first + bounds.entities - looked);
    found += collect(grid, part(visible, first, last), position, limit2, out + found);
    if (last > visible_count) {
      const std::uint32_t from = std::max(first, visible_count);
      found +=
          collect(grid, part(invisible, from - visible_count, last - visible_count), position, limit2, out + found);
    }
    looked += last - first;
    if (last < count) {
      window.offset = last;
      break;
    }
    ++window.neighbour;
    window.offset = 0;
    ++visited;
  }
  return found;
}

}  // namespace serried::interest
