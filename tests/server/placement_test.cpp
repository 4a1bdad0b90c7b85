#include "server/placement.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "server/machines.h"

namespace serried::server {
namespace {

/// Every CPU of a machine as an lcore of its number; 0 is the main one.
std::vector<Core> cores_of(const Topology& machine) {
  std::vector<Core> cores;
  for (const CpuPlace& place : machine.cpus) cores.push_back({place.cpu, place, place.cpu == 0});
  return cores;
}

/// `count` cores on one node.
std::vector<Core> plain(unsigned count) {
  std::vector<Core> cores;
  for (unsigned i = 0; i < count; ++i) cores.push_back({i, {i, 0, 0, i, false}, i == 0});
  return cores;
}

Placement place_on(std::vector<Core> cores, unsigned io_lanes, unsigned shards, std::vector<int> homes = {}) {
  const auto cpus = static_cast<unsigned>(cores.size());
  return place({std::move(cores), io_lanes, shards, std::move(homes), cpus});
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
  return table(place_on(plain(cores), io_lanes, shards));
}

/// The nodes of lanes, io first: "0 0 1 1 / 0 1 / 1".
std::string nodes(const Placement& placement, unsigned io_lanes, const Topology& machine) {
  const LaneNodes of = lane_nodes(placement, io_lanes, machine.cpus);
  std::string text;
  for (const int node : of.io) text += std::to_string(node) + " ";
  text += "/ ";
  for (const int node : of.shards) text += std::to_string(node) + " ";
  return text + "/ " + std::to_string(of.handshake);
}

TEST(Place, AutomaticShards) {
  EXPECT_EQ(table(1, 1, 0), "0: io0 shard0 handshake");
  EXPECT_EQ(table(2, 1, 0), "0: io0 handshake | 1: shard0");
  EXPECT_EQ(table(3, 1, 0), "0: io0 handshake | 1: shard0 | 2: shard1");
  EXPECT_EQ(table(4, 1, 0), "0: io0 | 2: shard0 | 3: shard1 | 1: handshake");
  EXPECT_EQ(table(8, 2, 0),
            "0: io0 | 1: io1 | 3: shard0 | 4: shard1 | 5: shard2 | 6: shard3 | 7: shard4 | 2: handshake");
}

TEST(Place, FewerCoresThanLanes) {
  EXPECT_EQ(table(1, 2, 3), "0: io0 io1 shard0 shard1 shard2 handshake");
  EXPECT_EQ(table(2, 1, 3), "0: io0 handshake | 1: shard0 shard1 shard2");
  EXPECT_EQ(table(2, 3, 1), "0: io0 io1 io2 handshake | 1: shard0");
  EXPECT_EQ(table(3, 2, 2), "0: io0 io1 handshake | 1: shard0 | 2: shard1") << "1.5 cores, rounded up, leave one";
  EXPECT_EQ(table(4, 2, 4), "0: io0 io1 handshake | 1: shard0 shard1 | 2: shard2 | 3: shard3");
  EXPECT_EQ(table(4, 4, 4), "0: io0 io1 | 1: io2 io3 handshake | 2: shard0 shard1 | 3: shard2 shard3");
}

TEST(Place, MoreCoresThanLanesLeaveTheMainOneAlone) {
  EXPECT_EQ(table(4, 1, 1), "1: io0 | 3: shard0 | 2: handshake");
  EXPECT_EQ(table(8, 1, 2), "1: io0 | 3: shard0 | 4: shard1 | 2: handshake");
}

TEST(Place, NoCoreIsTakenFartherAwayToSpareTheMainOne) {
  const Topology machine = machine_of("pack:2 [numa] core:2 pu:1");
  EXPECT_EQ(table(place_on(cores_of(machine), 1, 1, {0})), "1: io0 | 2: shard0 | 0: handshake");
}

TEST(Place, IoLanesAreOnTheNodeOfTheirHomeDevice) {
  const Topology machine = machine_of("pack:2 [numa] core:8 pu:1");
  EXPECT_EQ(nodes(place_on(cores_of(machine), 2, 5, {1, 1}), 2, machine), "1 1 / 1 1 1 1 1 / 1");
  EXPECT_EQ(nodes(place_on(cores_of(machine), 4, 3, {0, 0, 1, 1}), 4, machine), "0 0 1 1 / 0 0 1 / 1");
  EXPECT_EQ(nodes(place_on(cores_of(machine), 3, 6, {0, 1, 1}), 3, machine), "0 1 1 / 0 0 1 1 1 1 / 1")
      << "two io lanes, twice the shards";
  EXPECT_EQ(nodes(place_on(cores_of(machine), 1, 9, {0}), 1, machine), "0 / 0 0 0 0 0 0 1 1 1 / 0")
      << "the others are beside those";
}

/// More lanes at home on a node than it has cores.
TEST(Place, AFullNodeGivesToTheNearestOne) {
  const Topology machine = machine_of("pack:2 numa:2 core:2 pu:1");  // nodes 0 and 1, 2 and 3 in a package
  EXPECT_EQ(nodes(place_on(cores_of(machine), 3, 1, {2, 2, 2}), 3, machine), "2 2 3 / 0 / 3");
  EXPECT_EQ(nodes(place_on(cores_of(machine), 1, 3, {3}), 1, machine), "3 / 0 2 2 / 3")
      << "the third goes to another package";
}

TEST(Place, SeveralThreadsOfACoreAreOneCore) {
  // The second thread of core n is CPU n + 4.
  const Topology machine = machine_of("pack:1 [numa] core:4 pu:2(indexes=0,4,1,5,2,6,3,7)");
  EXPECT_EQ(table(place_on(cores_of(machine), 1, 0)), "0: io0 | 2: shard0 | 3: shard1 | 1: handshake");
  EXPECT_EQ(table(place_on(cores_of(machine), 1, 3)), "0: io0 handshake | 1: shard0 | 2: shard1 | 3: shard2")
      << "handshakes take no half of a core from a lane";
  EXPECT_EQ(table(place_on(cores_of(machine), 2, 4)),
            "0: io0 | 1: io1 handshake | 2: shard0 | 3: shard1 | 4: shard2 | 5: shard3");
}

TEST(Place, ASecondThreadOfWhichTheFirstIsNotOursIsAFirstOne) {
  std::vector<Core> cores = cores_of(machine_of("pack:1 [numa] core:4 pu:2(indexes=0,4,1,5,2,6,3,7)"));
  std::erase_if(cores, [](const Core& core) { return core.at.cpu < 3; });  // 3 and 7 are one core
  EXPECT_EQ(physical_cores(cores), 4U);
  EXPECT_EQ(table(place_on(cores, 1, 2)), "3: io0 | 5: shard0 | 6: shard1 | 4: handshake");
}

TEST(Place, AFirstThreadFarAwayGoesBeforeASecondOne) {
  const Topology machine = machine_of("pack:2 [numa] core:2 pu:2");
  EXPECT_EQ(nodes(place_on(cores_of(machine), 3, 1, {0, 0, 0}), 3, machine), "0 0 1 / 1 / 1");
}

TEST(Place, NoMoreCoresAreTakenThanAQuotaIsEnoughFor) {
  const Topology machine = machine_of("pack:2 [numa] core:4 pu:2");
  const auto limited = [&](unsigned most) { return place({cores_of(machine), 1, 0, {1}, 16, most}); };
  EXPECT_EQ(table(limited(1)), "8: io0 shard0 handshake") << "beside the device";
  EXPECT_EQ(table(limited(2)), "8: io0 handshake | 10: shard0");
  EXPECT_EQ(table(limited(4)), "8: io0 | 12: shard0 | 14: shard1 | 10: handshake");
  EXPECT_EQ(table(limited(100)), table(limited(0)));
}

TEST(Place, IsolatedCpusComeFirst) {
  std::vector<Core> cores = plain(6);
  for (unsigned i = 3; i < 6; ++i) cores[i].at.isolated = true;
  EXPECT_EQ(table(place_on(cores, 1, 1)), "3: io0 | 5: shard0 | 4: handshake");
}

TEST(Place, AloneNeedsACoreForEveryLaneAndOneMore) {
  const auto alone = [](unsigned cores, unsigned shards, unsigned machine) {
    return place({plain(cores), 1, shards, {}, machine}).alone;
  };
  EXPECT_FALSE(alone(2, 1, 2));
  EXPECT_FALSE(alone(3, 1, 3));
  EXPECT_TRUE(alone(3, 1, 4));
  EXPECT_TRUE(alone(8, 2, 8));
  EXPECT_FALSE(alone(2, 1, 64)) << "the handshake lane shares";
}

/// On machines of 1 to 8 nodes, with devices on some of them.
TEST(Place, EveryLaneStandsExactlyOnceWhateverTheMachine) {
  std::vector<Topology> machines;
  for (const char* description :
       {"pack:1 [numa] core:1 pu:1", "pack:1 [numa] core:3 pu:1", "pack:1 [numa] core:4 pu:2",
        "pack:2 [numa] core:2 pu:1", "pack:2 [numa] core:6 pu:2", "pack:4 [numa] core:4 pu:1",
        "pack:2 numa:2 core:3 pu:2", "pack:8 [numa] core:2 pu:2", "pack:2 numa:4 core:4 pu:1"})
    machines.push_back(machine_of(description));
  for (const Topology& machine : machines) {
    const std::vector<Core> cores = cores_of(machine);
    const unsigned node_max = node_count(machine.cpus);
    for (unsigned io = 1; io <= 6; ++io)
      for (unsigned shards = 0; shards <= 16; shards += 1 + shards / 4)
        for (const unsigned devices : {0U, 1U, 3U}) {
          std::vector<int> homes;
          for (unsigned lane = 0; lane < io && devices != 0; ++lane)
            homes.push_back(static_cast<int>(lane * devices / io % node_max));
          const Placement placement = place_on(cores, io, shards, homes);
          std::map<LaneId, unsigned> seen;
          std::set<unsigned> lcores, physical;
          for (const CoreAssignment& assignment : placement.assignments) {
            EXPECT_FALSE(assignment.lanes.empty());
            EXPECT_TRUE(lcores.insert(assignment.core.lcore).second);
            physical.insert(assignment.core.at.core);
            for (const LaneId lane : assignment.lanes) ++seen[lane];
          }
          const std::string where = std::to_string(cores.size()) + " cores, " + std::to_string(io) + " io, " +
                                    std::to_string(shards) + " shards, " + std::to_string(devices) + " devices";
          EXPECT_EQ(seen.size(), io + placement.shards + 1) << where;
          for (const auto& [lane, times] : seen) EXPECT_EQ(times, 1U) << where << ": " << lane_name(lane);
          EXPECT_TRUE(shards == 0 || placement.shards == shards) << where;
          EXPECT_GE(placement.shards, 1U);
          EXPECT_LE(placement.shards, 16U);
          // No core is taken twice as long as one is free.
          EXPECT_TRUE(physical.size() == lcores.size() || physical.size() == physical_cores(cores)) << where;
          const LaneNodes of = lane_nodes(placement, io, machine.cpus);
          EXPECT_EQ(of.several, node_max > 1);
          EXPECT_TRUE(placement.assignments.size() < io + placement.shards ||
                      std::is_sorted(of.shards.begin(), of.shards.end()))
              << where << ": shards of a node follow one another";
        }
  }
}

/// What lanes get of all cores, they get again of those alone: EAL is given no others.
TEST(Place, OfTheCoresThatItTookItTakesTheSame) {
  for (const char* description :
       {"pack:2 [numa] core:8 pu:2", "pack:1 [numa] core:4 pu:2", "pack:4 numa:2 core:4 pu:1"})
    for (unsigned io = 1; io <= 4; ++io) {
      std::vector<Core> cores = cores_of(machine_of(description));
      for (Core& core : cores) core.main = false;
      const std::vector<int> homes{0, 1, 0, 1};
      const Placement first = place_on(cores, io, 0, homes);
      std::vector<Core> taken;
      for (const CoreAssignment& assignment : first.assignments) taken.push_back(assignment.core);
      std::sort(taken.begin(), taken.end(), [](const Core& a, const Core& b) { return a.lcore < b.lcore; });
      taken.front().main = true;
      EXPECT_EQ(table(place_on(taken, io, first.shards, homes)), table(first)) << description << " " << io;
    }
}

TEST(PlaceAsTold, IsWhatAPersonSaid) {
  const Topology machine = machine_of("pack:2 [numa] core:4 pu:1");
  const std::vector<ToldLane> told{
      {{LaneKind::handshake, 0}, 5}, {{LaneKind::shard, 1}, 6}, {{LaneKind::shard, 0}, 5}, {{LaneKind::io, 0}, 4}};
  const auto placement = place_as_told({cores_of(machine), 1, 2, {}, 8}, told, machine.cpus);
  ASSERT_TRUE(static_cast<bool>(placement)) << placement.error().message;
  EXPECT_EQ(table(placement.value()), "4: io0 | 5: shard0 handshake | 6: shard1");
  EXPECT_EQ(placement.value().shards, 2U);
  EXPECT_FALSE(placement.value().alone);
  EXPECT_EQ(nodes(placement.value(), 1, machine), "1 / 1 1 / 1");
  EXPECT_EQ(placement.value().core_of({LaneKind::shard, 7}), nullptr);
}

TEST(PlaceAsTold, ACpuThatIsNotThereIsASentence) {
  const Topology machine = machine_of("pack:1 [numa] core:4 pu:1");
  std::vector<Core> cores = cores_of(machine);
  cores.erase(cores.begin() + 2);  // EAL has 0, 1 and 3
  const auto fault = [&](unsigned cpu) {
    const std::vector<ToldLane> told{
        {{LaneKind::io, 0}, 0}, {{LaneKind::shard, 0}, cpu}, {{LaneKind::handshake, 0}, 0}};
    const auto placement = place_as_told({cores, 1, 1, {}, 4}, told, machine.cpus);
    return placement ? std::string{"none"} : placement.error().message;
  };
  EXPECT_EQ(fault(3), "none");
  EXPECT_EQ(fault(4), "shard0 = 4 names a CPU that this machine does not have; take one of 0-1,3");
  EXPECT_EQ(fault(2),
            "shard0 = 2 names a CPU that EAL was not given; give it too with -l or --lcores, or take one of 0-1,3");
}

TEST(LaneNodes, OfOneNodeDoNotMatter) {
  const Topology machine = machine_of("pack:1 [numa] core:4 pu:1");
  const LaneNodes of = lane_nodes(place_on(cores_of(machine), 1, 1), 1, machine.cpus);
  EXPECT_FALSE(of.several);
  EXPECT_EQ(of.of({LaneKind::io, 0}), 0);
  EXPECT_EQ(of.of({LaneKind::io, 1}), any_node) << "no such lane";
  EXPECT_EQ(of.of({LaneKind::handshake, 0}), 0);
}

}  // namespace
}  // namespace serried::server
