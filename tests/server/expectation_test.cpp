#include "server/expectation.h"

#include <gtest/gtest.h>

namespace serried::server {
namespace {

struct Case {
  Case() {
    profile.driver = report.driver = "net_ice";
    profile.checksums = {"rx-ip", "tx-udp"};
    profile.rss = {"ipv4-udp", "ipv6-udp"};
    report.rx_ip_checksum = report.tx_udp_checksum = true;
    report.rss_hash_types = {"ipv4-udp", "ipv6-udp", "ipv4"};
  }
  config::Profile profile;
  port::EthdevReport report;
};

TEST(UnmetExpectations, NoneWhereTheDeviceHasAll) {
  const Case one;
  EXPECT_TRUE(unmet_expectations(one.profile, one.report, 2).empty());
}

TEST(UnmetExpectations, AClauseForEach) {
  Case one;
  one.report.driver = "net_i40e";
  one.report.tx_udp_checksum = false;
  one.report.rss_hash_types = {"ipv4-udp"};
  const auto unmet = unmet_expectations(one.profile, one.report, 2);
  ASSERT_EQ(unmet.size(), 3U);
  EXPECT_EQ(unmet[0], "has the driver net_i40e, and the profile is for net_ice");
  EXPECT_EQ(unmet[1], "has no checksum offload tx-udp, software does it");
  EXPECT_EQ(unmet[2], "does not hash ipv6-udp, so io lanes may get unequal shares");
  EXPECT_EQ(unmet_expectations(one.profile, one.report, 1).size(), 2U) << "one lane gets all";
}

}  // namespace
}  // namespace serried::server
