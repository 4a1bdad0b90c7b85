#include <set>

#include <gtest/gtest.h>

#include "shard/fixture.h"

namespace serried::shard::test {
namespace {

using metrics::Drop;

GameSetup crowd() {
  GameSetup setup;
  setup.world.npcs = 0;
  setup.world.players_max = 300;
  setup.sessions_per_lane = 512;
  return setup;
}

TEST(Slice, EveryViewerGetsOneDatagramATick) {
  ShardRig rig(crowd());
  for (std::uint64_t id = 1; id <= 200; ++id) rig.join(id);
  rig.tick();
  EXPECT_EQ(rig.bodies, 200U);
  rig.ticks(3);
  EXPECT_EQ(rig.bodies, 800U);
  EXPECT_EQ(rig.lanes[0]->counters().plan.plans.value(), 800U);
}

TEST(Slice, OnePollPlansForAtMost64) {
  ShardRig rig(crowd());
  for (std::uint64_t id = 1; id <= 200; ++id) rig.join(id);
  rig.now += second;
  unsigned most = 0, before = 0;
  while (!rig.lanes[0]->idle() || rig.lanes[0]->tick() == 0) {
    rig.lanes[0]->poll(rig.now);
    most = std::max(most, rig.links[0]->filled.size() - before);
    before = rig.links[0]->filled.size();
  }
  EXPECT_EQ(before, 200U);
  EXPECT_EQ(most, 64U);
}

TEST(Slice, ViewersWithoutBufferAreSkippedAndCounted) {
  ShardRig rig(crowd(), 1, 10);
  for (std::uint64_t id = 1; id <= 100; ++id) rig.join(id);
  rig.tick();
  EXPECT_EQ(rig.bodies, 10U);
  EXPECT_EQ(rig.lanes[0]->counters().drops.value(Drop::no_buffer), 90U);
}

TEST(Slice, AFullRingSkipsViewersAndKeepsTheirBuffers) {
  GameSetup setup = crowd();
  const games::reference::Game game{setup.reference};
  Simulation simulation(setup.with(game));
  link::IoShardLink link(1'024, 63);  // 63 buffers, and room for as many filled ones
  ShardLane lane(simulation, 0, {&link});
  std::vector<std::uint8_t> memory(63 * 1'280);
  for (unsigned i = 0; i < 63; ++i) link.empties.push({memory.data() + i * 1'280, memory.data() + i * 1'280});
  for (std::uint32_t i = 0; i < 40; ++i)
    link.session_events.push(link::SessionEvent::Join{.connection_id = i + 1, .session = i, .player_id = i});
  Nanos now = second;
  const auto tick = [&] {
    now += second / 60 + 1;
    for (const std::uint32_t wanted = lane.tick() + 1; lane.tick() != wanted || !lane.idle();) lane.poll(now);
  };
  tick();
  tick();  // the first 40 were not taken away
  EXPECT_EQ(link.filled.size(), 63U);
  EXPECT_EQ(lane.counters().drops.value(Drop::filled_ring_full), 17U);
  link::OutRow rows[64];
  const unsigned count = link.filled.pop(rows, 64);
  std::set<void*> owners;
  for (unsigned i = 0; i < count; ++i) owners.insert(rows[i].buffer().owner);
  EXPECT_EQ(owners.size(), 63U);  // each buffer once
}

TEST(Slice, ViewsConvergeUnderASmallWindow) {
  GameSetup setup = crowd();
  setup.reference.player_spawn_half = 3'000.0F;
  ShardRig rig(setup);
  rig.weather = {.loss = 0.05, .delay_ticks_min = 3, .delay_ticks_max = 6, .window = 2'400};
  for (std::uint64_t id = 1; id <= 60; ++id) rig.join(id, true);
  for (unsigned tick = 0; tick < 300; ++tick) {
    for (auto& player : rig.players) rig.input(*player, static_cast<std::int8_t>(tick * 3 + player->session), 50);
    rig.tick();
    for (const auto& player : rig.players) ASSERT_LE(player->in_flight, 2'400U);
  }
  EXPECT_GT(rig.lanes[0]->counters().drops.value(Drop::window_full), 1'000U);
  rig.ticks(600);
  std::map<std::uint16_t, Simulation::Living> world;
  rig.simulation.for_each_entity([&](const Simulation::Living& entity) { world.emplace(entity.slot, entity); });
  for (const auto& player : rig.players) {
    EXPECT_TRUE(player->client.faults.empty());
    EXPECT_EQ(player->client.audits_wrong, 0U);
    ASSERT_EQ(player->client.entities.size(), 60U);
    for (const auto& [slot, known] : player->client.entities) EXPECT_TRUE(world.at(slot).state == known.state);
  }
}

TEST(Slice, AViewerWithLittleWindowIsSentNothing) {
  ShardRig rig(crowd());
  rig.weather.window = 1;
  for (std::uint64_t id = 1; id <= 100; ++id) rig.join(id);
  Player& player = *rig.players[0];
  rig.ticks(3);
  EXPECT_EQ(rig.bodies, 0U);
  EXPECT_EQ(rig.lanes[0]->counters().drops.value(Drop::window_full), 300U);
  const auto raise = [&](std::uint32_t limit) {
    rig.links[0]->inputs.push({.connection_id = player.connection_id, .send_limit = limit});
    rig.tick();
  };
  raise(link::OutRow::datagram_overhead + 255);
  EXPECT_EQ(rig.bodies, 0U);
  raise(link::OutRow::datagram_overhead + 256);
  EXPECT_EQ(rig.bodies, 1U);
  EXPECT_LE(rig.largest_body, 256U);
  EXPECT_GT(rig.largest_body, 128U);
}

TEST(Slice, AWindowThatIsNeverFilledChangesNoDatagram) {
  std::array<std::uint64_t, 2> bytes{}, bodies{};
  for (const unsigned run : {0U, 1U}) {
    ShardRig rig(crowd());
    rig.weather = {.loss = 0.1, .delay_ticks_max = 4, .window = run * 1'000'000};
    for (std::uint64_t id = 1; id <= 50; ++id) rig.join(id, true);
    for (unsigned tick = 0; tick < 120; ++tick) {
      rig.input(*rig.players[tick % 50], 127, 1);
      rig.tick();
    }
    bytes[run] = rig.body_bytes;
    bodies[run] = rig.bodies;
    EXPECT_EQ(rig.lanes[0]->counters().drops.value(Drop::window_full), 0U);
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(bodies[0], bodies[1]);
}

/// Polls one lane until it has nothing left to do at `rig.now`.
void poll_out(ShardRig& rig, unsigned shard) {
  for (unsigned polls = 0; polls < 1'000 && rig.lanes[shard]->poll(rig.now) != 0; ++polls) {
  }
}

TEST(Slice, TickTimesOfALateShardAreThoseOfItsOwnTick) {
  GameSetup setup;
  setup.shards = 2;
  setup.sessions_per_lane = 8;
  setup.world.players_max = 8;
  setup.world.npcs = 20;
  ShardRig rig(setup);
  const Nanos period = second / rig.simulation.setup().world.ticks_per_second;
  rig.ticks(3);
  const std::uint64_t measured = rig.lanes[1]->counters().tick_total.count();
  rig.now += period;
  poll_out(rig, 0);  // to the first barrier
  poll_out(rig, 1);  // to the second
  poll_out(rig, 0);  // to the end of the tick
  ASSERT_TRUE(rig.lanes[0]->idle());
  ASSERT_FALSE(rig.lanes[1]->idle()) << "still has its viewers before it";
  rig.now += 2 * period;
  rig.lanes[0]->poll(rig.now);
  ASSERT_EQ(rig.lanes[0]->tick(), 5U) << "the next tick has begun";
  ASSERT_EQ(rig.lanes[1]->tick(), 4U);
  while (!rig.lanes[1]->idle()) rig.lanes[1]->poll(rig.now);
  EXPECT_EQ(rig.lanes[1]->counters().tick_total.count(), measured + 1);
  EXPECT_GE(rig.lanes[1]->counters().tick_total.max(), 2 * period) << "or an overloaded shard never tells viewers less";
}

}  // namespace
}  // namespace serried::shard::test
