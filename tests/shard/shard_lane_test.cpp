#include "shard/shard_lane.h"

#include <cmath>
#include <thread>

#include <gtest/gtest.h>

#include "shard/fixture.h"

namespace serried::shard::test {
namespace {

GameSetup setup_of(unsigned shards, unsigned npcs, float spread) {
  GameSetup setup;
  setup.shards = shards;
  setup.sessions_per_lane = 512;
  setup.seed = 42;
  setup.world.players_max = 256;
  setup.world.npcs = npcs;
  setup.reference.player_spawn_half = spread;
  setup.reference.npc_spawn_half = spread;
  setup.reference.npc_decision_ticks = 40;
  setup.replicate.audit_per_second = 20;
  return setup;
}

void walk_all(ShardRig& rig) {
  for (auto& player : rig.players) {
    if (!player->playing || rig.random.chance(0.2)) continue;
    const auto step = [&] { return static_cast<std::int8_t>(static_cast<int>(rig.random.below(255)) - 127); };
    rig.input(*player, step(), step(), rig.random.chance(0.5) ? motion::button::run : std::uint8_t{0},
              static_cast<std::int16_t>(static_cast<int>(rig.random.below(65'536)) - 32'768));
  }
}

std::map<std::uint16_t, Simulation::Living> world_of(const ShardRig& rig) {
  std::map<std::uint16_t, Simulation::Living> living;
  rig.simulation.for_each_entity([&](const Simulation::Living& entity) { living.emplace(entity.slot, entity); });
  return living;
}

/// Everything a client believes is so, and everything in its reach is believed (when all of it fits the tracked set).
void expect_true_views(const ShardRig& rig, bool everything_fits) {
  const auto world = world_of(rig);
  for (const auto& player : rig.players) {
    if (!player->playing) continue;
    const ModelClient& client = player->client;
    EXPECT_TRUE(client.faults.empty()) << client.faults.front();
    EXPECT_EQ(client.audits_wrong, 0U) << "player " << player->id;
    const Simulation::Living* own = nullptr;
    for (const auto& [slot, known] : client.entities) {
      const auto real = world.find(slot);
      ASSERT_NE(real, world.end()) << "player " << player->id << " sees a phantom in slot " << slot;
      EXPECT_EQ(real->second.id, known.id);
      EXPECT_EQ(real->second.generation, known.generation);
      EXPECT_TRUE(real->second.state == known.state) << "player " << player->id << " slot " << slot;
      if (known.own) own = &real->second;
    }
    ASSERT_NE(own, nullptr) << "player " << player->id << " does not see itself";
    EXPECT_EQ(own->id, world::player_entity(player->id));
    if (!everything_fits) continue;
    for (const auto& [slot, real] : world) {
      const float dx = real.position[0] - own->position[0], dy = real.position[1] - own->position[1];
      const world::Config& config = rig.simulation.setup().world;
      const float radius = config.radius[static_cast<std::size_t>(real.type)] * config.enter_share;
      const bool in_view = dx * dx + dy * dy <= radius * radius;
      EXPECT_TRUE(!in_view || client.entities.contains(slot)) << "player " << player->id << " misses slot " << slot;
    }
  }
}

TEST(ShardLane, APlayerIsSentItselfAndAllInView) {
  ShardRig rig(setup_of(1, 40, 5'000.0F));
  for (std::uint64_t id = 1; id <= 10; ++id) rig.join(id);
  rig.ticks(60);
  for (const auto& player : rig.players) EXPECT_EQ(player->client.entities.size(), 50U);
  EXPECT_EQ(rig.lanes[0]->counters().players.value(), 10U);
  EXPECT_EQ(rig.lanes[0]->counters().entities.value(), 50U);
  EXPECT_EQ(rig.simulation.entity_count(), 50U);
}

TEST(ShardLane, InputMovesThePlayerAndIsEchoed) {
  ShardRig rig(setup_of(1, 0, 5'000.0F));
  Player& player = rig.join(7);
  rig.ticks(5);
  const auto before = world_of(rig).begin()->second.position;
  for (int i = 0; i < 60; ++i) {
    rig.input(player, 127, 0);
    rig.tick();
  }
  const auto after = world_of(rig).begin()->second.position;
  EXPECT_NEAR(after[0] - before[0], 300.0F, 20.0F);
  EXPECT_FLOAT_EQ(after[1], before[1]);
  EXPECT_EQ(player.client.applied_input, 60);
}

TEST(ShardLane, APlayerStopsAQuarterSecondAfterItsLastInput) {
  ShardRig rig(setup_of(1, 0, 5'000.0F));
  Player& player = rig.join(7);
  rig.ticks(5);
  rig.input(player, 127, 0);
  rig.ticks(15);
  const auto moving = world_of(rig).begin()->second.state.velocity[0];
  EXPECT_EQ(moving, 300);
  rig.ticks(30);
  const auto stopped = world_of(rig).begin()->second;
  EXPECT_EQ(stopped.state.velocity[0], 0);
  rig.ticks(10);
  EXPECT_EQ(world_of(rig).begin()->second.position, stopped.position);
}

TEST(ShardLane, MoreInputsDoNotMoveAPlayerFaster) {
  ShardRig rig(setup_of(1, 0, 5'000.0F));
  Player& honest = rig.join(1);
  Player& greedy = rig.join(2);
  rig.ticks(5);
  const auto position = [&](const Player& player) {
    for (const auto& [slot, entity] : world_of(rig))
      if (entity.id == world::player_entity(player.id)) return entity.position[0];
    return 0.0F;
  };
  const float honest_before = position(honest), greedy_before = position(greedy);
  for (int i = 0; i < 120; ++i) {
    rig.input(honest, 127, 0, motion::button::run);
    for (int more = 0; more < 5; ++more) rig.input(greedy, 127, 0, motion::button::run);
    rig.tick();
  }
  EXPECT_NEAR(position(greedy) - greedy_before, position(honest) - honest_before, 10.0F);
  EXPECT_GT(rig.lanes[0]->counters().drops.value(metrics::Drop::input_queue_full), 100U);
}

TEST(ShardLane, OldAndUnknownInputsAreCounted) {
  ShardRig rig(setup_of(1, 0, 5'000.0F));
  Player& player = rig.join(1);
  rig.ticks(2);
  rig.input(player, 1, 0);
  player.input_sequence = 0;
  rig.input(player, 1, 0);  // the same sequence again
  rig.links[0]->inputs.push(link::InputRow{.connection_id = session::make_id(0, 3, 5), .has_input = 1});
  rig.links[0]->inputs.push(link::InputRow{.connection_id = session::make_id(0, 100'000, 5), .has_input = 1});
  rig.tick();
  const auto& drops = rig.lanes[0]->counters().drops;
  EXPECT_EQ(drops.value(metrics::Drop::stale_input), 1U);
  EXPECT_EQ(drops.value(metrics::Drop::shard_unknown_viewer), 2U);
}

/// The heart of it: with a bad wire, once the world rests, every view is exactly the world.
void converge(unsigned shards, Weather weather, std::uint64_t seed, unsigned npcs, unsigned settle_ticks) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  GameSetup setup = setup_of(shards, npcs, 20'000.0F);
  setup.reference.npc_stop_tick = 400;
  ShardRig rig(setup, seed);
  rig.weather = weather;
  for (std::uint64_t id = 1; id <= 16; ++id) rig.join(id, true);
  for (unsigned tick = 0; tick < 400; ++tick) {
    walk_all(rig);
    if (tick % 50 == 49) {  // one player goes, another comes
      for (auto& player : rig.players)
        if (player->playing) {
          rig.leave(*player);
          break;
        }
      rig.join(100 + tick, true);
    }
    rig.tick();
  }
  rig.ticks(settle_ticks);
  expect_true_views(rig, npcs + 16 < setup.replicate.tracked_max);
  std::uint64_t audits = 0;
  for (const auto& player : rig.players) audits += player->client.audits_right;
  EXPECT_GT(audits, 100U);
  EXPECT_LE(rig.largest_body, setup.replicate.datagram_bytes);
}

TEST(ShardLane, ViewsConvergeOnAPerfectWire) { converge(1, {}, 11, 60, 200); }
TEST(ShardLane, ViewsConvergeUnderLossReorderingAndDuplication) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    converge(2,
             {.loss = 0.3,
              .duplicate = 0.1,
              .ack_loss = 0.2,
              .lost_report = 0.7,
              .delay_ticks_min = 0,
              .delay_ticks_max = 12},
             seed, 60, 500);
}
TEST(ShardLane, ViewsConvergeWhenNoLossIsEverReported) {
  converge(1, {.loss = 0.2, .ack_loss = 0.3, .lost_report = 0.0, .delay_ticks_min = 2, .delay_ticks_max = 6}, 21, 60,
           1'200);
}
TEST(ShardLane, ViewsConvergeWithDelaysAboveOneSecond) {
  converge(1, {.loss = 0.05, .delay_ticks_min = 40, .delay_ticks_max = 50}, 31, 60, 1'500);
}
TEST(ShardLane, ViewsAreRightWhenMoreIsInViewThanCanBeTracked) {
  converge(3, {.loss = 0.2, .duplicate = 0.1, .delay_ticks_min = 1, .delay_ticks_max = 8}, 41, 600, 600);
}

TEST(ShardLane, OneSeedGivesOneHistoryForAnyNumberOfShards) {
  std::vector<std::vector<std::uint64_t>> histories;
  for (const unsigned shards : {1U, 2U, 3U, 4U, 8U, 16U}) {
    GameSetup setup = setup_of(shards, 300, 30'000.0F);
    ShardRig rig(setup, shards);  // another polling order each time
    base::Prng walk(5);
    for (std::uint64_t id = 1; id <= 40; ++id) rig.join(id);
    std::vector<std::uint64_t> hashes;
    for (std::uint32_t tick = 1; tick <= 150; ++tick) {
      for (auto& player : rig.players) {
        const auto step = [&] { return static_cast<std::int8_t>(static_cast<int>(walk.below(255)) - 127); };
        const auto x = step(), y = step();
        if (player->playing && walk.chance(0.6)) rig.input(*player, x, y);
      }
      if (tick == 60) rig.leave(*rig.players[3]);
      if (tick == 90) rig.join(1'000);
      rig.tick();
      std::uint64_t hash = 0;
      ASSERT_TRUE(rig.simulation.world_hash(tick, hash));
      hashes.push_back(hash);
    }
    histories.push_back(std::move(hashes));
  }
  for (const auto& history : histories) EXPECT_EQ(history, histories.front());
  EXPECT_NE(histories.front()[0], histories.front()[1]);
}

TEST(ShardLane, LanesOnSeveralThreadsGiveTheSameHistory) {
  constexpr std::uint32_t last = 40;
  const auto setup = setup_of(3, 200, 20'000.0F);
  const auto populate = [](ShardRig& rig) {
    for (std::uint64_t id = 1; id <= 60; ++id) rig.input(rig.join(id), 100, static_cast<std::int8_t>(id));
  };
  ShardRig alone(setup);
  populate(alone);
  alone.ticks(last);

  ShardRig threaded(setup);
  populate(threaded);
  std::vector<std::thread> threads;
  for (auto& lane : threaded.lanes)
    threads.emplace_back([&] {
      for (Nanos now = second; lane->tick() <= last; now += 100 * microsecond)
        if (lane->poll(now) == 0) std::this_thread::yield();
    });
  for (auto& thread : threads) thread.join();
  for (std::uint32_t tick = 1; tick <= last; ++tick) {
    std::uint64_t expected = 0, hash = 0;
    ASSERT_TRUE(alone.simulation.world_hash(tick, expected));
    ASSERT_TRUE(threaded.simulation.world_hash(tick, hash)) << tick;
    EXPECT_EQ(hash, expected) << tick;
  }
}

TEST(ShardLane, AnotherSeedGivesAnotherHistory) {
  std::uint64_t hashes[2];
  for (unsigned i = 0; i < 2; ++i) {
    GameSetup setup = setup_of(1, 50, 30'000.0F);
    setup.seed = i;
    ShardRig rig(setup);
    rig.ticks(10);
    ASSERT_TRUE(rig.simulation.world_hash(10, hashes[i]));
  }
  EXPECT_NE(hashes[0], hashes[1]);
}

TEST(ShardLane, AJoinBeyondTheLimitIsRefused) {
  GameSetup setup = setup_of(1, 0, 5'000.0F);
  setup.world.rows_per_shard = 64;
  setup.world.players_max = 64;
  ShardRig rig(setup);
  for (std::uint64_t id = 1; id <= 70; ++id) rig.join(id);
  rig.ticks(3);
  EXPECT_EQ(rig.notices.size(), 6U);
  EXPECT_EQ(rig.simulation.entity_count(), 64U);
}

TEST(ShardLane, ASlotIsReusedLaterAndWithAnotherGeneration) {
  GameSetup setup = setup_of(1, 0, 5'000.0F);
  setup.world.rows_per_shard = 64;
  setup.world.players_max = 64;
  setup.world.slot_rest_ticks = 50;
  ShardRig rig(setup);
  Player& watcher = rig.join(1'000);
  for (std::uint64_t id = 1; id <= 63; ++id) rig.join(id);
  rig.ticks(120);
  Player& leaver = *rig.players[5];
  rig.leave(leaver);
  rig.tick();
  rig.join(3'000);  // all 64 rows taken or resting
  rig.ticks(40);
  EXPECT_EQ(rig.simulation.entity_count(), 63U) << "waits";
  rig.ticks(60);
  EXPECT_TRUE(rig.notices.empty());
  const auto world = world_of(rig);
  const auto reused = std::find_if(world.begin(), world.end(),
                                   [](const auto& entry) { return entry.second.id == world::player_entity(3'000); });
  ASSERT_NE(reused, world.end());
  EXPECT_EQ(reused->second.generation, 1);
  EXPECT_EQ(watcher.client.entities.at(reused->first).id, world::player_entity(3'000));
  expect_true_views(rig, true);
}

TEST(ShardLane, FarBlocksShowEveryEntityWithinATurn) {
  GameSetup setup = setup_of(2, 2'000, 20'000.0F);
  ShardRig rig(setup);
  Player& player = rig.join(1);
  rig.ticks(300);
  // 2,000 records of 6 bytes take at least 11 datagrams; two seconds is the promise.
  unsigned fresh = 0;
  for (const auto& [slot, tick] : player.client.far_seen) fresh += tick + 120 >= rig.lanes[0]->tick() ? 1 : 0;
  EXPECT_EQ(fresh, 2'001U);
  EXPECT_LE(rig.lanes[player.shard]->counters().far_staleness_ticks.value(), 120U);
}

TEST(ShardLane, NothingIsPlannedWithoutBuffersAndNothingIsLost) {
  GameSetup setup = setup_of(1, 30, 5'000.0F);
  setup.reference.npc_stop_tick = 1;
  ShardRig rig(setup, 1, 4);
  for (std::uint64_t id = 1; id <= 12; ++id) rig.join(id);
  rig.ticks(600);
  EXPECT_GT(rig.lanes[0]->counters().drops.value(metrics::Drop::no_buffer), 10U);
  expect_true_views(rig, true);
}

TEST(ShardLane, AWorldWithoutChangesSendsNothing) {
  GameSetup setup = setup_of(1, 50, 5'000.0F);
  setup.reference.npc_stop_tick = 1;
  setup.replicate.audit_per_second = 0;
  ShardRig rig(setup);
  rig.join(1);
  rig.ticks(120);
  const std::uint64_t before = rig.body_bytes;
  rig.ticks(60);
  // Ten headers, a turn of 51 far records in a second, and a fifth of the refreshes.
  EXPECT_LT(rig.body_bytes - before, 1'200U);
}

TEST(ShardLane, AShardThatIsLateSkipsTicksAndCountsThem) {
  ShardRig rig(setup_of(1, 10, 5'000.0F));
  rig.ticks(10);
  rig.now += 10 * second / 60;
  rig.tick();
  EXPECT_EQ(rig.lanes[0]->counters().ticks_late.value(), 10U);
  EXPECT_EQ(rig.lanes[0]->tick(), 11U);
}

TEST(ShardLane, NoInputIsKeptBackForThreeTicksAfterALateOne) {
  for (const bool late : {false, true}) {
    ShardRig rig(setup_of(1, 10, 5'000.0F));
    auto& player = rig.join(1);
    rig.ticks(10);
    if (late) rig.now += 3 * second / 60;
    for (int i = 0; i < 4; ++i) rig.input(player, 127, 0);
    rig.ticks(1);
    for (int i = 0; i < 2; ++i) rig.input(player, 127, 0);  // what was still on its way
    rig.ticks(2);
    EXPECT_EQ(player.client.applied_input, late ? 6 : 5);
    // After three ticks it is as ever.
    const int applied = player.client.applied_input;
    rig.ticks(2);
    for (int i = 0; i < 2; ++i) rig.input(player, 127, 0);
    rig.ticks(1);
    EXPECT_EQ(player.client.applied_input, late ? applied + 1 : applied + 2);
  }
}

TEST(ShardLane, TickNumbersAndPlanNumbersWrap) {
  // 70,000 ticks: past the 16 bits of the tracked set's ticks and of plan ids.
  GameSetup setup = setup_of(1, 12, 4'000.0F);
  setup.reference.npc_stop_tick = 66'500;
  setup.reference.npc_decision_ticks = 6'000;
  ShardRig rig(setup);
  rig.weather = {.loss = 0.02, .delay_ticks_min = 1, .delay_ticks_max = 3};
  rig.join(1, true);
  for (unsigned i = 0; i < 70'000; ++i) {
    if (i % 10 == 0 && i < 66'500) rig.input(*rig.players[0], i % 4'000 < 2'000 ? 127 : -127, 0);
    rig.tick();
  }
  expect_true_views(rig, true);
}

TEST(ShardLane, ViewsConvergeUnderOverloadLossAndChurn) {
  GameSetup setup = setup_of(2, 60, 5'000.0F);
  setup.reference.npc_stop_tick = 700;
  setup.clock = [] { return Nanos{1} << 60; };  // every tick is far too long: the largest interval there is
  ShardRig rig(setup, 7);
  rig.weather = {.loss = 0.15, .duplicate = 0.05, .ack_loss = 0.15, .delay_ticks_min = 1, .delay_ticks_max = 9};
  for (std::uint64_t id = 1; id <= 30; ++id) rig.join(id, true);
  for (unsigned round = 0; round < 600; ++round) {
    walk_all(rig);
    if (round % 40 == 39) {  // one leaves, another takes its session in the same tick
      rig.leave(*rig.players[round / 40]);
      rig.join(100 + round, true);
    }
    rig.tick();
  }
  for (const auto& lane : rig.lanes) EXPECT_EQ(lane->counters().interval_ticks.value(), 6U);
  const std::uint64_t bodies = rig.bodies;
  rig.weather.loss = rig.weather.ack_loss = 0;
  rig.ticks(900);
  EXPECT_LE(rig.bodies - bodies, 900 / 6 * 30U) << "no viewer is told more often than the interval allows";
  expect_true_views(rig, true);
  std::uint64_t audits = 0;
  for (const auto& player : rig.players) audits += player->client.audits_right;
  EXPECT_GT(audits, 100U);
}

}  // namespace
}  // namespace serried::shard::test
