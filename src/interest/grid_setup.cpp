#include "interest/grid.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/setup.h"

namespace serried::interest {

SERRIED_SETUP Classes classes_of(const std::array<float, world::type_count>& radius) {
  struct Group {
    float largest, smallest;
  };
  std::vector<float> falling(radius.begin(), radius.end());
  std::sort(falling.rbegin(), falling.rend());
  std::vector<Group> groups;
  for (const float value : falling)
    if (groups.empty() || groups.back().smallest != value) groups.push_back({value, value});
  // Too many: join neighbours whose radii are closest by ratio; among equals the smallest, where a cell too much costs
  // least.
  while (groups.size() > class_count) {
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < groups.size(); ++i)
      if (groups[i].largest / groups[i + 1].smallest <= groups[best].largest / groups[best + 1].smallest) best = i;
    groups[best].smallest = groups[best + 1].smallest;
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Classes classes;
  for (std::size_t group = 0; group < groups.size(); ++group) classes.radius[group] = groups[group].largest;
  for (std::size_t type = 0; type < world::type_count; ++type)
    for (std::size_t group = 0; group < groups.size(); ++group)
      if (radius[type] <= groups[group].largest && radius[type] >= groups[group].smallest)
        classes.of_type[type] = static_cast<std::uint8_t>(group);
  return classes;
}

SERRIED_SETUP Grid::Grid(const world::Config& config, unsigned shards, unsigned rows_per_shard)
    : classes_(classes_of(config.radius)),
      cell_xy_(config.cell_size_xy),
      cell_z_size_(config.cell_size_z),
      per_cell_xy_(1.0F / config.cell_size_xy),
      per_cell_z_(1.0F / config.cell_size_z),
      shards_(shards) {
  const auto cells = config.cells();
  cells_x_ = static_cast<int>(cells[0]);
  cells_y_ = static_cast<int>(cells[1]);
  cells_z_ = static_cast<int>(cells[2]);
  bins_ = this->cells() * class_count;
  const std::size_t rows = std::size_t{shards} * rows_per_shard;
  for (unsigned shard = 0; shard < shards; ++shard) {
    Tally tally;
    tally.histogram = world::Column<std::uint32_t>(bins_, shard * 4);
    tally.start = world::Column<std::uint32_t>(bins_ + 1, shard * 4 + 1);
    tally.next = world::Column<std::uint32_t>(bins_, shard * 4 + 2);
    tally.occupied = world::Column<std::uint64_t>(this->cells() / 64 + 1, shard * 4 + 3);
    tally.crossed = world::Column<Crossing>(rows_per_shard, shard * 4 + 4);
    tally.log = world::Column<Crossing>(crossings_kept, shard * 4 + 5);
    tally.fresh = world::Column<Crossing>(crossings_kept, shard * 4 + 6);
    tallies_.push_back(std::move(tally));
  }
  per_cells_x_ = (std::uint64_t{1} << 32) / config.cells()[0] + 1;
  per_cells_y_ = (std::uint64_t{1} << 32) / config.cells()[1] + 1;
  bin_ = world::Column<std::uint32_t>(rows, 9);
  std::fill_n(bin_.data(), rows, no_bin);
  place_ = world::Column<std::uint32_t>(rows, 15);
  std::fill_n(place_.data(), rows, nowhere);
  slot_ = world::Column<std::uint16_t>(rows, 10);
  x_ = world::Column<float>(rows, 11);
  y_ = world::Column<float>(rows, 12);
  z_ = world::Column<float>(rows, 13);
  far_ = world::Column<std::uint8_t>(rows * message::far_record_bytes, 14);
  build_neighbours(config);
}

/// Distances are between cells at their nearest, so the list is right wherever in its cell the viewer stands.
SERRIED_SETUP void Grid::build_neighbours(const world::Config& config) {
  const float reach = classes_.radius[0];
  const auto steps = [&](float size, int cells) {
    return std::min(static_cast<int>(std::ceil(reach / size)) + 1, cells - 1);
  };
  const int most_xy = steps(config.cell_size_xy, std::max(cells_x_, cells_y_));
  const int most_z = steps(config.cell_size_z, cells_z_);
  struct Ranked {
    float distance;
    Neighbour neighbour;
  };
  std::vector<Ranked> ranked;
  const auto gap = [](int cells, float size) { return static_cast<float>(std::max(std::abs(cells) - 1, 0)) * size; };
  for (int z = -most_z; z <= most_z; ++z)
    for (int y = -most_xy; y <= most_xy; ++y)
      for (int x = -most_xy; x <= most_xy; ++x) {
        const float dx = gap(x, cell_xy_), dy = gap(y, cell_xy_), dz = gap(z, cell_z_size_);
        const float distance = std::sqrt(dx * dx + dy * dy + dz * dz);
        unsigned classes = 0;
        while (classes < class_count && classes_.radius[classes] > 0.0F && distance <= classes_.radius[classes])
          ++classes;
        if (classes == 0) continue;
        ranked.push_back({distance, Neighbour{static_cast<std::int16_t>(x), static_cast<std::int16_t>(y),
                                              static_cast<std::int8_t>(z), static_cast<std::uint8_t>(classes)}});
      }
  const auto centre = [](const Neighbour& n) { return n.x * n.x + n.y * n.y + n.z * n.z; };
  std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    return a.distance != b.distance ? a.distance < b.distance : centre(a.neighbour) < centre(b.neighbour);
  });
  SERRIED_CHECK(ranked.size() < 65'535);
  for (const Ranked& entry : ranked) {
    for (unsigned i = 0; i < entry.neighbour.classes; ++i) ++reach_of_class_[i];
    neighbours_.push_back(entry.neighbour);
  }
  build_reaches();
}

/// The same neighbourhood by rows of cells, to be gone through in the order of numbers.
SERRIED_SETUP void Grid::build_reaches() {
  for (const Neighbour& neighbour : neighbours_) {
    reach_y_ = std::max(reach_y_, int{neighbour.y});
    reach_z_ = std::max(reach_z_, int{neighbour.z});
  }
  Reach nobody;
  nobody.x.fill(-1);
  reaches_.assign(static_cast<std::size_t>((2 * reach_y_ + 1) * (2 * reach_z_ + 1)), nobody);
  for (const Neighbour& neighbour : neighbours_) {
    const auto at = (neighbour.z + reach_z_) * (2 * reach_y_ + 1) + neighbour.y + reach_y_;
    for (unsigned i = 0; i < neighbour.classes; ++i) {
      std::int16_t& x = reaches_[static_cast<std::size_t>(at)].x[i];
      x = std::max(x, neighbour.x);
    }
  }
}

}  // namespace serried::interest
