#include "replicate/far.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "stage.h"

namespace serried::replicate::test {
namespace {

/// Slots in the blocks of one call, and the call's run.
struct Written {
  std::vector<std::uint16_t> slots;
  FarRun run;
  std::size_t bytes = 0;
};

Written write(Stage& stage, std::size_t room) {
  std::vector<std::uint8_t> bytes(room);
  base::ByteWriter out(bytes);
  Written written;
  if (!far_pending(stage.viewer, stage.context())) return written;
  written.run = write_far(stage.viewer, stage.context(), out, stage.counters);
  EXPECT_TRUE(out.ok());
  written.bytes = out.size();
  base::ByteReader in(out.written());
  message::Framed framed;
  while (message::next(in, framed)) {
    EXPECT_EQ(framed.type, message::Type::entity_block);
    EXPECT_EQ((framed.content.size() - 2) % message::far_record_bytes, 0U);
    for (std::size_t at = 2; at < framed.content.size(); at += message::far_record_bytes)
      written.slots.push_back(message::read_far_record(framed.content.data() + at).slot);
  }
  EXPECT_TRUE(in.ok());
  return written;
}

void crowd(Stage& stage, std::uint16_t count) {
  for (std::uint16_t slot = 1; slot <= count; ++slot) stage.put(slot, 1'000.0F + 10.0F * slot);
  stage.next_tick();
}

TEST(Far, ATurnTellsEachEntityOnceThenRests) {
  Stage stage;
  crowd(stage, 1'000);
  std::map<std::uint16_t, unsigned> seen;
  for (unsigned call = 0; call < 40; ++call)
    for (const auto slot : write(stage, 400).slots) ++seen[slot];
  EXPECT_EQ(seen.size(), 1'001U);
  for (const auto& [slot, times] : seen) EXPECT_EQ(times, 1U) << slot;
  EXPECT_TRUE(stage.viewer.far_resting);
  EXPECT_TRUE(write(stage, 400).slots.empty());
}

TEST(Far, TheNextTurnBeginsAfterTheCycle) {
  Stage stage;
  crowd(stage, 10);
  for (unsigned call = 0; call < 40; ++call) write(stage, 1'000);
  stage.next_tick(stage.config.far_cycle_ticks - 2);
  EXPECT_FALSE(far_pending(stage.viewer, stage.context()));
  stage.next_tick(2);
  EXPECT_TRUE(far_pending(stage.viewer, stage.context()));
  EXPECT_EQ(write(stage, 1'000).slots.size(), 11U);
}

TEST(Far, NeverMoreThanTheRoom) {
  for (std::size_t room = 0; room < 300; ++room) {
    Stage stage;
    crowd(stage, 60);
    const Written written = write(stage, room);
    EXPECT_LE(written.bytes, room);
    EXPECT_EQ(written.slots.empty(), room < 29) << room;
  }
}

TEST(Far, ALostRunIsSaidAgainBeforeTheTurnGoesOn) {
  Stage stage;
  crowd(stage, 500);
  write(stage, 400);
  const Written lost = write(stage, 400);
  write(stage, 400);
  stage.viewer.lost_run[stage.viewer.lost_runs++] = lost.run;
  EXPECT_EQ(write(stage, 400).slots, lost.slots);
}

/// As --view-distance scales them.
world::Config view_distance(float units) {
  world::Config world;
  const float scale = units / world.radius[0];
  for (float& radius : world.radius) radius *= scale;
  return world;
}

TEST(Far, ATurnTellsExactlyWhoIsNearerThanTheRadiusOfItsType) {
  std::uint64_t seed = 0;
  for (const float distance : {1'000.0F, 5'000.0F, 30'000.0F, 100'000.0F})
    for (const unsigned room : {60U, 400U, 1'100U}) {
      Stage stage({}, view_distance(distance));
      base::Prng random(++seed);
      const float across = 2.6F * stage.world.radius[3];  // the widest
      const auto along = [&](float middle, float low, float high) {
        return std::clamp(middle + (static_cast<float>(random.unit()) - 0.5F) * across, low, high);
      };
      for (std::uint16_t slot = 1; slot < 4'000; ++slot) {
        stage.put(slot, 0, static_cast<world::Type>(random.below(world::type_count)));
        stage.frame.x[slot] = along(400'000, 0, 819'199);
        stage.frame.y[slot] = along(400'000, 0, 819'199);
        stage.frame.z[slot] = along(1'000, 0, 25'599);
      }
      stage.next_tick();
      std::vector<unsigned> told(Stage::rows);
      for (unsigned call = 0; call < 4'000 && !stage.viewer.far_resting; ++call)
        for (const auto slot : write(stage, room).slots) ++told[slot];
      ASSERT_TRUE(stage.viewer.far_resting);
      double furthest = 0;
      for (std::uint16_t slot = 1; slot < 4'000; ++slot) {
        const double away = std::hypot(stage.frame.x[slot] - stage.frame.x[0], stage.frame.y[slot] - stage.frame.y[0],
                                       stage.frame.z[slot] - stage.frame.z[0]);
        const auto radius =
            static_cast<double>(stage.world.radius[static_cast<std::size_t>(stage.identity.type[slot])]);
        if (std::abs(away - radius) < 1e-5 * radius) continue;  // rounding decides
        EXPECT_EQ(told[slot], away < radius ? 1U : 0U) << away << " of " << radius << ", distance " << distance;
        if (told[slot] != 0) furthest = std::max(furthest, away / radius);
      }
      EXPECT_LT(furthest, 1.0 + 1e-5) << "distance " << distance;
    }
}

TEST(Far, WhoCrossesCellsBeyondTheViewIsNotTold) {
  Stage stage({}, view_distance(5'000));
  crowd(stage, 300);
  stage.put(5, 30'000);
  stage.next_tick();
  write(stage, 900);
  ASSERT_GT(stage.viewer.far_at.slot, 5);
  stage.put(5, 9'000);  // behind the turn, in the cell of the viewer, and too far
  stage.next_tick();
  const Written written = write(stage, 400);
  EXPECT_EQ(std::count(written.slots.begin(), written.slots.end(), 5), 0);
  EXPECT_EQ(stage.counters.far_crossings.value(), 0U);
}

TEST(Far, ACrowdBeyondTheViewEndsNoTurnAndCostsABoundedLook) {
  Stage stage({.far_cells = 2}, view_distance(5'000));
  for (std::uint16_t slot = 1; slot < 3'000; ++slot) stage.put(slot, slot % 2 == 0 ? -6'000.0F : 6'000.0F);
  stage.put(3'000, 1'000);
  stage.next_tick();
  std::vector<std::uint16_t> seen;
  unsigned calls = 0;
  for (; calls < 100 && !stage.viewer.far_resting; ++calls)
    for (const auto slot : write(stage, 400).slots) seen.push_back(slot);
  EXPECT_TRUE(stage.viewer.far_resting);
  EXPECT_EQ(seen, (std::vector<std::uint16_t>{0, 3'000}));
  EXPECT_GE(calls, 3'000U / 192 / 2) << "all of them in one go";
}

TEST(Far, EntitiesBeyondTheirRadiusAndACellAreInNoBlock) {
  Stage stage;
  stage.put(1, 1'000 + 40'000);
  stage.put(2, 1'000 + 110'000);
  stage.next_tick();
  std::vector<std::uint16_t> seen;
  for (unsigned call = 0; call < 40; ++call)
    for (const auto slot : write(stage, 400).slots) seen.push_back(slot);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 1);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 2), 0);
}

TEST(Far, TheInvisibleAreInNoBlockOfFriendOrFoe) {
  Stage stage;
  for (std::uint16_t slot = 1; slot <= 8; ++slot) {
    stage.put(slot, 1'000.0F * slot, world::Type::player, slot % 2 == 0 ? 1 : 2);
    if (slot > 4) stage.frame.state_flags[slot] |= world::state_flag::is_invisible;
  }
  stage.next_tick();
  std::vector<std::uint16_t> seen;
  for (unsigned call = 0; call < 10; ++call)
    for (const auto slot : write(stage, 400).slots) seen.push_back(slot);
  EXPECT_EQ(seen, (std::vector<std::uint16_t>{0, 1, 2, 3, 4}));
}

TEST(Far, AnEntityThatCrossesBehindTheTurnIsSentAtOnce) {
  Stage stage;
  crowd(stage, 300);
  stage.put(5, 30'000);  // cells further east
  stage.next_tick();
  write(stage, 900);
  ASSERT_GT(stage.viewer.far_at.slot, 100);
  stage.put(5, 1'000);
  stage.put(50, 1'500);  // does not leave its cell
  stage.next_tick();
  const Written written = write(stage, 400);
  EXPECT_EQ(std::count(written.slots.begin(), written.slots.end(), 5), 1);
  EXPECT_EQ(std::count(written.slots.begin(), written.slots.end(), 50), 0);
  EXPECT_EQ(stage.counters.far_crossings.value(), 1U);
}

TEST(Far, AnEntityThatCrossesAheadOfTheTurnWaitsForIt) {
  Stage stage;
  crowd(stage, 300);
  stage.put(290, 30'000);
  stage.next_tick();
  write(stage, 900);
  stage.put(290, 1'000);  // from the next cell to where the turn is about to come
  stage.put(50, 30'000);  // from where it has been to the next cell
  stage.next_tick();
  std::map<std::uint16_t, unsigned> seen;
  for (unsigned call = 0; call < 5; ++call)
    for (const auto slot : write(stage, 900).slots) ++seen[slot];
  EXPECT_EQ(seen[290], 1U);
  EXPECT_EQ(seen[50], 1U);
  EXPECT_EQ(stage.counters.far_crossings.value(), 0U);
}

TEST(Far, WhenAllCrossAtOnceTheTurnGoesOnAndThoseMissedAreCounted) {
  Stage stage;
  crowd(stage, 3'000);
  write(stage, 900);
  for (unsigned call = 0; call < 40; ++call) {
    for (std::uint16_t slot = 1; slot <= 3'000; ++slot)
      stage.put(slot, 1'000.0F + static_cast<float>((slot + call) % 2) * 30'000.0F);
    const FarPoint before = stage.viewer.far_at;
    const std::uint32_t turn = stage.viewer.far_turn_tick;
    stage.next_tick();
    write(stage, 400);
    stage.next_tick();
    write(stage, 400);
    EXPECT_TRUE(stage.viewer.far_at != before || stage.viewer.far_turn_tick != turn || stage.viewer.far_resting);
  }
  EXPECT_GT(stage.counters.far_crossings_missed.value(), 10'000U);
}

/// A crowd on several shards that walks over borders of cells in all directions, up and down too, and a viewer that
/// does. What it knows comes from the bytes that it is sent alone.
class Crowd {
 public:
  Crowd(unsigned shards, std::uint64_t seed)
      : shards_(shards),
        rows_each_(people / shards + 8),
        rows_(rows_each_ * shards),
        world_(small_cells()),
        frame_(rows_, 0),
        identity_(rows_),
        published_(rows_),
        grid_(world_, shards, rows_each_),
        random_(seed),
        velocity_(rows_),
        told_(rows_),
        in_view_since_(rows_) {
    for (std::size_t row = 0; row < rows_; ++row) {
      if (row % 97 == 5) continue;
      const auto within = [&](float from, float size) { return from + static_cast<float>(random_.unit()) * size; };
      world::spawn(frame_, identity_, row,
                   {.id = row,
                    .type = row == 0 ? world::Type::player : kind(row),
                    .position = {within(west, width), within(west, width), within(low, height)}},
                   0);
      turn_around(row);
    }
    index();
    begin(viewer, 0, 0, 3, tick);
  }

  void next_tick() {
    ++tick;
    for (std::size_t row = 0; row < rows_; ++row) walk(row);
    index();
  }
  /// One datagram with room for so many bytes of far blocks. Returns its run.
  FarRun say(std::size_t room) {
    std::vector<std::uint8_t> bytes(room);
    base::ByteWriter out(bytes);
    if (!far_pending(viewer, context())) return {};
    const FarRun run = write_far(viewer, context(), out, counters);
    base::ByteReader in(out.written());
    message::Framed framed;
    while (message::next(in, framed))
      for (std::size_t at = 2; at < framed.content.size(); at += message::far_record_bytes)
        told_[message::read_far_record(framed.content.data() + at).slot] = tick;
    longest_turn = std::max(longest_turn, viewer.far_turn_ticks);
    return run;
  }
  /// How long ago the viewer was last told of the entities in view: the most of any, ticks.
  std::uint32_t oldest() {
    std::uint32_t most = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      const float dx = frame_.x[row] - frame_.x[0], dy = frame_.y[row] - frame_.y[0], dz = frame_.z[row] - frame_.z[0];
      const float radius = world_.radius[static_cast<std::size_t>(identity_.type[row])];
      const bool in_view = identity_.living[row] != 0 && dx * dx + dy * dy + dz * dz <= radius * radius;
      if (!in_view) in_view_since_[row] = tick;
      most = std::max(most, tick - std::max(told_[row], in_view_since_[row]));
    }
    return most;
  }
  [[nodiscard]] ReplicationContext context() const {
    return {.world = &world_,
            .config = &config,
            .grid = &grid_,
            .published = &published_,
            .coarse = &coarse_,
            .tick = tick,
            .shard = 0};
  }

  static constexpr unsigned people = 2'000;
  Config config;
  Viewer viewer{};
  PlanCounters counters;
  std::uint32_t tick = 0, longest_turn = 0;

 private:
  static constexpr float west = 47'000.0F, width = 8'000.0F, low = 5'000.0F, height = 3'000.0F;

  static world::Config small_cells() {
    world::Config config;
    config.cell_size_xy = 6'400.0F;
    config.geometry.sections = {4, 4, 2};
    return config;
  }
  static world::Type kind(std::size_t row) {
    return row % 5 == 0 ? world::Type::item : row % 5 == 1 ? world::Type::npc : world::Type::player;
  }
  void turn_around(std::size_t row) {
    for (float& along : velocity_[row]) along = (static_cast<float>(random_.unit()) - 0.5F) * 15.0F;
    velocity_[row][2] *= 0.2F;
  }
  void walk(std::size_t row) {
    if (identity_.living[row] == 0) return;
    if (random_.chance(0.01)) turn_around(row);
    const auto move = [](float& at, float& along, float from, float size) {
      at += along;
      if (at < from || at > from + size) along = -along;
      at = std::clamp(at, from, from + size);
    };
    move(frame_.x[row], velocity_[row][0], west, width);
    move(frame_.y[row], velocity_[row][1], west, width);
    move(frame_.z[row], velocity_[row][2], low, height);
  }
  void index() {
    const std::size_t each = rows_each_;
    for (unsigned shard = 0; shard < shards_; ++shard) {
      grid_.clear(shard);
      grid_.count(shard, frame_, identity_, shard * each, (shard + 1) * each);
    }
    for (unsigned shard = 0; shard < shards_; ++shard) {
      while (!grid_.add_up(shard, 100'000)) {
      }
      world::publish_rows(world_, frame_, identity_, published_, tick, 4, shard * each, (shard + 1) * each);
      grid_.scatter(shard, frame_, identity_, shard * each, (shard + 1) * each);
    }
  }

  unsigned shards_, rows_each_;
  std::size_t rows_;
  world::Config world_;
  world::Frame frame_;
  world::Identity identity_;
  world::Published published_;
  interest::Grid grid_;
  CoarseFractions coarse_{Config{}.foe_steps};
  base::Prng random_;
  std::vector<std::array<float, 3>> velocity_;
  std::vector<std::uint32_t> told_, in_view_since_;
};

/// For numbers of shards, intervals between two datagrams, and rooms, each with a seed of its own: turns of 20 to 300
/// ticks.
TEST(Far, NoEntityInViewIsStalerThanATurnAndAnEighth) {
  std::uint64_t seed = 0;
  for (const unsigned shards : {1U, 3U})
    for (const unsigned interval : {1U, 3U})
      for (const std::size_t room : {200U, 900U}) {
        Crowd crowd(shards, ++seed);
        std::uint32_t oldest = 0;
        while (crowd.tick < 900) {
          crowd.next_tick();
          if (crowd.tick % interval == 0) crowd.say(room);
          oldest = std::max(oldest, crowd.oldest());
        }
        const std::uint32_t turn = crowd.longest_turn;
        EXPECT_EQ(crowd.counters.far_crossings_missed.value(), 0U);
        EXPECT_GT(crowd.counters.far_crossings.value(), 0U);
        // Records of 6 bytes, and a third for framing, crossings and room left empty.
        EXPECT_LE(turn, interval * (Crowd::people * message::far_record_bytes * 4 / 3 / room + 2));
        EXPECT_LE(oldest, std::max(2 * crowd.config.far_cycle_ticks, turn + turn / 8 + 2 * interval))
            << "seed " << seed << ", shards " << shards << ", interval " << interval << ", room " << room << ", turn "
            << turn;
      }
}

}  // namespace
}  // namespace serried::replicate::test
