#include "port/flow_filter.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "shared_eal.h"

namespace serried::port {
namespace {

/// In a process of its own: the other tests of this executable close the device that they share.
TEST(FlowFilter, ADriverWithoutRulesIsReportedAndUnchanged) {
  in_fresh_process([] {
    ASSERT_TRUE(shared_eal_runs());
    std::uint16_t id = 0;
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
    for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{7}}) {
      const auto filter = FlowFilter::open(id, vlan);
      ASSERT_FALSE(filter);
      EXPECT_NE(filter.error().message.find("refuses"), std::string::npos) << filter.error().message;
    }
  });
}

}  // namespace
}  // namespace serried::port
