#include <gtest/gtest.h>

#include "port/ethdev.h"

namespace serried::port {
namespace {

EthdevReport report() {
  EthdevReport report;
  report.device = "0000:41:00.0";
  report.driver = "net_ice";
  report.rx_queues = report.tx_queues = 2;
  report.rx_descriptors = 1'024;
  report.tx_descriptors = 512;
  report.buffers = {20'000, 20'000};
  report.mac = {2, 0, 0, 0, 0, 1};
  report.mtu = 1'500;
  return report;
}

TEST(EthdevReport, IsALine) {
  EthdevReport plain = report();
  EXPECT_EQ(
      plain.text(),
      "0000:41:00.0 (net_ice, port 0, NUMA any, 02:00:00:00:00:01, MTU 1500): 2 queues, 1024/512 descriptors, 20000 "
      "mbufs a lane; checksums rx ip software udp software, tx ip software udp software; RSS none; link down");
  plain.numa_node = 1;
  plain.link_up = true;
  plain.link_mbps = 100'000;
  plain.rss_hash_types = {"ipv4-udp", "ipv6-udp"};
  plain.rx_ip_checksum = true;
  plain.notes = {"one", "two"};
  EXPECT_EQ(
      plain.text(),
      "0000:41:00.0 (net_ice, port 0, NUMA 1, 02:00:00:00:00:01, MTU 1500): 2 queues, 1024/512 descriptors, 20000 "
      "mbufs a lane; checksums rx ip nic udp software, tx ip software udp software; RSS ipv4-udp ipv6-udp; link up "
      "100000 Mbit/s; one; two");
}

TEST(EthdevReport, SaysWhichLanesHaveLess) {
  EthdevReport uneven = report();
  uneven.tx_queues = 4;
  uneven.buffers = {20'000, 0, 10'240, 0};
  EXPECT_NE(uneven.text().find("2 receive and 4 transmit queues"), std::string::npos) << uneven.text();
  EXPECT_NE(uneven.text().find("20000/10240 mbufs a lane"), std::string::npos) << uneven.text();
}

}  // namespace
}  // namespace serried::port
