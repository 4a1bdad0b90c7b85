/// Clients that hear and speak once a frame, as games that draw do. What the server waits for comes later than the path
/// and the ack delay account for, and by a time that drifts against the ticks; none of it is lost.
#include "scenario/engine.h"

namespace serried::scenario {
namespace {

struct Pace {
  Nanos frame, round_trip;
  unsigned input_hz;
};

void PrintTo(const Pace& pace, std::ostream* out) {
  *out << pace.frame / millisecond << " ms a frame, " << pace.round_trip / millisecond << " ms, " << pace.input_hz
       << " inputs a second";
}

class Frames : public testing::TestWithParam<Pace> {
 protected:
  static EngineConfig config() {
    EngineConfig config;
    config.players = 6;
    config.input_hz = GetParam().input_hz;
    return config;
  }
  static std::unique_ptr<Engine> connected() {
    auto engine = std::make_unique<Engine>(config());
    engine->connect_all();
    for (auto& bot : engine->bots) {
      bot->frame = GetParam().frame;
      bot->next_frame = engine->now + bot->mind.below(GetParam().frame + 1) / millisecond * millisecond;
    }
    const Nanos one_way = GetParam().round_trip / 2;
    engine->set_profiles({.delay_min = one_way, .delay_max = one_way}, {.delay_min = one_way, .delay_max = one_way});
    return engine;
  }
  /// Of the server, of its shards, of the clients.
  struct Counts {
    std::uint64_t timeouts, window_full, of_clients;
    bool operator==(const Counts&) const = default;
  };
  static Counts count(const Engine& engine) {
    Counts counts{engine.total(&io::IoCounters::retransmission_timeouts), 0, 0};
    for (const auto& shard : engine.shards)
      counts.window_full += shard->counters().drops.value(metrics::Drop::window_full);
    for (const auto& bot : engine.bots) counts.of_clients += bot->session.counters().timeouts;
    return counts;
  }
  /// A question each half second keeps the reliable channels in use in both directions.
  static void talk(Engine& engine) {
    for (auto& bot : engine.bots) {
      static constexpr std::array<std::uint8_t, 14> action{};
      static_cast<void>(bot->session.send_message(wire::Channel::reliable_ordered, message::Type::action, action,
                                                  channel::Urgency::immediate, engine.now));
    }
  }
};

TEST_P(Frames, NothingTimesOutOnAWireThatLosesNothing) {
  const auto engine = connected();
  engine->run(3 * second);
  const Counts before = count(*engine);
  for (int i = 0; i < 40; ++i) {
    talk(*engine);
    engine->run(second / 2);
  }
  const Counts after = count(*engine);
  EXPECT_EQ(after.timeouts, before.timeouts);
  EXPECT_EQ(after.window_full, before.window_full);
  EXPECT_EQ(after.of_clients, before.of_clients);
  EXPECT_TRUE(engine->all_playing());
}

/// Programs that share a core get their turn when they get it.
TEST(ScenarioFrames, NothingTimesOutWhileClientsStumble) {
  EngineConfig config;
  config.players = 10;
  Engine engine{config};
  engine.connect_all();
  const auto timeouts_of = [&](Nanos duration) {
    const std::uint64_t before = engine.total(&io::IoCounters::retransmission_timeouts);
    for (const Nanos end = engine.now + duration; engine.now < end; engine.step())
      for (auto& bot : engine.bots)
        if (engine.now >= bot->next_frame) bot->frame = (5 + bot->mind.below(120)) * millisecond;
    return engine.total(&io::IoCounters::retransmission_timeouts) - before;
  };
  static_cast<void>(timeouts_of(10 * second));
  EXPECT_EQ(timeouts_of(30 * second), 0U);
}

INSTANTIATE_TEST_SUITE_P(Scenario, Frames,
                         testing::Values(Pace{16 * millisecond, 0, 30}, Pace{16 * millisecond, 0, 60},
                                         Pace{17 * millisecond, 2 * millisecond, 20}, Pace{33 * millisecond, 0, 30},
                                         Pace{33 * millisecond, 40 * millisecond, 10}, Pace{50 * millisecond, 0, 20},
                                         Pace{50 * millisecond, 100 * millisecond, 20}, Pace{184 * millisecond, 0, 10}),
                         [](const auto& instance) {
                           const Pace& pace = instance.param;
                           return std::to_string(pace.frame / millisecond) + "ms_" +
                                  std::to_string(pace.round_trip / millisecond) + "ms_" +
                                  std::to_string(pace.input_hz) + "hz";
                         });

}  // namespace
}  // namespace serried::scenario
