/// Long lives: every number that is counted modulo something turns over while players play, and none of them notices.
#include <cmath>

#include "scenario/engine.h"

namespace serried::scenario {
namespace {

/// Ticks, and time, that pass before a wrap comes.
constexpr std::uint32_t ticks_before = 200;
constexpr Nanos time_before = 4 * second;

struct Wrap {
  const char* name;
  std::uint32_t first_tick = 0;
  Nanos began = 1'000 * second;
};

void PrintTo(const Wrap& wrap, std::ostream* out) { *out << wrap.name; }

class Wraps : public testing::TestWithParam<Wrap> {};

/// Play across it under loss: no session is lost, the world goes on, each client knows the server's tick, audits and
/// views are right.
TEST_P(Wraps, AreCrossedInPlay) {
  Engine engine{{.seed = 31,
                 .shards = 2,
                 .io_lanes = 2,
                 .players = 8,
                 .first_tick = GetParam().first_tick,
                 .began = GetParam().began}};
  engine.connect_all();
  engine.set_profiles({.loss = 0.1, .delay_max = 30 * millisecond}, {.loss = 0.1, .delay_max = 30 * millisecond});
  for (int part = 0; part < 80; ++part) {
    engine.run(100 * millisecond);
    for (const auto& bot : engine.bots) {
      const view::View& view = bot->session.view();
      const double ahead = view.clock().ticks_since(engine.simulation->hashed_tick(), engine.now);
      ASSERT_LT(std::abs(ahead), 12.0) << "after " << part << " tenths of a second";
      const view::Tracked* own = view.own();
      ASSERT_NE(own, nullptr);
      unsigned shown = 0;
      view.for_each_shown(engine.now, [&](const view::Tracked& entity, const view::Drawn& drawn) {
        if (!entity.own) return;
        ++shown;
        const auto last = view.position(entity);
        // 600 units a second, for the delay and what loss adds to it.
        EXPECT_LT(std::hypot(drawn.position[0] - last[0], drawn.position[1] - last[1]), 600.0F) << "after " << part;
      });
      EXPECT_TRUE(shown == 1 || part < 10) << "after " << part;
    }
  }
  EXPECT_TRUE(engine.all_playing());
  EXPECT_GT(engine.hashes.size(), 8 * 60U - 10);
  engine.settle();
  engine.expect_views_equal_world();
  engine.expect_balanced();
  EXPECT_GT(engine.audits(), 100U);
  // A player that has gone is despawned when its time is over, and one that comes finds room.
  engine.bots.front()->session.close(engine.now);
  engine.run(second);
  engine.add_bot(100);
  engine.run(2 * second);
  EXPECT_TRUE(engine.bots.back()->session.connected());
}

constexpr Wrap wraps[] = {
    {.name = "tick_16", .first_tick = (1U << 16) - ticks_before},
    {.name = "tick_31", .first_tick = (1U << 31) - ticks_before},
    {.name = "tick_32", .first_tick = 0U - ticks_before},
    {.name = "microseconds_31", .began = (Nanos{1} << 31) * microsecond - time_before},
    {.name = "microseconds_32", .began = (Nanos{1} << 32) * microsecond - time_before},
    {.name = "milliseconds_31", .began = (Nanos{1} << 31) * millisecond - time_before},
    {.name = "milliseconds_32", .began = (Nanos{1} << 32) * millisecond - time_before},
    {.name = "units_48", .began = (Nanos{1} << 48) * 1'024 - time_before},
};
INSTANTIATE_TEST_SUITE_P(Scenario, Wraps, testing::ValuesIn(wraps),
                         [](const auto& instance) { return std::string(instance.param.name); });

/// The 16 bits of input sequences and of plans turn over: some nine minutes at the highest rate.
TEST(Scenario, InputSequencesWrap) {
  Engine engine{{.seed = 32, .players = 2, .npcs = 4, .input_hz = 120, .step = 8 * millisecond}};
  engine.connect_all();
  engine.run(540 * second);
  std::uint16_t lowest = 0xFFFF;
  for (int part = 0; part < 10; ++part) {
    engine.run(second);
    for (const auto& bot : engine.bots) {
      const auto waiting = static_cast<std::uint16_t>(bot->session.last_input() - bot->session.view().applied_input());
      EXPECT_LT(waiting, 30) << "inputs are applied on both sides of the wrap";
      lowest = std::min(lowest, bot->session.last_input());
    }
  }
  EXPECT_LT(lowest, 2'000) << "they have wrapped";
  EXPECT_TRUE(engine.all_playing());
  engine.settle();
  engine.expect_views_equal_world();
}

}  // namespace
}  // namespace serried::scenario
