#include <set>

#include <gtest/gtest.h>

#include "shard_fixture.h"

namespace serried::lane::test {
namespace {

using observe::Drop;

ShardSetup crowd() {
  ShardSetup setup;
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

TEST(Slice, WithoutBuffersViewersAreSkippedAndCounted) {
  ShardRig rig(crowd(), 1, 10);
  for (std::uint64_t id = 1; id <= 100; ++id) rig.join(id);
  rig.tick();
  EXPECT_EQ(rig.bodies, 10U);
  EXPECT_EQ(rig.lanes[0]->counters().drops.value(Drop::no_buffer), 90U);
}

TEST(Slice, AFullRingSkipsViewersAndLosesNoBuffer) {
  ShardSetup setup = crowd();
  Simulation simulation(setup);
  IoShardLink link(1'024, 63);  // 63 buffers, and room for as many filled ones
  ShardLane lane(simulation, 0, {&link});
  std::vector<std::uint8_t> memory(63 * 1'280);
  for (unsigned i = 0; i < 63; ++i) link.empties.push({memory.data() + i * 1'280, memory.data() + i * 1'280});
  for (std::uint32_t i = 0; i < 40; ++i)
    link.commands.push({.kind = Command::Kind::join, .connection_id = i + 1, .session = i, .player_id = i});
  Nanos now = second;
  const auto tick = [&] {
    now += second / 60 + 1;
    for (const std::uint32_t wanted = lane.tick() + 1; lane.tick() != wanted || !lane.idle();) lane.poll(now);
  };
  tick();
  tick();  // nobody took the first 40 away
  EXPECT_EQ(link.filled.size(), 63U);
  EXPECT_EQ(lane.counters().drops.value(Drop::filled_ring_full), 17U);
  OutRow rows[64];
  const unsigned count = link.filled.pop(rows, 64);
  std::set<void*> owners;
  for (unsigned i = 0; i < count; ++i) owners.insert(rows[i].owner);
  EXPECT_EQ(owners.size(), 63U);  // each buffer once
}

/// Polls one lane until it has nothing left to do at `rig.now`.
void poll_out(ShardRig& rig, unsigned shard) {
  for (unsigned polls = 0; polls < 1'000 && rig.lanes[shard]->poll(rig.now) != 0; ++polls) {
  }
}

TEST(Slice, AShardThatIsBehindMeasuresItsOwnTickAlsoWhenTheNextHasBegun) {
  ShardSetup setup;
  setup.shards = 2;
  setup.sessions_per_lane = 8;
  setup.world.players_max = 8;
  setup.world.npcs = 20;
  ShardRig rig(setup);
  const Nanos period = second / rig.simulation.setup().world.ticks_per_second;
  rig.ticks(3);
  const std::uint64_t measured = rig.lanes[1]->counters().tick_total.count();
  rig.now += period;
  poll_out(rig, 0);  // to the first meet
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
}  // namespace serried::lane::test
