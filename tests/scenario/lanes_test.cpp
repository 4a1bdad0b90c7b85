/// Several io lanes are one server: clients whose address changes all the time, so that most of what they say comes to
/// a lane that does not own their session.
#include "scenario/engine.h"

namespace serried::scenario {
namespace {

using Io = io::IoCounters;

struct Shape {
  unsigned io_lanes = 1, shards = 1;
};

class Lanes : public testing::TestWithParam<Shape> {};

/// An engine whose clients move to a new port, one after another, every few ticks.
class MovingEngine : public Engine {
 public:
  using Engine::Engine;

  void play_and_move(Nanos duration, Nanos between_moves) {
    Nanos next = now + between_moves;
    for (const Nanos end = now + duration; now < end; step()) {
      if (now < next) continue;
      next += between_moves;
      Bot& bot = *bots[moves % bots.size()];
      const auto port = static_cast<std::uint16_t>(30'000 + moves % 30'000);
      ASSERT_TRUE(bot.port->rebind(port::ipv4_address(10, 0, 1, 2), port));
      ++moves;
    }
  }
  unsigned moves = 0;
};

EngineConfig config_of(const Shape& shape) {
  return {.seed = 51, .shards = shape.shards, .io_lanes = shape.io_lanes, .poll_seed = 7 + shape.io_lanes};
}

/// Move every client every 100 ms, some six ticks, for 8 s. Expect none lost and every view equal to the world.
TEST_P(Lanes, MovingClientsAreHeardAndAnswered) {
  MovingEngine engine{config_of(GetParam())};
  engine.connect_all();
  engine.play_and_move(8 * second, 100 * millisecond / engine.config.players);
  EXPECT_TRUE(engine.all_playing());
  engine.settle(12 * second);  // what was lost with each move has left the congestion windows small
  EXPECT_TRUE(engine.all_playing());
  engine.expect_views_equal_world();
  engine.expect_balanced();
  EXPECT_EQ(engine.total(&Io::ended), 0U);
  EXPECT_EQ(engine.total(&Io::established), engine.config.players);
  EXPECT_EQ(engine.drops(metrics::Drop::unknown_session), 0U);
  EXPECT_EQ(engine.drops(metrics::Drop::handover_ring_full), 0U);
  EXPECT_GT(engine.total(&Io::roamed), engine.moves * 9 / 10);
  EXPECT_GT(engine.audits(), 100U);
  if (GetParam().io_lanes == 1) {
    EXPECT_EQ(engine.total(&Io::handed_over), 0U);
  } else {
    EXPECT_GT(engine.total(&Io::handed_over), engine.total(&Io::delivered) / 4);
  }
}

/// Run one seed with moving clients over servers of several shapes. Expect the same world at every tick.
TEST(ScenarioLanes, OneSeedIsOneHistoryForAnyNumberOfIoLanes) {
  const auto history = [](const Shape& shape) {
    MovingEngine engine{config_of(shape)};
    engine.connect_all();
    engine.play_and_move(5 * second, 100 * millisecond / engine.config.players);
    return engine.hashes;
  };
  const auto one = history({1, 1});
  ASSERT_GT(one.size(), 250U);
  for (const Shape& shape : {Shape{2, 1}, Shape{2, 2}, Shape{4, 3}, Shape{4, 4}, Shape{16, 2}}) {
    const auto other = history(shape);
    ASSERT_EQ(one.size(), other.size());
    for (const auto& [tick, hash] : one)
      ASSERT_EQ(hash, other.at(tick)) << "tick " << tick << ", " << shape.io_lanes << " io lanes, " << shape.shards
                                      << " shards";
  }
}

/// Let every datagram come to any lane, and lose some. Expect every handshake to succeed, though its Connects, its
/// returned cookie and its CryptoTest come to different lanes, and what such a handshake opened twice to end by itself.
TEST(ScenarioLanes, AHandshakeMayComeToAllOfThem) {
  MovingEngine engine{{.seed = 61, .shards = 2, .io_lanes = 4, .scatter = true, .players = 24}};
  engine.network.set_profile({.loss = 0.2, .duplicate = 0.1, .delay_max = 30 * millisecond});
  engine.connect_all();
  engine.set_profiles({}, {});
  engine.play_and_move(5 * second, 20 * millisecond);
  EXPECT_TRUE(engine.all_playing());
  EXPECT_EQ(engine.total(&Io::established), engine.config.players);
  EXPECT_GT(engine.handshake.counters().accepted.value(), engine.config.players)
      << "no Connect was repeated at another lane";
  engine.settle(12 * second);
  EXPECT_TRUE(engine.all_playing());
  engine.expect_views_equal_world();
  engine.expect_balanced();
  EXPECT_EQ(engine.total(&Io::sessions), engine.config.players) << "what was half-open is still there";
}

/// Log in again while the old session still plays, and come to another lane with it. Expect the new session to play,
/// the old one to end, and the player to be in the world once.
TEST(ScenarioLanes, ANewerSessionSupersedesOneOfAnotherLane) {
  Engine engine{{.seed = 71, .shards = 2, .io_lanes = 4, .scatter = true}};
  engine.connect_all();
  unsigned moved = 0;
  for (auto& bot : engine.bots) {
    const std::uint32_t before = session::lane_of(bot->session.connection_id());
    engine.log_in(*bot);
    for (int i = 0; i < 5'000 && !bot->session.connected(); ++i) engine.step();
    ASSERT_TRUE(bot->session.connected()) << bot->session.end_text();
    moved += session::lane_of(bot->session.connection_id()) != before ? 1U : 0U;
  }
  EXPECT_GT(moved, 0U);
  engine.settle(12 * second);
  EXPECT_TRUE(engine.all_playing());
  engine.expect_views_equal_world();
  engine.expect_balanced();
  EXPECT_EQ(engine.handshake.counters().superseded.value(), engine.config.players);
  EXPECT_EQ(engine.total(&Io::sessions), engine.config.players);
}

INSTANTIATE_TEST_SUITE_P(Scenario, Lanes,
                         testing::Values(Shape{1, 1}, Shape{2, 1}, Shape{2, 3}, Shape{4, 2}, Shape{4, 4}, Shape{16, 1}),
                         [](const auto& instance) {
                           return std::to_string(instance.param.io_lanes) + "_io_" +
                                  std::to_string(instance.param.shards) + "_shards";
                         });

}  // namespace
}  // namespace serried::scenario
