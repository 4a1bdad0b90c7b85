#include "server/drawing.h"

#include <gtest/gtest.h>

#include "server/machines.h"

namespace serried::server {
namespace {

/// On all CPUs of a machine, or those of `cpus`.
std::vector<std::string> drawn(const Topology& machine, unsigned io_lanes, unsigned shards,
                               std::vector<DrawnDevice> devices = {}, std::vector<unsigned> cpus = {}) {
  PlaceRequest request;
  request.io_lanes = io_lanes;
  request.shards = shards;
  for (const CpuPlace& place : machine.cpus)
    if (cpus.empty() || std::find(cpus.begin(), cpus.end(), place.cpu) != cpus.end())
      request.cores.push_back({place.cpu, place, false});
  for (const DrawnDevice& device : devices)
    for (unsigned i = 0; i < device.io_lanes.size(); ++i) request.homes.push_back(device.node);
  return drawing(place(request), request.cores, machine.cpus, devices);
}

TEST(Drawing, OfTwoCoresIsALine) {
  EXPECT_EQ(drawn(machine_of("pack:1 [numa] core:2 pu:1"), 1, 0),
            std::vector<std::string>{"node 0: [0 io0 handshake] [1 shard0]"});
}

TEST(Drawing, ThreadsOfACoreAreInOneBox) {
  const Topology machine = machine_of("pack:1 [numa] core:2 pu:2(indexes=0,2,1,3)");
  EXPECT_EQ(drawn(machine, 1, 1), std::vector<std::string>{"node 0: [0+2 io0 handshake] [1+3 shard0]"});
  EXPECT_EQ(drawn(machine, 1, 3),
            std::vector<std::string>{"node 0: [0 io0 handshake | 2 shard1] [1 shard0 | 3 shard2]"});
}

TEST(Drawing, OfTwoNodesHasALineForEachWithItsDevices) {
  const Topology machine = machine_of("pack:2 [numa] core:4 pu:1");
  EXPECT_EQ(drawn(machine, 2, 2, {{"0000:40:00.0", 0, {0}}, {"0000:41:00.0", 1, {1}}, {"net_tap0", any_node, {0, 1}}}),
            (std::vector<std::string>{"node 0: [0 io0] [1 shard0] [2-3 free]   0000:40:00.0 -> io0",
                                      "node 1: [4 io1] [5 handshake] [6 shard1] [7 free]   0000:41:00.0 -> io1",
                                      "any node: net_tap0 -> io0 io1"}));
}

TEST(Drawing, CoresWithoutLanesStandTogether) {
  const Topology machine = machine_of("pack:1 [numa] core:8 pu:1");
  EXPECT_EQ(drawn(machine, 1, 1, {}, {0, 1, 2, 3, 6}),
            std::vector<std::string>{"node 0: [0 io0] [1 handshake] [2 shard0] [3 free] [4-5 -] [6 free] [7 -]"});
}

/// 64 cores with two threads each, all of them EAL's.
TEST(Drawing, OfALargeMachineFitsAPage) {
  const Topology machine = machine_of("pack:2 [numa] core:32 pu:2");
  const auto lines = drawn(machine, 8, 16, {{"0000:40:00.0", 0, {0, 1, 2, 3}}, {"0000:41:00.0", 1, {4, 5, 6, 7}}});
  EXPECT_LE(lines.size(), 8U);
  std::string all;
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 100U) << line;
    all += line + "\n";
  }
  EXPECT_NE(all.find("[0+1 io0]"), std::string::npos) << all;
  EXPECT_NE(all.find("shard15]"), std::string::npos) << all;
  EXPECT_NE(all.find("0000:41:00.0 -> io4 io5 io6 io7"), std::string::npos) << all;
}

TEST(Drawing, ADeviceOnANodeWithoutCoresIsDrawnToo) {
  const Topology machine = machine_of("pack:1 [numa] core:2 pu:1");
  EXPECT_EQ(drawn(machine, 1, 1, {{"0000:40:00.0", 3, {0}}}).back(), "node 3: 0000:40:00.0 -> io0");
}

}  // namespace
}  // namespace serried::server
