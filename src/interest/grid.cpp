#include "interest/grid.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/setup.h"

namespace serried::interest {
namespace {

int cell_on_axis(float position, float per_cell, int cells) noexcept {
  return std::clamp(static_cast<int>(position * per_cell), 0, cells - 1);
}

std::uint16_t steps_in_cell(float position, int cell, float size, float per_cell, int steps) noexcept {
  const float inside = (position - static_cast<float>(cell) * size) * per_cell;
  return static_cast<std::uint16_t>(std::clamp(static_cast<int>(inside * static_cast<float>(steps)), 0, steps - 1));
}

}  // namespace

SERRIED_SETUP Classes classes_of(const std::array<float, world::type_count>& radius) {
  struct Group {
    float largest, smallest;
  };
  std::vector<float> falling(radius.begin(), radius.end());
  std::sort(falling.rbegin(), falling.rend());
  std::vector<Group> groups;
  for (const float value : falling)
    if (groups.empty() || groups.back().smallest != value) groups.push_back({value, value});
  // Too many groups: join the two neighbours whose radii are closest by ratio; of equal ratios the smallest radii,
  // where one cell more costs least.
  while (groups.size() > class_count) {
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < groups.size(); ++i)
      if (groups[i].largest / groups[i + 1].smallest <= groups[best].largest / groups[best + 1].smallest) best = i;
    groups[best].smallest = groups[best + 1].smallest;
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Classes classes;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    classes.radius[group] = groups[group].largest;
    classes.smallest[group] = groups[group].smallest;
  }
  for (std::size_t type = 0; type < world::type_count; ++type)
    for (std::size_t group = 0; group < groups.size(); ++group)
      if (radius[type] <= groups[group].largest && radius[type] >= groups[group].smallest)
        classes.of_type[type] = static_cast<std::uint8_t>(group);
  return classes;
}

SERRIED_SETUP Grid::Grid(const world::Config& config, unsigned shards, unsigned rows_per_shard,
                         std::span<const int> nodes)
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
  const std::size_t bins = std::size_t{this->cells()} * bin_count, words = this->cells() / 64 + 1;
  const std::size_t rows = std::size_t{shards} * rows_per_shard;
  for (unsigned shard = 0; shard < shards; ++shard) {
    Tally tally;
    const world::Homes own{nodes.empty() ? nodes : nodes.subspan(shard, 1), 1};
    tally.histogram = world::Column<std::uint32_t>(bins, shard * 4, own);
    tally.places = world::Column<CellPlaces>(this->cells(), shard * 4 + 1, own);
    tally.next = world::Column<std::uint32_t>(bins, shard * 4 + 2, own);
    tally.occupied = world::Column<std::uint64_t>(words, shard * 4 + 3, own);
    tally.counted = world::Column<std::uint64_t>(words, shard * 4 + 7, own);
    tally.crossed = world::Column<Crossing>(rows_per_shard, shard * 4 + 4, own);
    tally.log = world::Column<Crossing>(crossings_kept, shard * 4 + 5, own);
    tally.fresh = world::Column<Crossing>(crossings_kept, shard * 4 + 6, own);
    tallies_.push_back(std::move(tally));
  }
  per_cells_x_ = (std::uint64_t{1} << 32) / config.cells()[0] + 1;
  per_cells_y_ = (std::uint64_t{1} << 32) / config.cells()[1] + 1;
  const world::Homes by_row{nodes, rows_per_shard}, by_place{nodes};
  bin_ = world::Column<std::uint32_t>(rows, 9, by_row);
  std::fill_n(bin_.data(), rows, no_bin);
  place_ = world::Column<std::uint32_t>(rows, 15, by_row);
  std::fill_n(place_.data(), rows, nowhere);
  slot_ = world::Column<std::uint16_t>(rows, 10, by_place);
  x_ = world::Column<float>(rows, 11, by_place);
  y_ = world::Column<float>(rows, 12, by_place);
  z_ = world::Column<float>(rows, 13, by_place);
  far_ = world::Column<std::uint8_t>(rows * message::far_record_bytes, 14, by_place);
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

Cell Grid::cell_at(float x, float y, float z) const noexcept {
  return {cell_on_axis(x, per_cell_xy_, cells_x_), cell_on_axis(y, per_cell_xy_, cells_y_),
          cell_on_axis(z, per_cell_z_, cells_z_)};
}

void Grid::clear(unsigned shard) noexcept {
  Tally& tally = tallies_[shard];
  for (std::uint32_t word = 0; word < tally.counted.size(); ++word) {
    for (std::uint64_t bits = tally.counted[word]; bits != 0; bits &= bits - 1) {
      const std::size_t cell = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
      std::fill_n(tally.histogram.data() + cell * bin_count, bin_count, 0U);
    }
    tally.counted[word] = 0;
  }
  tally.word = 0;
  tally.total = 0;
  tally.counted_of_class = tally.population = {};
  tally.crossed_count = 0;
}

void Grid::count(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
                 std::size_t last) noexcept {
  Tally& tally = tallies_[shard];
  std::uint32_t* histogram = tally.histogram.data();
  for (std::size_t row = first; row < last; ++row) {
    if (identity.living[row] == 0) {
      bin_[row] = no_bin;
      continue;
    }
    const Cell at = cell_at(frame.x[row], frame.y[row], frame.z[row]);
    const auto cell = static_cast<std::uint32_t>((at.z * cells_y_ + at.y) * cells_x_ + at.x);
    const std::uint8_t type_class = classes_.of_type[static_cast<std::size_t>(identity.type[row])];
    const bool invisible = (frame.state_flags[row] & world::state_flag::is_invisible) != 0;
    const std::uint32_t bin = cell * bin_count + (invisible ? class_count : type_class);
    const std::uint32_t before = bin_[row];
    bin_[row] = bin;
    ++histogram[bin];
    ++tally.counted_of_class[type_class];
    tally.counted[cell / 64] |= std::uint64_t{1} << cell % 64;
    if (before / bin_count != cell && far_told(before) && far_told(bin)) [[unlikely]]
      tally.crossed[tally.crossed_count++] = {static_cast<std::uint16_t>(before / bin_count),
                                              static_cast<std::uint16_t>(cell), static_cast<std::uint16_t>(row), 0};
  }
}

/// Places of the cell's bins, and where this shard's rows go among them: behind those of the shards before it.
void Grid::add_up_cell(unsigned shard, std::uint32_t cell) noexcept {
  Tally& own = tallies_[shard];
  std::array<std::uint32_t, bin_count> before{}, all{};
  for (unsigned other = 0; other < shards_; ++other) {
    const Tally& tally = tallies_[other];
    if ((tally.counted[cell / 64] >> cell % 64 & 1) == 0) continue;
    const std::uint32_t* const rows = tally.histogram.data() + std::size_t{cell} * bin_count;
    for (unsigned i = 0; i < bin_count; ++i) {
      before[i] += other < shard ? rows[i] : 0;
      all[i] += rows[i];
    }
  }
  CellPlaces& places = own.places[cell];
  std::uint32_t* const next = own.next.data() + std::size_t{cell} * bin_count;
  std::uint32_t total = own.total;
  for (unsigned i = 0; i < bin_count; ++i) {
    places.start[i] = total;
    next[i] = total + before[i];
    total += all[i];
  }
  places.start[bin_count] = own.total = total;
}

bool Grid::add_up(unsigned shard, unsigned cells) noexcept {
  Tally& own = tallies_[shard];
  for (unsigned added = 0; own.word < own.occupied.size(); ++own.word) {
    if (added >= cells) return false;
    std::uint64_t bits = 0;
    for (const Tally& tally : tallies_) bits |= tally.counted[own.word];
    own.occupied[own.word] = bits;
    added += static_cast<unsigned>(std::popcount(bits));
    for (; bits != 0; bits &= bits - 1)
      add_up_cell(shard, own.word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
  }
  for (const Tally& tally : tallies_)
    for (unsigned i = 0; i < class_count; ++i) own.population[i] += tally.counted_of_class[i];
  unsigned populated = class_count;  // the largest radius of any entity decides how far to look
  for (unsigned i = class_count; i-- > 0;)
    if (own.population[i] != 0) populated = i;
  own.reach = populated == class_count ? 0 : reach_of_class_[populated];
  own.radius = populated == class_count ? 0 : classes_.radius[populated];
  own.widest = populated;
  log_crossings(shard);
  return true;
}

/// Where the entities of `cell`, or else of the next that has any, begin. Precondition: there is one.
std::uint32_t Grid::first_place_from(const Tally& tally, std::uint32_t cell) const noexcept {
  std::uint32_t word = cell / 64;
  std::uint64_t bits = tally.occupied[word] & ~std::uint64_t{0} << cell % 64;
  while (bits == 0) bits = tally.occupied[++word];
  return tally.places[word * 64 + static_cast<unsigned>(std::countr_zero(bits))].start[0];
}

/// Sorted by the cells that they lead to, so that the crossings that a viewer is told make few blocks. Crossings that
/// the log cannot keep have numbers too, so that a reader of the log sees that it missed some.
void Grid::log_crossings(unsigned shard) noexcept {
  Tally& own = tallies_[shard];
  std::uint32_t count = 0, all = 0;
  for (const Tally& other : tallies_) {
    const std::uint32_t taken = std::min(other.crossed_count, crossings_kept - count);
    std::copy_n(other.crossed.data(), taken, own.fresh.data() + count);
    count += taken;
    all += other.crossed_count;
  }
  std::sort(own.fresh.data(), own.fresh.data() + count,
            [](const Crossing& a, const Crossing& b) { return a.to != b.to ? a.to < b.to : a.slot < b.slot; });
  own.log_end += all;
  for (std::uint32_t i = 0; i < count; ++i) {
    Crossing& crossing = own.fresh[i];
    if (crossing.to > crossing.from)
      crossing.ahead = static_cast<std::uint16_t>(
          std::min(own.places[crossing.to].start[0] - first_place_from(own, crossing.from), 0xFFFFU));
    own.log[(own.log_end - count + i) % crossings_kept] = crossing;
  }
}

bool Grid::next_in_view(unsigned shard, const Cell& home, std::uint32_t& cell, std::uint32_t end,
                        unsigned& looks) const noexcept {
  const Tally& tally = tallies_[shard];
  if (cell >= end || tally.widest == class_count) {
    cell = std::max(cell, end);
    return false;
  }
  const int y_first = std::max(home.y - reach_y_, 0), y_last = std::min(home.y + reach_y_, cells_y_ - 1);
  const int z_first = std::max(home.z - reach_z_, 0), z_last = std::min(home.z + reach_z_, cells_z_ - 1);
  Cell at = cell_of(cell);
  if (at.z < z_first) at = {0, y_first, z_first};
  for (; at.z <= z_last; at = {0, y_first, at.z + 1}) {
    if (at.y < y_first) at = {0, y_first, at.z};
    for (; at.y <= y_last; ++at.y, at.x = 0) {
      const int wide = reach_at(at.y - home.y, at.z - home.z).x[tally.widest];
      if (wide < 0) continue;
      const std::uint32_t row = number_of({0, at.y, at.z});
      if (row >= end) break;
      if (looks == 0) {
        cell = row + static_cast<std::uint32_t>(at.x);
        return false;
      }
      --looks;
      const auto first = row + static_cast<std::uint32_t>(std::max(at.x, home.x - wide));
      const auto last = std::min(row + static_cast<std::uint32_t>(std::min(home.x + wide, cells_x_ - 1)), end - 1);
      for (std::uint32_t word = first / 64; word <= last / 64 && first <= last; ++word) {
        std::uint64_t bits = tally.occupied[word];
        if (word == first / 64) bits &= ~std::uint64_t{0} << first % 64;
        if (bits == 0) continue;
        const std::uint32_t found = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
        if (found > last) break;
        cell = found;
        return true;
      }
    }
  }
  cell = end;
  return false;
}

void Grid::write_far(std::uint32_t place, std::size_t row, const world::Frame& frame,
                     std::uint8_t generation) noexcept {
  const float x = frame.x[row], y = frame.y[row], z = frame.z[row];
  const Cell at = cell_at(x, y, z);
  message::FarRecord record;
  record.slot = static_cast<std::uint16_t>(row);
  record.generation = generation;
  record.x = steps_in_cell(x, at.x, cell_xy_, per_cell_xy_, 512);
  record.y = steps_in_cell(y, at.y, cell_xy_, per_cell_xy_, 512);
  record.z = static_cast<std::uint8_t>(steps_in_cell(z, at.z, cell_z_size_, per_cell_z_, 128));
  record.yaw = static_cast<std::uint8_t>(static_cast<std::uint16_t>(frame.yaw[row]) >> 11);
  message::write_far_record(far_.data() + std::size_t{place} * message::far_record_bytes, record);
}

void Grid::scatter(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
                   std::size_t last) noexcept {
  std::uint32_t* next = tallies_[shard].next.data();
  for (std::size_t row = first; row < last; ++row) {
    if (bin_[row] == no_bin) {
      place_[row] = nowhere;
      continue;
    }
    const std::uint32_t place = next[bin_[row]]++;
    place_[row] = far_told(bin_[row]) ? place : nowhere;
    slot_[place] = static_cast<std::uint16_t>(row);
    x_[place] = frame.x[row];
    y_[place] = frame.y[row];
    z_[place] = frame.z[row];
    write_far(place, row, frame, identity.generation[row]);
  }
}

}  // namespace serried::interest
