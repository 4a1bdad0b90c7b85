#include "interest/grid.h"

#include <algorithm>
#include <bit>
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
  tally.crossed_count = 0;
}

void Grid::count(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
                 std::size_t last) noexcept {
  Tally& tally = tallies_[shard];
  std::uint32_t* histogram = tally.histogram.data();
  for (std::size_t row = first; row < last; ++row) {
    if (identity.living[row] == 0 || (frame.state_flags[row] & world::state_flag::is_invisible) != 0) {
      bin_[row] = no_bin;
      continue;
    }
    const Cell at = cell_at(frame.x[row], frame.y[row], frame.z[row]);
    const auto cell = static_cast<std::uint32_t>((at.z * cells_y_ + at.y) * cells_x_ + at.x);
    const std::uint32_t bin = cell * class_count + classes_.of_type[static_cast<std::size_t>(identity.type[row])];
    const std::uint32_t before = bin_[row];
    bin_[row] = bin;
    ++histogram[bin];
    if (before / class_count != cell && before != no_bin) [[unlikely]]
      tally.crossed[tally.crossed_count++] = {static_cast<std::uint16_t>(before / class_count),
                                              static_cast<std::uint16_t>(cell), static_cast<std::uint16_t>(row), 0};
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
  unsigned populated = class_count;  // the largest radius of any entity decides how far to look
  for (unsigned i = class_count; i-- > 0;)
    if (own.population[i] != 0) populated = i;
  own.reach = populated == class_count ? 0 : reach_of_class_[populated];
  own.radius = populated == class_count ? 0 : classes_.radius[populated];
  own.widest = populated;
  log_crossings(shard);
  return true;
}

/// Sorted by where they lead to, so that what a viewer tells of them makes few blocks. Of more than the log keeps, the
/// numbers go on all the same, and a reader of the log sees that it missed some.
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
          std::min(own.start[crossing.to * class_count] - own.start[crossing.from * class_count], 0xFFFFU));
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
    place_[row] = place;
    slot_[place] = static_cast<std::uint16_t>(row);
    x_[place] = frame.x[row];
    y_[place] = frame.y[row];
    z_[place] = frame.z[row];
    write_far(place, row, frame, identity.generation[row]);
  }
}

}  // namespace serried::interest
