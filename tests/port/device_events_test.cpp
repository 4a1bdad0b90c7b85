// The part of driver and system is played here, by the calls that they make. Those of drivers are in no public header.
#include "port/device_events.h"

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "port/eal.h"
#include "port/ethdev.h"
#include "shared_eal.h"

extern "C" {
struct rte_eth_dev;
rte_eth_dev* rte_eth_dev_get_by_name(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* device, rte_eth_event_type event, void* details);
}

namespace serried::port {
namespace {

class DeviceEventsTest : public testing::Test {
 protected:
  static constexpr const char* name = "net_null0";

  void SetUp() override {
    ASSERT_TRUE(shared_eal_runs());
    const auto found = EthdevDevice::find(name);
    ASSERT_TRUE(found) << found.error().message;
    id_ = found.value();
    const auto listens = events_.listen(id_);
    ASSERT_TRUE(listens) << listens.error().message;
  }
  static void driver_says(rte_eth_event_type event) {
    rte_eth_dev_callback_process(rte_eth_dev_get_by_name(name), event, nullptr);
  }

  std::uint16_t id_ = 0;
  DeviceEvents events_;
};

TEST_F(DeviceEventsTest, OfADeviceThatWorksNothingIsSaid) {
  EXPECT_FALSE(events_.wants_reset());
  EXPECT_FALSE(events_.is_leaving());
}

TEST_F(DeviceEventsTest, ADriverAsksForAReset) {
  driver_says(RTE_ETH_EVENT_INTR_RESET);
  EXPECT_TRUE(events_.wants_reset());
  EXPECT_FALSE(events_.is_leaving());
}

TEST_F(DeviceEventsTest, ADriverCouldNotRecoverByItself) {
  driver_says(RTE_ETH_EVENT_RECOVERY_FAILED);
  EXPECT_TRUE(events_.wants_reset());
}

TEST_F(DeviceEventsTest, ADriverSaysThatItsDeviceIsGone) {
  driver_says(RTE_ETH_EVENT_INTR_RMV);
  EXPECT_TRUE(events_.is_leaving());
  EXPECT_FALSE(events_.wants_reset());
}

TEST_F(DeviceEventsTest, TheSystemWantsADeviceBack) {
  rte_dev_event_callback_process(name, RTE_DEV_EVENT_ADD);
  rte_dev_event_callback_process("net_null1", RTE_DEV_EVENT_REMOVE);
  EXPECT_FALSE(events_.is_leaving());
  rte_dev_event_callback_process(name, RTE_DEV_EVENT_REMOVE);
  EXPECT_TRUE(events_.is_leaving());
}

TEST_F(DeviceEventsTest, WhatWasSaidIsForgottenWhenItListensAnew) {
  driver_says(RTE_ETH_EVENT_INTR_RESET);
  driver_says(RTE_ETH_EVENT_INTR_RMV);
  ASSERT_TRUE(events_.listen(id_));
  EXPECT_FALSE(events_.wants_reset());
  EXPECT_FALSE(events_.is_leaving());
}

TEST_F(DeviceEventsTest, NothingIsHeardAfterTheEnd) {
  events_.stop();
  driver_says(RTE_ETH_EVENT_INTR_RESET);
  rte_dev_event_callback_process(name, RTE_DEV_EVENT_REMOVE);
  EXPECT_FALSE(events_.wants_reset());
  EXPECT_FALSE(events_.is_leaving());
}

TEST_F(DeviceEventsTest, APortThatIsNotThereHasNoEvents) {
  DeviceEvents events;
  EXPECT_FALSE(events.listen(RTE_MAX_ETHPORTS - 1));
}

}  // namespace
}  // namespace serried::port
