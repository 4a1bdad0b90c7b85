#include "interest/grid.h"

#include <algorithm>
#include <cstring>

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

Cell Grid::cell_at(float x, float y, float z) const noexcept {
  return {cell_on_axis(x, per_cell_xy_, cells_x_), cell_on_axis(y, per_cell_xy_, cells_y_),
          cell_on_axis(z, per_cell_z_, cells_z_)};
}

void Grid::clear(unsigned shard) noexcept {
  Tally& tally = tallies_[shard];
  std::memset(tally.histogram.data(), 0, tally.histogram.size() * sizeof(std::uint32_t));
  std::memset(tally.occupied.data(), 0, tally.occupied.size() * sizeof(std::uint64_t));
  tally.done = 0;
  tally.total = 0;
  tally.population = {};
}

void Grid::count(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
                 std::size_t last) noexcept {
  std::uint32_t* histogram = tallies_[shard].histogram.data();
  for (std::size_t row = first; row < last; ++row) {
    if (identity.living[row] == 0 || (frame.state_flags[row] & world::state_flag::is_invisible) != 0) {
      bin_[row] = no_bin;
      continue;
    }
    const Cell at = cell_at(frame.x[row], frame.y[row], frame.z[row]);
    const auto cell = static_cast<std::uint32_t>((at.z * cells_y_ + at.y) * cells_x_ + at.x);
    const std::uint32_t bin = cell * class_count + classes_.of_type[static_cast<std::size_t>(identity.type[row])];
    bin_[row] = bin;
    ++histogram[bin];
  }
}

bool Grid::add_up(unsigned shard, unsigned bins) noexcept {
  Tally& own = tallies_[shard];
  const unsigned end = std::min(own.done + bins, bins_);
  std::uint32_t total = own.total;
  for (unsigned bin = own.done; bin < end; ++bin) {
    own.start[bin] = total;
    std::uint32_t before = 0, all = 0;
    for (unsigned other = 0; other < shards_; ++other) {
      const std::uint32_t rows = tallies_[other].histogram[bin];
      before += other < shard ? rows : 0;
      all += rows;
    }
    own.next[bin] = total + before;
    own.population[bin % class_count] += all;
    const unsigned cell = bin / class_count;
    own.occupied[cell / 64] |= std::uint64_t{all != 0} << cell % 64;
    total += all;
  }
  own.total = total;
  own.done = end;
  if (end < bins_) return false;
  own.start[bins_] = total;
  unsigned populated = class_count;  // the largest radius that anybody has decides how far to look
  for (unsigned i = class_count; i-- > 0;)
    if (own.population[i] != 0) populated = i;
  own.reach = populated == class_count ? 0 : reach_of_class_[populated];
  own.radius = populated == class_count ? 0 : classes_.radius[populated];
  return true;
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
    if (bin_[row] == no_bin) continue;
    const std::uint32_t place = next[bin_[row]]++;
    slot_[place] = static_cast<std::uint16_t>(row);
    x_[place] = frame.x[row];
    y_[place] = frame.y[row];
    z_[place] = frame.z[row];
    write_far(place, row, frame, identity.generation[row]);
  }
}

}  // namespace serried::interest
