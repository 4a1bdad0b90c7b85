#include "server/layout.h"

#include <gtest/gtest.h>

#include "server/machines.h"

namespace serried::server {
namespace {

using Strings = std::vector<std::string>;

TEST(NodesBeforeEal, AreKnownByPciAddresses) {
  const Topology machine = machine_of("pack:2 [numa] core:2 pu:1", {0, 1});
  const auto nodes = [&](const Strings& ports, const Strings& eal) { return nodes_before_eal(ports, eal, machine); };
  EXPECT_EQ(nodes({"0000:41:00.0", "0000:40:00.0"}, {}), (std::vector<int>{1, 0}));
  EXPECT_EQ(nodes({"0000:99:00.0", "net_af_xdp0"}, {}), (std::vector<int>{any_node, any_node}));
  EXPECT_EQ(nodes({"0", "1", "2"}, {"-a", "41:00.0,representor=1", "--allow=0000:40:00.0"}),
            (std::vector<int>{0, 1, any_node}))
      << "EAL numbers them in the order of their addresses";
  EXPECT_EQ(nodes({"0"}, {}), std::vector<int>{any_node}) << "whichever EAL finds first";
}

class LayoutTest : public testing::Test {
 protected:
  LayoutTest() {
    config_.io_lanes = 4;
    config_.ports = {"0000:40:00.0", "0000:41:00.0"};
    request_.config = &config_;
    request_.device_nodes = {0, 1};
    request_.machine_cpus = 16;
    for (const CpuPlace& place : machine_.cpus) all_.push_back(place.cpu);
  }
  std::vector<Core> cores(const std::vector<unsigned>& cpus) const {
    std::vector<Core> cores;
    for (const unsigned cpu : cpus) cores.push_back({cpu, place_of(machine_.cpus, cpu), cpu == cpus.front()});
    return cores;
  }

  const Topology machine_ = machine_of("pack:2 [numa] core:8 pu:1", {0, 1});
  std::vector<unsigned> all_;
  config::ServerConfig config_;
  LayoutRequest request_;
};

TEST_F(LayoutTest, LanesStandBesideTheirDevices) {
  config_.shards = 2;
  const auto before = lanes_before_eal(request_, machine_, all_);
  ASSERT_TRUE(static_cast<bool>(before));
  std::vector<unsigned> taken;
  for (const CoreAssignment& assignment : before.value().assignments) taken.push_back(assignment.core.at.cpu);
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (std::vector<unsigned>{0, 1, 2, 8, 9, 10, 11})) << "no more than lanes need";
  const auto layout = lay_out(request_, machine_, cores(taken), before.value().shards);
  ASSERT_TRUE(static_cast<bool>(layout));
  EXPECT_EQ(layout.value().homes, (config::Homes{{0}, {0}, {1}, {1}}));
  EXPECT_EQ(layout.value().nodes.io, (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(layout.value().nodes.shards, (std::vector<int>{0, 1}));
  EXPECT_EQ(layout.value().nodes.cpus.size(), 7U);
  EXPECT_TRUE(layout_warnings(request_, layout.value(), request_.device_nodes).empty());
}

TEST_F(LayoutTest, WhatIsNotBesideItsDeviceIsSaid) {
  config_.shards = 1;
  const auto layout = lay_out(request_, machine_, cores({0, 1, 2, 3, 4, 5, 6}), 1);  // -l 0-6
  ASSERT_TRUE(static_cast<bool>(layout));
  const Strings warnings = layout_warnings(request_, layout.value(), {});
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0],
            "io2 runs on NUMA node 0, and its port 0000:41:00.0 is on node 1; give EAL cores of that node with -l");
  const std::vector<int> unknown{0, any_node};
  const Strings more = layout_warnings(request_, layout.value(), unknown);
  ASSERT_EQ(more.size(), 3U);
  EXPECT_NE(more[0].find("port 0000:41:00.0 is on NUMA node 1, which was not known"), std::string::npos) << more[0];
}

TEST_F(LayoutTest, OneNodeHasNothingToWarnOf) {
  const Topology one = machine_of("pack:1 [numa] core:4 pu:1");
  request_.device_nodes = {0, any_node};
  const auto layout = lay_out(request_, one, {{0, one.cpus[0], true}, {1, one.cpus[1], false}}, 0);
  ASSERT_TRUE(static_cast<bool>(layout));
  EXPECT_FALSE(layout.value().nodes.several);
  EXPECT_TRUE(layout_warnings(request_, layout.value(), std::vector<int>{any_node, any_node}).empty());
  EXPECT_EQ(layout.value().homes[0], (std::vector<unsigned>{0, 1})) << "all devices";
}

TEST_F(LayoutTest, AFileThatNamesACpuWhichIsNotThereIsASentence) {
  config_.io_lanes = 1;
  config_.ports = {"0000:40:00.0"};
  config_.placement = "lanes.toml";
  request_.told = {{{LaneKind::io, 0}, 3}, {{LaneKind::shard, 0}, 99}, {{LaneKind::handshake, 0}, 3}};
  const auto before = lanes_before_eal(request_, machine_, all_);
  ASSERT_FALSE(static_cast<bool>(before));
  EXPECT_EQ(before.error().message,
            "--placement lanes.toml: shard0 = 99 names a CPU that this machine does not have; take one of 0-15");
  request_.told[1].cpu = 4;
  EXPECT_TRUE(static_cast<bool>(lanes_before_eal(request_, machine_, all_)));
  EXPECT_FALSE(static_cast<bool>(lay_out(request_, machine_, cores({0, 1, 2, 3}), 1))) << "not EAL's";
}

}  // namespace
}  // namespace serried::server
