#include "interest/grid.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::interest {
namespace {

using world::Type;

TEST(Classes, TypesAreGroupedByRadiusLargestFirst) {
  const Classes classes = classes_of(world::Config{}.radius);
  const auto of = [&](Type type) { return classes.of_type[static_cast<std::size_t>(type)]; };
  for (unsigned i = 0; i + 1 < class_count; ++i) EXPECT_GT(classes.radius[i], classes.radius[i + 1]);
  const auto& radius = world::Config{}.radius;
  for (std::size_t type = 0; type < world::type_count; ++type)
    EXPECT_GE(classes.radius[classes.of_type[type]], radius[type]);
  EXPECT_LT(of(Type::player), of(Type::npc));
  EXPECT_EQ(of(Type::npc), of(Type::monster));
  EXPECT_LT(of(Type::projectile), of(Type::item));
}

TEST(Classes, OneRadiusIsOneClass) {
  std::array<float, world::type_count> radius;
  radius.fill(100.0F);
  const Classes classes = classes_of(radius);
  EXPECT_EQ(classes.radius[0], 100.0F);
  EXPECT_EQ(classes.radius[1], 0.0F);
}

struct Scattered {
  Scattered(unsigned shards, std::uint64_t seed, unsigned per_shard = 128)
      : rows(per_shard),
        frame(std::size_t{shards} * per_shard, 0),
        identity(std::size_t{shards} * per_shard),
        grid(config, shards, per_shard) {
    base::Prng random(seed);
    for (std::size_t row = 0; row < frame.x.size(); ++row) {
      if (random.chance(0.1)) continue;
      const auto along = [&](float size) { return static_cast<float>(random.unit()) * size; };
      world::spawn(frame, identity, row,
                   {.id = row,
                    .type = static_cast<Type>(random.below(world::type_count)),
                    .position = {along(819'000), along(819'000), along(25'000)},
                    .yaw = static_cast<std::int16_t>(random.next())},
                   0);
    }
    index(shards);
  }
  void index(unsigned shards) {
    for (unsigned shard = 0; shard < shards; ++shard) {
      grid.clear(shard);
      grid.count(shard, frame, identity, shard * rows, (shard + 1) * rows);
    }
    for (unsigned shard = 0; shard < shards; ++shard) {
      while (!grid.add_up(shard, 10)) {
      }
      grid.scatter(shard, frame, identity, shard * rows, (shard + 1) * rows);
    }
  }
  world::Config config;
  std::size_t rows;
  world::Frame frame;
  world::Identity identity;
  Grid grid;
};

std::uint32_t occupants(const Grid& grid, unsigned shard, std::uint32_t cell) {
  const Span span = grid.span(shard, cell, class_count);
  return span.last - span.first;
}

TEST(Grid, ACellThatEntitiesHaveLeftIsEmpty) {
  for (const unsigned shards : {1U, 3U}) {
    Scattered world(shards, 20 + shards);
    for (std::size_t row = 0; row < world.frame.x.size(); ++row) world.frame.x[row] = 819'000 - world.frame.x[row];
    world.index(shards);
    std::vector<unsigned> expected(world.grid.cells());
    for (std::size_t row = 0; row < world.identity.living.size(); ++row)
      if (world.identity.living[row] != 0)
        ++expected[world.grid.number_of(
            world.grid.cell_at(world.frame.x[row], world.frame.y[row], world.frame.z[row]))];
    for (unsigned shard = 0; shard < shards; ++shard)
      for (std::uint32_t cell = 0; cell < world.grid.cells(); ++cell) {
        ASSERT_EQ(occupants(world.grid, shard, cell), expected[cell]);
        ASSERT_EQ(world.grid.occupied(shard, cell), expected[cell] != 0);
      }
  }
}

TEST(Grid, EveryLivingEntityIsInItsCellOnceForAnyNumberOfShards) {
  for (const unsigned shards : {1U, 2U, 5U, 16U}) {
    Scattered world(shards, shards);
    std::set<std::uint16_t> seen;
    const auto cells = world.config.cells();
    for (unsigned cell = 0; cell < world.grid.cells(); ++cell) {
      const Span span = world.grid.span(shards - 1, cell, class_count);
      for (auto place = span.first; place < span.last; ++place) {
        const std::uint16_t slot = world.grid.slots()[place];
        EXPECT_TRUE(seen.insert(slot).second);
        EXPECT_EQ(world.grid.x()[place], world.frame.x[slot]);
        const Cell at = world.grid.cell_at(world.frame.x[slot], world.frame.y[slot], world.frame.z[slot]);
        EXPECT_EQ((static_cast<unsigned>(at.z) * cells[1] + static_cast<unsigned>(at.y)) * cells[0] +
                      static_cast<unsigned>(at.x),
                  cell);
      }
    }
    std::size_t living = 0;
    for (std::size_t row = 0; row < world.identity.living.size(); ++row) living += world.identity.living[row];
    EXPECT_EQ(seen.size(), living);
    for (unsigned shard = 0; shard < shards; ++shard) EXPECT_EQ(world.grid.entities(shard), living);
  }
}

TEST(Grid, ClassesAreAPrefixOfACell) {
  Scattered world(2, 9);
  for (unsigned cell = 0; cell < world.grid.cells(); ++cell)
    for (unsigned classes = 1; classes <= class_count; ++classes) {
      const Span span = world.grid.span(0, cell, classes);
      for (auto place = span.first; place < span.last; ++place) {
        const auto type = static_cast<std::size_t>(world.identity.type[world.grid.slots()[place]]);
        EXPECT_LT(world.grid.classes().of_type[type], classes);
      }
    }
}

TEST(Grid, FarRecordsSayWhereWithinAStepOfTheCell) {
  Scattered world(2, 10);
  for (std::uint32_t place = 0; place < world.grid.entities(0); ++place) {
    const auto record = message::read_far_record(world.grid.far_records() + place * message::far_record_bytes);
    ASSERT_EQ(record.slot, world.grid.slots()[place]);
    const float x = world.frame.x[record.slot], z = world.frame.z[record.slot];
    const Cell at = world.grid.cell_at(x, world.frame.y[record.slot], z);
    EXPECT_NEAR(static_cast<float>(at.x) * 25'600 + (record.x + 0.5F) * 50.0F, x, 25.1F);
    EXPECT_NEAR(static_cast<float>(at.z) * 6'400 + (record.z + 0.5F) * 50.0F, z, 25.1F);
  }
}

TEST(Grid, TheInvisibleOfACellAreBehindItsClasses) {
  for (const unsigned shards : {1U, 3U}) {
    Scattered world(shards, 11);
    for (std::size_t row = 0; row < world.frame.x.size(); row += 3)
      world.frame.state_flags[row] |= world::state_flag::is_invisible;
    world.index(shards);
    std::set<std::uint16_t> invisible;
    for (unsigned cell = 0; cell < world.grid.cells(); ++cell) {
      const Span visible = world.grid.span(0, cell, class_count), hidden = world.grid.invisible(0, cell);
      EXPECT_EQ(hidden.first, visible.last);
      for (auto place = visible.first; place < visible.last; ++place) EXPECT_NE(world.grid.slots()[place] % 3, 0);
      for (auto place = hidden.first; place < hidden.last; ++place) {
        const std::uint16_t slot = world.grid.slots()[place];
        EXPECT_TRUE(invisible.insert(slot).second);
        const Cell at = world.grid.cell_at(world.frame.x[slot], world.frame.y[slot], world.frame.z[slot]);
        EXPECT_EQ(world.grid.number_of(at), cell);
        EXPECT_EQ(world.grid.place_of(slot), Grid::nowhere);
      }
    }
    for (std::size_t row = 0; row < world.frame.x.size(); ++row)
      EXPECT_EQ(invisible.contains(static_cast<std::uint16_t>(row)), row % 3 == 0 && world.identity.living[row] != 0)
          << row;
  }
}

TEST(Grid, WhoIsInvisibleMakesNoCrossing) {
  world::Config config;
  world::Frame frame(64, 0);
  world::Identity identity(64);
  Grid grid(config, 1, 64);
  world::spawn(frame, identity, 7, {.id = 7, .position = {1'000, 1'000, 1'000}}, 0);
  const auto crossings = [&](float x, bool invisible) {
    frame.x[7] = x;
    frame.state_flags[7] = invisible ? world::state_flag::is_invisible : 0;
    const std::uint32_t before = grid.crossings_end(0);
    grid.clear(0);
    grid.count(0, frame, identity, 0, 64);
    while (!grid.add_up(0, 100'000)) {
    }
    grid.scatter(0, frame, identity, 0, 64);
    return grid.crossings_end(0) - before;
  };
  EXPECT_EQ(crossings(1'000, false), 0U);
  EXPECT_EQ(crossings(30'000, false), 1U);
  EXPECT_EQ(crossings(60'000, true), 0U) << "it vanishes";
  EXPECT_EQ(crossings(90'000, true), 0U);
  EXPECT_EQ(crossings(30'000, false), 0U) << "it appears";
  EXPECT_EQ(crossings(1'000, false), 1U);
}

TEST(Grid, TheInvisibleDecideHowFarToLookAsTheVisibleDo) {
  world::Config config;
  world::Frame frame(64, 0);
  world::Identity identity(64);
  Grid grid(config, 1, 64);
  world::spawn(frame, identity, 7, {.id = 7, .type = world::Type::vehicle, .position = {1'000, 1'000, 1'000}}, 0);
  const auto radius = [&](std::uint8_t flags) {
    frame.state_flags[7] = flags;
    grid.clear(0);
    grid.count(0, frame, identity, 0, 64);
    while (!grid.add_up(0, 100'000)) {
    }
    grid.scatter(0, frame, identity, 0, 64);
    return grid.radius_in_use(0);
  };
  EXPECT_GT(radius(0), 0.0F);
  EXPECT_EQ(radius(world::state_flag::is_invisible), radius(0));
}

TEST(Grid, TheNeighbourhoodCoversAllWithinTheirRadius) {
  Scattered world(1, 12);
  for (std::size_t a = 0; a < 20; ++a) {
    if (world.identity.living[a] == 0) continue;
    const Cell home = world.grid.cell_at(world.frame.x[a], world.frame.y[a], world.frame.z[a]);
    std::set<std::uint16_t> reached;
    for (unsigned i = 0; i < world.grid.neighbours_in_use(0); ++i) {
      const auto cell = world.grid.cell_number(home, world.grid.neighbours()[i]);
      if (cell < 0) continue;
      const Span span = world.grid.span(0, static_cast<unsigned>(cell), world.grid.neighbours()[i].classes);
      for (auto place = span.first; place < span.last; ++place) reached.insert(world.grid.slots()[place]);
    }
    for (std::size_t b = 0; b < world.rows; ++b) {
      if (world.identity.living[b] == 0) continue;
      const float distance = std::hypot(world.frame.x[a] - world.frame.x[b], world.frame.y[a] - world.frame.y[b],
                                        world.frame.z[a] - world.frame.z[b]);
      const bool in_view = distance < world.config.radius[static_cast<std::size_t>(world.identity.type[b])];
      EXPECT_TRUE(!in_view || reached.contains(static_cast<std::uint16_t>(b))) << a << " " << b;
    }
  }
}

TEST(Grid, TheWayThroughTheCellsInViewPassesAllOccupiedOnesInTheirOrder) {
  Scattered world(1, 14);
  const Cell home{3, 30, 1};  // near two edges of the world
  std::set<std::uint32_t> wanted;
  for (unsigned i = 0; i < world.grid.neighbours_in_use(0); ++i) {
    const Neighbour& neighbour = world.grid.neighbours()[i];
    const auto cell = world.grid.cell_number(home, neighbour);
    if (cell < 0 || !world.grid.occupied(0, static_cast<unsigned>(cell))) continue;
    wanted.insert(static_cast<std::uint32_t>(cell));
    EXPECT_EQ(world.grid.classes_in_view(home, static_cast<std::uint32_t>(cell)), neighbour.classes);
  }
  ASSERT_GT(wanted.size(), 5U);
  for (const unsigned looks_each : {1U, 3U, 1'000U}) {
    std::vector<std::uint32_t> found;
    std::uint32_t cell = 0;
    for (unsigned call = 0; call < 1'000 && cell < world.grid.cells(); ++call) {
      unsigned looks = looks_each;
      while (world.grid.next_in_view(0, home, cell, world.grid.cells(), looks)) found.push_back(cell++);
      EXPECT_TRUE(looks == 0 || cell == world.grid.cells());
    }
    EXPECT_TRUE(std::equal(found.begin(), found.end(), wanted.begin(), wanted.end())) << looks_each;
  }
  const std::uint32_t second = *std::next(wanted.begin());
  std::uint32_t cell = *wanted.begin() + 1;
  unsigned looks = 1'000;
  EXPECT_FALSE(world.grid.next_in_view(0, home, cell, second, looks));
  EXPECT_EQ(cell, second);
}

TEST(Grid, ACellsNumberIsItsPlaceOnThreeAxes) {
  const Scattered world(1, 15);
  const auto cells = world.config.cells();
  for (std::uint32_t number = 0; number < world.grid.cells(); ++number) {
    const Cell cell = world.grid.cell_of(number);
    ASSERT_EQ(world.grid.number_of(cell), number);
    ASSERT_TRUE(cell.x >= 0 && cell.x < static_cast<int>(cells[0]) && cell.y >= 0 &&
                cell.y < static_cast<int>(cells[1]) && cell.z >= 0 && cell.z < static_cast<int>(cells[2]));
  }
}

TEST(Grid, EveryShardLogsAllThatChangedTheirCell) {
  for (const unsigned shards : {1U, 3U}) {
    Scattered world(shards, 16);
    for (unsigned shard = 0; shard < shards; ++shard) EXPECT_EQ(world.grid.crossings_end(shard), 0U);
    std::set<std::uint16_t> gone;
    const auto number = [&](std::size_t row) {
      return world.grid.number_of(world.grid.cell_at(world.frame.x[row], world.frame.y[row], world.frame.z[row]));
    };
    std::vector<std::uint32_t> before(world.frame.x.size());
    for (std::size_t row = 0; row < before.size(); ++row) before[row] = number(row);
    for (std::size_t row = 0; row < before.size(); row += 3) {
      world.frame.x[row] += row % 2 == 0 ? 60'000.0F : -20'000.0F;
      if (world.identity.living[row] != 0 && number(row) != before[row]) gone.insert(static_cast<std::uint16_t>(row));
    }
    world.index(shards);
    for (unsigned shard = 0; shard < shards; ++shard) {
      ASSERT_EQ(world.grid.crossings_end(shard), gone.size());
      for (std::uint32_t i = 0; i < gone.size(); ++i) {
        const Crossing& crossing = world.grid.crossing(shard, i);
        EXPECT_TRUE(gone.contains(crossing.slot));
        EXPECT_EQ(crossing.from, before[crossing.slot]);
        EXPECT_EQ(crossing.to, number(crossing.slot));
        EXPECT_TRUE(i == 0 || world.grid.crossing(shard, i - 1).to <= crossing.to);
        std::uint32_t between = 0;
        for (std::uint32_t cell = crossing.from; cell < crossing.to; ++cell)
          between += occupants(world.grid, shard, cell);
        EXPECT_EQ(crossing.ahead, between);
      }
    }
    world.index(shards);  // no entity moved
    EXPECT_EQ(world.grid.crossings_end(0), gone.size());
  }
}

TEST(Grid, OfMoreCrossingsThanTheLogKeepsTheNumbersGoOn) {
  Scattered world(1, 17, 4'096);
  for (std::size_t row = 0; row < world.frame.x.size(); ++row) world.frame.x[row] = 819'000 - world.frame.x[row];
  world.index(1);
  const std::uint32_t end = world.grid.crossings_end(0);
  ASSERT_GT(end, Grid::crossings_kept);
  std::set<std::uint16_t> slots;
  for (std::uint32_t i = end - Grid::crossings_kept; i != end; ++i) slots.insert(world.grid.crossing(0, i).slot);
  EXPECT_EQ(slots.size(), Grid::crossings_kept);
}

TEST(Grid, AnEntitysPlaceIsKnownBySlot) {
  Scattered world(3, 18);
  for (std::size_t row = 0; row < world.frame.x.size(); ++row) {
    const std::uint32_t place = world.grid.place_of(static_cast<std::uint16_t>(row));
    if (world.identity.living[row] == 0) {
      EXPECT_EQ(place, Grid::nowhere);
    } else {
      ASSERT_LT(place, world.grid.entities(0));
      EXPECT_EQ(world.grid.slots()[place], row);
    }
  }
}

TEST(Grid, TheNeighbourhoodIsLimitedToTheRadiiInUse) {
  Scattered world(1, 13);
  for (std::size_t row = 0; row < world.rows; ++row) world.identity.type[row] = Type::item;
  world.index(1);
  const unsigned items = world.grid.neighbours_in_use(0);
  EXPECT_EQ(items, 45U);  // 100 m: the cells around, and two layers up and down
  EXPECT_LT(items, world.grid.neighbour_count());
}

}  // namespace
}  // namespace serried::interest
