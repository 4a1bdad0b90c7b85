#include "port/flow_driver.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include "base/clock.h"
#include "port/ethdev_queues.h"
#include "port/flow_rules.h"
#include "shared_eal.h"

namespace serried::port::flow_driver_test {
namespace {

constexpr std::uint16_t our_port = 4000;

/// As the server makes them on a device of two lanes.
std::unique_ptr<FlowRules> rules_of(std::uint16_t port_id, std::uint16_t vlan = 0, bool networks = true) {
  FlowRulesConfig config;
  config.vlan = vlan;
  config.udp_port = our_port;
  config.has_ipv4 = config.has_ipv6 = true;
  config.networks = networks;
  config.lane = {3, 4};
  config.queues = {0, 1};
  return std::make_unique<FlowRules>(config, flow_driver_of(port_id));
}

TEST(FlowDriver, NetworksAreForDriversThatKeepToMasks) {
  for (const char* driver : {"mlx5_pci", "mlx5_auxiliary", "net_tap"}) EXPECT_TRUE(keeps_to_masks(driver)) << driver;
  for (const char* driver : {"net_i40e", "net_ice", "net_iavf", "net_ena", "net_virtio", "net_failsafe", ""})
    EXPECT_FALSE(keeps_to_masks(driver)) << driver;
}

/// In a process of its own: the other tests of this executable close the device that they share.
TEST(FlowDriver, WithoutRulesIsReportedAndUnchanged) {
  in_fresh_process([] {
    ASSERT_TRUE(shared_eal_runs());
    std::uint16_t id = 0;
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
    for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{7}}) {
      const auto rules = rules_of(id, vlan);
      const FlowReport report = rules->report();
      EXPECT_EQ(report.lanes, 2U);
      EXPECT_EQ(report.steered, 0U);
      EXPECT_NE(report.not_steered.find("Function not implemented"), std::string::npos) << report.not_steered;
      EXPECT_FALSE(rules->takes_bans());
      EXPECT_FALSE(rules->ban(ipv4_address(192, 0, 2, 7), 128));
    }
  });
}

/// Datagrams that the kernel sends to the device, of which each lane may get some.
unsigned arrive(EthdevQueues& lanes, unsigned count) {
  const int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(our_port);
  to.sin_addr.s_addr = htonl(0x0A4D0001);
  unsigned heard = 0;
  wire::Batch batch;
  for (unsigned sent = 0; sent < count; ++sent) {
    // The first ones wait for ARP, which the lanes answer.
    sendto(file, "serried", 7, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    for (unsigned look = 0; look < 20; ++look) {
      lanes.receive(batch, base::now());
      heard += batch.live_rows;
      lanes.release(batch);
      usleep(500);
    }
  }
  close(file);
  return heard;
}

/// net_tap has its rules from the kernel's traffic control. Where that lacks a part (multiq, flower), the driver takes
/// a rule as long as it is only asked, and refuses to make it.
TEST(FlowDriver, WhatIsSaidOfNetTapIsWhatItDoes) {
  if (geteuid() != 0) GTEST_SKIP() << "a network namespace needs root";
  in_fresh_process([] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    ASSERT_TRUE(start_eal({"--no-huge", "--no-pci", "-m", "256", "--no-shconf", "--no-telemetry", "--lcores", "0",
                           "--log-level", "error", "--vdev", "net_tap0,iface=flowtap"}));
    EthdevConfig config;
    config.device = "net_tap0";
    config.queues = 2;
    config.host.has_ipv4 = true;
    config.host.ipv4 = parse_local_address("10.77.0.1/24").value();
    config.host.port_first = config.host.port_last = our_port;
    config.buffers = 4096;
    config.link_timeout = 0;
    auto device = EthdevDevice::open(config);
    ASSERT_TRUE(device) << device.error().message;
    // Its checksums would be left to a device that has none.
    ASSERT_EQ(std::system("ip address add 10.77.0.2/24 dev flowtap && ip link set flowtap up && "
                          "ethtool -K flowtap tx off >/dev/null"),
              0);
    EthdevQueues lanes{*device.value()};
    {
      auto rules = rules_of(device.value()->report().port_id);
      const FlowReport report = rules->report();
      EXPECT_EQ(report.steered, 0U) << "it knows no RAW";
      EXPECT_NE(report.not_steered.find("not supported"), std::string::npos) << report.not_steered;
      EXPECT_GT(arrive(lanes, 20), 15U);
      const bool banned = static_cast<bool>(rules->ban(ipv4_address(10, 77, 0, 2), 128));
      EXPECT_EQ(banned, rules->takes_bans()) << report.bans_text();
      const unsigned heard = arrive(lanes, 20);
      if (banned)
        EXPECT_EQ(heard, 0U);
      else
        EXPECT_EQ(heard, 20U);
      rules->withdraw();
      EXPECT_EQ(arrive(lanes, 20), 20U);
      rules->restore();
      EXPECT_EQ(arrive(lanes, 20), banned ? 0U : 20U);
    }
    EXPECT_EQ(arrive(lanes, 20), 20U) << "nothing is left of the rules";
  });
}

/// A bond without members takes whatever rule it is asked for, and has no NIC that would keep to it.
TEST(FlowDriver, TakenRulesAreTakenAwayAgain) {
  in_fresh_process([] {
    ASSERT_TRUE(start_eal({"--no-huge", "--no-pci", "-m", "256", "--no-shconf", "--no-telemetry", "--lcores", "0",
                           "--log-level", "critical", "--vdev", "net_bonding0,mode=0"}));
    std::uint16_t id = 0;
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_bonding0", &id), 0);
    auto rules = rules_of(id);
    EXPECT_EQ(rules->report().steered, 2U) << rules->report().not_steered;
    EXPECT_EQ(rules->report().bans.size(), 4U) << rules->report().not_banned;
    ASSERT_TRUE(rules->ban(ipv4_address(192, 0, 2, 7), 128));
    rules->withdraw();
    rules->restore();
    EXPECT_EQ(rules->report().ban_rules, 1U);
    rules->lift(ipv4_address(192, 0, 2, 7), 128);
    rules.reset();
    EXPECT_TRUE(rules_of(id)->takes_bans());
  });
}

}  // namespace
}  // namespace serried::port::flow_driver_test
