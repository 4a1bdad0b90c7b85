#include <string>

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

}  // namespace
}  // namespace serried::port
