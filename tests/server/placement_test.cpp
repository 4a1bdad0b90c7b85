#include "server/placement.h"

#include <set>

#include <gtest/gtest.h>

namespace serried::server {
namespace {

/// `count` cores on one node; lcore 0 is the main one.
std::vector<Core> machine(unsigned count) {
  std::vector<Core> cores;
  for (unsigned i = 0; i < count; ++i) cores.push_back({i, i, 0, 0, i == 0});
  return cores;
}

/// "0: io0 handshake | 1: shard0"
std::string table(const Placement& placement) {
  std::string text;
  for (const CoreAssignment& assignment : placement.assignments) {
    text += (text.empty() ? "" : " | ") + std::to_string(assignment.core.lcore) + ":";
    for (const LaneId lane : assignment.lanes) text += " " + lane_name(lane);
  }
  return text;
}

std::string table(unsigned cores, unsigned io_lanes, unsigned shards) {
  return table(place(machine(cores), io_lanes, shards, any_node, cores));
}

TEST(Place, AutomaticShards) {
  EXPECT_EQ(table(1, 1, 0), "0: io0 shard0 handshake");
  EXPECT_EQ(table(2, 1, 0), "0: io0 handshake | 1: shard0");
  EXPECT_EQ(table(3, 1, 0), "0: io0 handshake | 1: shard0 | 2: shard1");
  EXPECT_EQ(table(4, 1, 0), "0: io0 | 1: shard0 | 2: shard1 | 3: handshake");
  EXPECT_EQ(table(8, 2, 0),
            "0: io0 | 1: io1 | 2: shard0 | 3: shard1 | 4: shard2 | 5: shard3 | 6: shard4 | 7: handshake");
}

TEST(Place, FewerCoresThanLanes) {
  EXPECT_EQ(table(1, 2, 3), "0: io0 io1 shard0 shard1 shard2 handshake");
  EXPECT_EQ(table(2, 1, 3), "0: io0 handshake | 1: shard0 shard1 shard2");
  EXPECT_EQ(table(2, 3, 1), "0: io0 io1 io2 handshake | 1: shard0");
  EXPECT_EQ(table(3, 2, 2), "0: io0 io1 handshake | 1: shard0 | 2: shard1") << "1.5 cores, rounded up, leave one";
  EXPECT_EQ(table(4, 2, 4), "0: io0 io1 handshake | 1: shard0 shard3 | 2: shard1 | 3: shard2");
  EXPECT_EQ(table(4, 4, 4), "0: io0 io2 | 1: io1 io3 handshake | 2: shard0 shard2 | 3: shard1 shard3");
}

TEST(Place, MoreCoresThanLanesLeaveTheMainOneAlone) {
  EXPECT_EQ(table(4, 1, 1), "1: io0 | 2: shard0 | 3: handshake");
  EXPECT_EQ(table(8, 1, 2), "1: io0 | 2: shard0 | 3: shard1 | 4: handshake");
}

TEST(Place, EveryLaneStandsExactlyOnce) {
  for (unsigned cores = 1; cores <= 20; ++cores) {
    for (unsigned io = 1; io <= 6; ++io) {
      for (unsigned shards = 0; shards <= 16; ++shards) {
        const Placement placement = place(machine(cores), io, shards, any_node, cores);
        std::set<std::string> seen;
        unsigned lanes = 0;
        for (const CoreAssignment& assignment : placement.assignments) {
          EXPECT_FALSE(assignment.lanes.empty());
          for (const LaneId lane : assignment.lanes) {
            seen.insert(lane_name(lane));
            ++lanes;
          }
        }
        EXPECT_EQ(lanes, io + placement.shards + 1) << cores << " " << io << " " << shards;
        EXPECT_EQ(seen.size(), lanes) << cores << " " << io << " " << shards;
        EXPECT_TRUE(shards == 0 || placement.shards == shards);
        EXPECT_GE(placement.shards, 1U);
        EXPECT_LE(placement.shards, 16U);
      }
    }
  }
}

TEST(Place, IoLanesStandOnTheNodeOfTheNic) {
  auto cores = machine(8);
  for (unsigned i = 0; i < 8; ++i) cores[i].node = i % 2;
  const Placement placement = place(cores, 2, 5, 1, 8);
  EXPECT_EQ(table(placement).substr(0, 15), "1: io0 | 3: io1");
}

TEST(Place, SecondHardwareThreadsComeLast) {
  auto cores = machine(4);
  cores[1].sibling = cores[3].sibling = 1;
  EXPECT_EQ(table(place(cores, 1, 1, any_node, 4)), "2: io0 | 1: shard0 | 3: handshake");
  EXPECT_EQ(table(place(cores, 1, 2, any_node, 4)), "0: io0 | 2: shard0 | 1: shard1 | 3: handshake");
}

TEST(Place, AloneNeedsACoreForEveryLaneAndOneMore) {
  EXPECT_FALSE(place(machine(2), 1, 1, any_node, 2).alone);
  EXPECT_FALSE(place(machine(3), 1, 1, any_node, 3).alone);
  EXPECT_TRUE(place(machine(3), 1, 1, any_node, 4).alone);
  EXPECT_TRUE(place(machine(8), 1, 2, any_node, 8).alone);
  EXPECT_FALSE(place(machine(2), 1, 1, any_node, 64).alone) << "the handshake lane shares";
}

TEST(PlacementText, OneLineACore) {
  auto cores = machine(2);
  cores[1].cpu = 5;
  EXPECT_EQ(placement_text(place(cores, 1, 1, any_node, 2)),
            "core 0 (cpu 0, node 0): io0 handshake\ncore 1 (cpu 5, node 0): shard0\n");
}

}  // namespace
}  // namespace serried::server
