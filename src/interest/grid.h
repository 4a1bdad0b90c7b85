#pragma once
/// Which entity is where: a uniform grid over the sections, filled anew each tick by counting sort, so that the
/// entities of a cell lie side by side and a query streams memory.
///
///     step   each shard counts its rows into its histogram                     (count)
///            and notes what went from cell to cell
///     barrier
///     index  each shard adds all histograms up, for itself                     (add_up)
///            and logs the crossings of all shards
///            and puts its rows in their places of the shared arrays            (scatter)
///     barrier
///     plan   every shard reads the arrays                                      (span)
///
/// A bin is a cell and a class. Classes are the types grouped by radius, at most four, largest radius first: what is in
/// view of a far cell is then a prefix of its bins, one contiguous span. Behind them, in a bin of their own, are the
/// invisible entities of a cell: their allies may track them, and no far record tells of them. Beside the entities'
/// positions lie their far records, six bytes each in the same order, ready to be copied into any viewer's datagram.
/// Within a bin, entities come in the order of shards and rows, so their slots rise: only replication sees that, never
/// the world's hash.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "message/entity.h"
#include "world/config.h"
#include "world/frame.h"

namespace serried::interest {

inline constexpr unsigned class_count = 4;
/// Bins of a cell: the classes, and the invisible of all of them.
inline constexpr unsigned bin_count = class_count + 1;

/// Types grouped by radius.
struct Classes {
  std::array<std::uint8_t, world::type_count> of_type{};
  std::array<float, class_count> radius{};  ///< largest of the class; falling; 0: the class is empty
  std::array<float, class_count> smallest{};
};
[[nodiscard]] Classes classes_of(const std::array<float, world::type_count>& radius);

/// A cell in the neighbourhood of a viewer's own.
struct Neighbour {
  std::int16_t x = 0, y = 0;
  std::int8_t z = 0;
  std::uint8_t classes = 0;  ///< how many classes, from 0 on, may be in view there
};

struct Cell {
  int x = 0, y = 0, z = 0;
  [[nodiscard]] bool operator==(const Cell&) const noexcept = default;
};

/// Squares of the distances from a position to a cell, units.
struct CellDistance {
  float nearest2, furthest2;
};

/// Places in the sorted arrays.
struct Span {
  std::uint32_t first = 0, last = 0;
};

/// An entity that was in one cell a tick ago and is in another now.
struct Crossing {
  std::uint16_t from = 0, to = 0;  ///< numbers of cells
  std::uint16_t slot = 0;
  std::uint16_t ahead = 0;  ///< places between the two cells, at most 65,535; 0 when it went to a lower number
};

class Grid {
 public:
  /// `nodes`: where what a shard has for itself is to lie, by shard; empty: where it comes to lie.
  Grid(const world::Config& config, unsigned shards, unsigned rows_per_shard, std::span<const int> nodes = {});

  // Step phase, by the shard that owns the histogram.
  void clear(unsigned shard) noexcept;
  void count(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
             std::size_t last) noexcept;

  // Index phase, by the same shard. `add_up` does `cells` occupied cells a call, or up to 63 more, and returns true
  // when it is through.
  [[nodiscard]] bool add_up(unsigned shard, unsigned cells) noexcept;
  void scatter(unsigned shard, const world::Frame& frame, const world::Identity& identity, std::size_t first,
               std::size_t last) noexcept;

  // Behind the second barrier: any shard, with the sums of its own.
  /// The places of the first `classes` classes in a cell; an empty span where no entity is.
  [[nodiscard]] Span span(unsigned shard, unsigned cell, unsigned classes) const noexcept {
    if (!occupied(shard, cell)) return {};
    const CellPlaces& places = tallies_[shard].places[cell];
    return {places.start[0], places.start[classes]};
  }
  /// The places of the invisible of all classes in a cell.
  [[nodiscard]] Span invisible(unsigned shard, unsigned cell) const noexcept {
    if (!occupied(shard, cell)) return {};
    const CellPlaces& places = tallies_[shard].places[cell];
    return {places.start[class_count], places.start[bin_count]};
  }
  /// Whether any entity is in the cell: of a neighbourhood most cells are air, and a bit costs less than a span.
  [[nodiscard]] bool occupied(unsigned shard, unsigned cell) const noexcept {
    return (tallies_[shard].occupied[cell / 64] >> cell % 64 & 1) != 0;
  }
  /// How far the neighbourhood reaches for the classes that live in this world now.
  [[nodiscard]] unsigned neighbours_in_use(unsigned shard) const noexcept { return tallies_[shard].reach; }
  /// The largest radius of those classes; 0: no entity lives.
  [[nodiscard]] float radius_in_use(unsigned shard) const noexcept { return tallies_[shard].radius; }
  [[nodiscard]] std::uint32_t entities(unsigned shard) const noexcept { return tallies_[shard].total; }
  /// The place of an entity in the sorted arrays; `nowhere` when it is dead or invisible.
  [[nodiscard]] std::uint32_t place_of(std::uint16_t slot) const noexcept { return place_[slot]; }

  // All crossings are numbered, modulo 2^32, those of a tick in the order of the cells they lead to. The last
  // `crossings_kept` can be read, by the number.
  [[nodiscard]] std::uint32_t crossings_end(unsigned shard) const noexcept { return tallies_[shard].log_end; }
  [[nodiscard]] const Crossing& crossing(unsigned shard, std::uint32_t number) const noexcept {
    return tallies_[shard].log[number % crossings_kept];
  }

  /// Nearest first.
  [[nodiscard]] const Neighbour* neighbours() const noexcept { return neighbours_.data(); }
  [[nodiscard]] std::size_t neighbour_count() const noexcept { return neighbours_.size(); }

  [[nodiscard]] Cell cell_at(float x, float y, float z) const noexcept;
  /// The cell's number on the wire, or -1 outside the grid.
  [[nodiscard]] std::int32_t cell_number(const Cell& from, const Neighbour& to) const noexcept {
    const int x = from.x + to.x, y = from.y + to.y, z = from.z + to.z;
    if (x < 0 || y < 0 || z < 0 || x >= cells_x_ || y >= cells_y_ || z >= cells_z_) return -1;
    return (z * cells_y_ + y) * cells_x_ + x;
  }
  [[nodiscard]] std::uint32_t number_of(const Cell& cell) const noexcept {
    return static_cast<std::uint32_t>((cell.z * cells_y_ + cell.y) * cells_x_ + cell.x);
  }
  [[nodiscard]] Cell cell_of(std::uint32_t number) const noexcept {
    const auto row = static_cast<std::uint32_t>(number * per_cells_x_ >> 32);
    const auto layer = static_cast<std::uint32_t>(row * per_cells_y_ >> 32);
    return {static_cast<int>(number) - static_cast<int>(row) * cells_x_,
            static_cast<int>(row) - static_cast<int>(layer) * cells_y_, static_cast<int>(layer)};
  }

  /// Of the cell grown by a unit on each side, so that rounding puts no entity into it that is not between the two.
  [[nodiscard]] CellDistance distance_to(std::uint32_t number, const std::array<float, 3>& from) const noexcept {
    const Cell at = cell_of(number);
    const std::array<float, 3> size{cell_xy_, cell_xy_, cell_z_size_};
    const std::array<int, 3> index{at.x, at.y, at.z};
    CellDistance distance{};
    for (unsigned axis = 0; axis < 3; ++axis) {
      const float low = static_cast<float>(index[axis]) * size[axis] - 1.0F - from[axis];
      const float high = static_cast<float>(index[axis] + 1) * size[axis] + 1.0F - from[axis];
      const float nearest = std::max({low, -high, 0.0F}), furthest = std::max(-low, high);
      distance.nearest2 += nearest * nearest;
      distance.furthest2 += furthest * furthest;
    }
    return distance;
  }
  /// How many classes, from 0 on, may be in view in the cell `number` from somewhere in `home`.
  [[nodiscard]] unsigned classes_in_view(const Cell& home, std::uint32_t number) const noexcept {
    const Cell at = cell_of(number);
    const int x = std::abs(at.x - home.x), y = at.y - home.y, z = at.z - home.z;
    if (std::abs(y) > reach_y_ || std::abs(z) > reach_z_) return 0;
    unsigned classes = 0;
    for (const std::int16_t reach : reach_at(y, z).x) classes += reach >= x ? 1 : 0;  // they fall
    return classes;
  }
  /// Move `cell` on to the next, itself included, before `end` by number, that holds an entity which may be in view
  /// from `home`. False when there is none: then `cell` is `end`, or less when `looks`, a count of rows of cells to
  /// look through, is used up.
  [[nodiscard]] bool next_in_view(unsigned shard, const Cell& home, std::uint32_t& cell, std::uint32_t end,
                                  unsigned& looks) const noexcept;

  [[nodiscard]] const Classes& classes() const noexcept { return classes_; }
  [[nodiscard]] unsigned cells() const noexcept { return static_cast<unsigned>(cells_x_ * cells_y_ * cells_z_); }

  // The sorted arrays, by place.
  [[nodiscard]] const std::uint16_t* slots() const noexcept { return slot_.data(); }
  [[nodiscard]] const float* x() const noexcept { return x_.data(); }
  [[nodiscard]] const float* y() const noexcept { return y_.data(); }
  [[nodiscard]] const float* z() const noexcept { return z_.data(); }
  [[nodiscard]] const std::uint8_t* far_records() const noexcept { return far_.data(); }

  /// The memory that a shard has for itself: its rows of what is kept by row, and all that it alone adds up.
  void each_memory(unsigned shard, auto&& visit) const {
    const Tally& tally = tallies_[shard];
    const auto whole = [&visit](const auto& column) { visit(column.memory(0, column.size())); };
    whole(tally.histogram);
    whole(tally.counted);
    whole(tally.occupied);
    whole(tally.places);
    whole(tally.next);
    for (const auto* const column : {&tally.crossed, &tally.log, &tally.fresh}) whole(*column);
    const std::size_t rows = bin_.size() / shards_;
    for (const auto* const column : {&bin_, &place_}) visit(column->memory(shard * rows, (shard + 1) * rows));
  }

  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
  static constexpr unsigned crossings_kept = 1'024;

 private:
  static constexpr std::uint32_t no_bin = ~std::uint32_t{0};
  /// Whether blocks tell of the rows of a bin: those that are there and not invisible.
  [[nodiscard]] static bool far_told(std::uint32_t bin) noexcept {
    return bin != no_bin && bin % bin_count != class_count;
  }

  /// How far a class is in view along x, in a row of cells so many rows and layers away: cells; -1: not at all.
  struct Reach {
    std::array<std::int16_t, class_count> x;
  };

  /// First place of each bin in a cell, and the end, all shards together. In one cache line.
  struct alignas(32) CellPlaces {
    std::array<std::uint32_t, bin_count + 1> start;
  };

  /// Most cells are empty, in a large world nearly all: their lines are neither cleared nor read. What a shard adds up
  /// grows with the cells that hold entities, and not with the world or, for each of them, with the shards that have
  /// none there.
  /// On lines of its own: what a shard counts in its own must not take from others the lines that they read.
  struct alignas(64) Tally {
    world::Column<std::uint32_t> histogram;  ///< this shard's rows per bin; read by all between the barriers
    world::Column<std::uint64_t> counted;    ///< one bit a cell: this shard has rows there; read as the histogram is
    world::Column<std::uint64_t> occupied;   ///< the same of all shards together
    world::Column<CellPlaces> places;        ///< by cell; valid where occupied
    world::Column<std::uint32_t> next;       ///< where this shard's next row of a bin goes; valid where it counted one
    std::uint32_t total = 0;
    unsigned word = 0;                ///< of `occupied`: those before it are added up
    unsigned reach = 0;               ///< neighbours in use
    float radius = 0;                 ///< largest in use
    unsigned widest = class_count;    ///< the class that has it; class_count: no entity lives
    world::Column<Crossing> crossed;  ///< this shard's rows since `clear`; read by all between the barriers
    std::uint32_t crossed_count = 0;
    world::Column<Crossing> log, fresh;  ///< a ring of all shards' crossings, and a tick's before they are sorted
    std::uint32_t log_end = 0;
    std::array<std::uint32_t, class_count> counted_of_class{};  ///< this shard's rows; read as the histogram is
    std::array<std::uint32_t, class_count> population{};        ///< of all shards
  };

  void build_neighbours(const world::Config& config);
  void build_reaches();
  void add_up_cell(unsigned shard, std::uint32_t cell) noexcept;
  [[nodiscard]] std::uint32_t first_place_from(const Tally& tally, std::uint32_t cell) const noexcept;
  void log_crossings(unsigned shard) noexcept;
  [[nodiscard]] const Reach& reach_at(int y, int z) const noexcept {
    return reaches_[static_cast<std::size_t>((z + reach_z_) * (2 * reach_y_ + 1) + y + reach_y_)];
  }
  void write_far(std::uint32_t place, std::size_t row, const world::Frame& frame, std::uint8_t generation) noexcept;

  Classes classes_;
  int cells_x_ = 0, cells_y_ = 0, cells_z_ = 0;
  float cell_xy_ = 0, cell_z_size_ = 0, per_cell_xy_ = 0, per_cell_z_ = 0;
  unsigned shards_ = 0;
  std::vector<Tally> tallies_;
  std::vector<Neighbour> neighbours_;
  std::vector<Reach> reaches_;  ///< by layer and row, from -reach_z_ and -reach_y_ on
  int reach_y_ = 0, reach_z_ = 0;
  std::uint64_t per_cells_x_ = 0, per_cells_y_ = 0;  ///< 2^32 / cells, rounded up: a product instead of a division
  std::array<unsigned, class_count + 1> reach_of_class_{};
  world::Column<std::uint32_t> bin_;    ///< by row, from one count to the next
  world::Column<std::uint32_t> place_;  ///< by row
  world::Column<std::uint16_t> slot_;
  world::Column<float> x_, y_, z_;
  world::Column<std::uint8_t> far_;
};

}  // namespace serried::interest
