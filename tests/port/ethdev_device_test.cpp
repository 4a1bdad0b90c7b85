#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rte_dev.h>

#include "port/eal.h"
#include "port/ethdev.h"
#include "shared_eal.h"

namespace serried::port {
namespace {

TEST(EthdevDevice, MistakesGetOneClearSentence) {
  ASSERT_TRUE(shared_eal_runs());
  const auto fault = [](const auto& change) {
    EthdevConfig config;
    config.device = "net_null0";
    config.host.has_ipv4 = config.host.has_ipv6 = true;
    config.host.ipv4 = parse_local_address("10.1.0.1/24").value();
    config.host.ipv6 = parse_local_address("fd00::1/64").value();
    config.host.port_first = 4000;
    change(config);
    const auto device = EthdevDevice::open(config);
    return device ? std::string("none") : device.error().message;
  };
  EXPECT_NE(fault([](auto& c) { c.device = "net_nowhere"; }).find("there is no ethdev \"net_nowhere\""),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.has_ipv4 = c.host.has_ipv6 = false; }).find("needs an IPv4"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.port_first = 0; }).find("UDP ports"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.vlan = 5000; }).find("VLAN 5000"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.next_hop = NextHop::static_mac; }).find("MAC is missing"), std::string::npos);
  EXPECT_NE(fault([](auto& c) {
              c.host.next_hop = NextHop::static_mac;
              c.host.next_hop_mac = wire::broadcast_mac;
            }).find("a group of stations"),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.ipv4 = parse_local_address("10.1.0.255/24").value(); }).find("broadcast"),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.ipv6 = parse_local_address("ff02::1/64").value(); }).find("multicast"),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.gateway_ipv4 = ipv4_address(0, 0, 0, 0); }).find("its router 0.0.0.0"),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.mtu = 576; }).find("MTU 576"), std::string::npos);
  EXPECT_NE(fault([](auto& c) {
              c.host.next_hop = NextHop::arp;
              c.host.ipv4.prefix_bits = 32;
              c.host.ipv6.prefix_bits = 128;
            }).find("prefix"),
            std::string::npos);
  const auto again = start_eal({"--no-huge"});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("runs already"), std::string::npos);
}

/// What becomes of these settings on `device`.
EthdevReport report_of(const std::string& device_name, std::uint16_t mtu, unsigned rx, unsigned tx) {
  EthdevConfig config;
  config.device = device_name;
  config.host.has_ipv4 = true;
  config.host.ipv4 = parse_local_address("10.1.0.1/24").value();
  config.host.port_first = 4000;
  config.link_timeout = 0;
  config.mtu = mtu;
  config.rx_descriptors = rx;
  config.tx_descriptors = tx;
  config.buffers = 8'192;
  const auto device = EthdevDevice::open(config);
  EXPECT_TRUE(device) << device.error().message;
  return device ? device.value()->report() : EthdevReport{};
}

TEST(EthdevDevice, HasTheDescriptorsAndTheMtuThatAreAskedFor) {
  ASSERT_TRUE(shared_eal_runs());
  for (const int mtu : {1280, 1500, 2022, 2023, 9000}) {
    const auto pair = make_ring_pair("mtu" + std::to_string(mtu));
    ASSERT_TRUE(pair) << pair.error().message;
    const EthdevReport report = report_of(pair.value().first, static_cast<std::uint16_t>(mtu), 2'048, 512);
    EXPECT_EQ(report.mtu, mtu);
    EXPECT_NE(report.text().find("2048/512 descriptors"), std::string::npos) << report.text();
    for (const std::string& note : report.notes) EXPECT_EQ(note.find("in place of"), std::string::npos) << note;
  }
}

/// net_null cannot receive into several mbufs: longer frames than one mbuf holds are its device's to drop.
TEST(EthdevDevice, TheMtuOfADriverWithoutScatteringIsWhatAnMbufHolds) {
  ASSERT_TRUE(shared_eal_runs());
  for (const char* const device : {"net_null_short", "net_null_long"})
    ASSERT_EQ(rte_eal_hotplug_add("vdev", device, "size=64"), 0);
  EXPECT_EQ(report_of("net_null_short", 2'022, 256, 256).mtu, 2'022);
  const EthdevReport report = report_of("net_null_long", 9'000, 256, 256);
  EXPECT_EQ(report.mtu, 2'022);
  EXPECT_NE(report.text().find("MTU 2022 in place of 9000"), std::string::npos) << report.text();
}

EthdevConfig with_uses(const std::string& device, std::vector<QueueUse> uses) {
  EthdevConfig config;
  config.device = device;
  config.queues = static_cast<unsigned>(uses.size());
  config.uses = std::move(uses);
  config.host.has_ipv4 = true;
  config.host.ipv4 = parse_local_address("10.1.0.1/24").value();
  config.host.port_first = 4'000;
  config.rx_descriptors = config.tx_descriptors = 256;
  config.buffers = 4'096;
  config.receive_buffers = 2'048;
  return config;
}

bool says(const EthdevReport& report, const std::string& text) {
  return std::any_of(report.notes.begin(), report.notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

/// Some lanes only send. Expect receive queues of the others alone, with the buffers of each, and what was lost counted
/// by a lane that receives.
TEST(EthdevDevice, HasReceiveQueuesOfTheLanesAtHome) {
  in_fresh_process([] {
    ASSERT_TRUE(shared_eal_runs());
    auto opened =
        EthdevDevice::open(with_uses("net_null0", {QueueUse::send, QueueUse::home, QueueUse::send, QueueUse::receive}));
    ASSERT_TRUE(opened) << opened.error().message;
    EthdevDevice& device = *opened.value();
    EXPECT_EQ(device.report().rx_queues, 2U);
    EXPECT_EQ(device.report().tx_queues, 4U);
    EXPECT_EQ(device.report().buffers, (std::vector<unsigned>{0, 4'096, 0, 2'048}));
    EXPECT_NE(device.report().text().find("2 receive and 4 transmit queues"), std::string::npos)
        << device.report().text();
    EXPECT_NE(device.report().text().find("4096/2048 mbufs a lane"), std::string::npos) << device.report().text();
    EXPECT_FALSE(says(device.report(), "pairs"));
    for (unsigned lane = 0; lane < 4; ++lane) {
      EXPECT_EQ(device.lane(lane).receives(), lane % 2 == 1) << lane;
      EXPECT_EQ(device.is_home_of(lane), lane == 1) << lane;
      wire::Batch batch;
      if (lane % 2 == 1) device.lane(lane).receive(batch, 0);
      EXPECT_EQ(device.lane(lane).counters().rx_frames.value() != 0, lane % 2 == 1);
    }
    device.poll_missed(second);
    std::size_t bytes = 0;
    device.each_buffer_range(0, [](auto) { FAIL() << "it has none"; });
    device.each_buffer_range(1, [&bytes](std::span<const std::byte> range) { bytes += range.size(); });
    EXPECT_GT(bytes, 4'096U * 2'048U);
  });
}

/// The queues of a ring are pairs. Expect all lanes to receive, and a note.
TEST(EthdevDevice, WhoseQueuesArePairsHasThemAll) {
  ASSERT_TRUE(shared_eal_runs());
  const auto pair = make_ring_pair("pairs", 2, 256);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto device = EthdevDevice::open(with_uses(pair.value().first, {QueueUse::home, QueueUse::send}));
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device.value()->report().rx_queues, 2U);
  EXPECT_TRUE(device.value()->lane(1).receives());
  EXPECT_FALSE(device.value()->is_home_of(1));
  EXPECT_TRUE(says(device.value()->report(), "its queues are pairs")) << device.value()->report().text();
  EXPECT_EQ(device.value()->report().buffers, (std::vector<unsigned>{4'096, 2'048}));
}

TEST(EthdevDevice, TooManyLanesAreASentence) {
  ASSERT_TRUE(shared_eal_runs());
  const auto pair = make_ring_pair("many", 2, 256);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto device = EthdevDevice::open(with_uses(pair.value().first, std::vector<QueueUse>(3, QueueUse::home)));
  ASSERT_FALSE(device);
  EXPECT_NE(device.error().message.find("has 2 receive and 2 transmit queues, and the lanes need 3 and 3"),
            std::string::npos)
      << device.error().message;
}

TEST(EthdevDevice, KnowsItsNodeBeforeItIsOpened) {
  ASSERT_TRUE(shared_eal_runs());
  const auto pair = make_ring_pair("node", 1, 256);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto node = EthdevDevice::node_of(pair.value().first);
  ASSERT_TRUE(static_cast<bool>(node));
  const auto device = EthdevDevice::open(with_uses(pair.value().first, {QueueUse::home}));
  ASSERT_TRUE(device);
  EXPECT_EQ(node.value(), device.value()->report().numa_node);
  EXPECT_FALSE(EthdevDevice::node_of("net_nowhere"));
}

}  // namespace
}  // namespace serried::port
