/// Stories of the whole engine, each from one seed.
#include "scenario/engine.h"

namespace serried::scenario {
namespace {

using Hashes = std::map<std::uint32_t, std::uint64_t>;

TEST(Scenario, ViewsConvergeOnAPerfectWire) {
  Engine engine{{.seed = 11}};
  engine.connect_all();
  engine.run(6 * second);
  engine.settle();
  engine.expect_views_equal_world();
  engine.expect_balanced();
  EXPECT_GT(engine.audits(), 100U);
}

struct Weather {
  const char* name;
  port::LoopProfile up, down;
};

void PrintTo(const Weather& weather, std::ostream* out) { *out << weather.name; }

class FaultyWire : public testing::TestWithParam<Weather> {};

/// Play over a wire with faults, then let them end. Expect every view to equal the world, and the books to balance.
TEST_P(FaultyWire, ViewsConvergeAfterTheWireRecovers) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(testing::Message() << GetParam().name << ", seed " << seed);
    Engine engine{{.seed = seed, .shards = 1 + static_cast<unsigned>(seed % 2)}};
    engine.set_profiles({}, {});
    engine.connect_all();
    engine.set_profiles(GetParam().up, GetParam().down);
    engine.run(6 * second);
    engine.expect_balanced();
    engine.settle();
    engine.expect_views_equal_world();
    engine.expect_balanced();
    EXPECT_TRUE(engine.all_playing());
    EXPECT_GT(engine.audits(), 100U);
  }
}

constexpr port::LoopProfile lossy{.loss = 0.3};
constexpr port::LoopProfile doubled{.duplicate = 0.5, .delay_max = 30 * millisecond};
constexpr port::LoopProfile shuffled{.delay_min = 5 * millisecond, .delay_max = 120 * millisecond};
constexpr port::LoopProfile bent{.flip = 0.2};
constexpr port::LoopProfile slow{.delay_min = 400 * millisecond, .delay_max = 450 * millisecond};
constexpr port::LoopProfile storm{
    .loss = 0.2, .duplicate = 0.2, .flip = 0.05, .delay_min = 0, .delay_max = 200 * millisecond};

INSTANTIATE_TEST_SUITE_P(Scenario, FaultyWire,
                         testing::Values(Weather{"loss", lossy, lossy}, Weather{"loss_down", {}, lossy},
                                         Weather{"loss_up", lossy, {}}, Weather{"duplication", doubled, doubled},
                                         Weather{"reordering", shuffled, shuffled}, Weather{"corruption", bent, bent},
                                         Weather{"slow", slow, slow}, Weather{"storm", storm, storm}),
                         [](const auto& instance) { return std::string(instance.param.name); });

/// Connect, walk, lose inputs on the way up. Returns what the world was at every tick.
Hashes history(const EngineConfig& config) {
  Engine engine{config};
  engine.connect_all();
  engine.set_profiles({.loss = 0.1, .duplicate = 0.1, .delay_min = millisecond, .delay_max = 40 * millisecond}, {});
  engine.run(5 * second);
  return engine.hashes;
}

TEST(Scenario, OneSeedGivesOneHistoryForAnyNumberOfShards) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Hashes one = history({.seed = seed, .shards = 1});
    ASSERT_GT(one.size(), 250U);
    for (const unsigned shards : {1U, 2U, 3U, 4U, 8U}) {
      const Hashes other = history({.seed = seed, .shards = shards, .poll_seed = 1'000 + shards});
      ASSERT_EQ(one.size(), other.size()) << shards << " shards";
      for (const auto& [tick, hash] : one)
        ASSERT_EQ(hash, other.at(tick)) << "tick " << tick << ", " << shards << " shards";
    }
    EXPECT_NE(one.rbegin()->second, history({.seed = seed + 100}).rbegin()->second) << "another seed, another world";
  }
}

/// A table of sessions and a world without a free place; clients die and come back through another port, and others try
/// to get in. Their own places are the ones that they get.
TEST(Scenario, PlayersOfAFullServerComeBackWhileOthersAreTurnedAway) {
  Engine engine{{.seed = 23, .shards = 2, .players = 16, .npcs = 8, .sessions = 16}};
  engine.connect_all();
  if (HasFailure()) return;
  engine.run(session::Attempt::remembered_for + second);  // the table of attempts is as small
  std::vector<Bot*> strangers;
  for (std::uint64_t id = 100; id < 104; ++id) strangers.push_back(&engine.add_bot(id));
  for (unsigned i = 0; i < 8; ++i) {
    engine.bots[i]->silent = true;  // died: says nothing, and the server does not know
    Bot& back = engine.add_bot(engine.bots[i]->player_id);
    engine.run(500 * millisecond);
    EXPECT_TRUE(back.session.connected()) << i << ": " << back.session.end_text();
  }
  EXPECT_EQ(engine.total(&io::IoCounters::timed_out), 0U) << "none waited for a time-out";
  EXPECT_EQ(engine.total(&io::IoCounters::sessions), 16U);
  engine.run(4 * second);
  for (const Bot* stranger : strangers) {
    EXPECT_EQ(stranger->session.deny_reason(), message::DenyReason::full);
    EXPECT_GT(stranger->session.retry_after_ms(), 0U);
  }
  for (unsigned i = 8; i < 16; ++i) EXPECT_TRUE(engine.bots[i]->session.connected()) << i;
  std::uint64_t resumed = 0;
  for (const auto& shard : engine.shards) resumed += shard->counters().resumed.value();
  EXPECT_EQ(resumed, 8U);
  engine.expect_balanced();
}

TEST(Scenario, ARunIsRepeatableUnderLossBothWays) {
  const auto run = [] {
    Engine engine{{.seed = 5, .shards = 2}};
    engine.connect_all();
    engine.set_profiles(storm, storm);
    engine.run(4 * second);
    return std::pair{engine.hashes, engine.total(&io::IoCounters::received_body_bytes)};
  };
  EXPECT_EQ(run(), run());
}

TEST(Scenario, NoEntityStaysInViewsAfterPlayersLeave) {
  Engine engine{{.seed = 21, .shards = 2, .players = 10}};
  engine.connect_all();
  engine.set_profiles(lossy, lossy);
  for (int round = 0; round < 5; ++round) {
    engine.bots[static_cast<std::size_t>(round)]->session.close(engine.now);
    engine.run(500 * millisecond);
    engine.add_bot(100 + static_cast<std::uint64_t>(round));
    engine.run(500 * millisecond);
  }
  engine.run(4 * second);
  engine.settle(20 * second);  // a client that left unheard is noticed after 15 s of silence
  engine.expect_views_equal_world();
  engine.expect_balanced();
  unsigned playing = 0;
  for (const auto& bot : engine.bots) playing += bot->session.connected() ? 1 : 0;
  EXPECT_EQ(playing, 10U);
  EXPECT_EQ(engine.total(&io::IoCounters::sessions), 10U);
}

TEST(Scenario, ViewsConvergeWithASmallDatagramBudget) {
  Engine engine{{.seed = 31, .players = 30, .npcs = 200, .datagram_bytes = 256}};
  engine.connect_all();
  engine.set_profiles(lossy, lossy);
  engine.run(5 * second);
  engine.settle(20 * second);
  engine.expect_views_equal_world();
}

TEST(Scenario, SessionsLastAndViewsConvergeWithLongRoundTrips) {
  constexpr port::LoopProfile satellite{
      .loss = 0.05, .delay_min = 1'000 * millisecond, .delay_max = 1'200 * millisecond};
  Engine engine{{.seed = 41, .players = 4, .npcs = 20}};
  engine.connect_all();
  engine.set_profiles(satellite, satellite);
  engine.run(20 * second);
  EXPECT_TRUE(engine.all_playing());
  engine.settle(10 * second);
  engine.expect_views_equal_world();
}

}  // namespace
}  // namespace serried::scenario
