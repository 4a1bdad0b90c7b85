/// What needs no rights; programs at interfaces are tests/live/interface_test.py's.
#include "port/xdp_program.h"

#include <net/if.h>

#include <gtest/gtest.h>

namespace serried::port {
namespace {

using Words = std::vector<std::string>;

TEST(XdpProgram, TheInterfacesOfAfXdpAreFoundAmongEalsArguments) {
  EXPECT_EQ(af_xdp_interfaces({"--no-pci", "--vdev=net_af_xdp0,iface=eth1,busy_budget=0"}), Words{"eth1"});
  EXPECT_EQ(af_xdp_interfaces({"--vdev", "net_af_xdp0,busy_budget=0,iface=eth1", "--vdev=net_af_xdp_b,iface=eth2"}),
            (Words{"eth1", "eth2"}));
  EXPECT_EQ(af_xdp_interfaces({"--vdev=net_af_packet0,iface=eth1", "--vdev", "net_null0", "iface=eth2", "--vdev"}),
            Words{});
  EXPECT_EQ(af_xdp_interfaces({"--vdev=net_af_xdp0", "--vdev=net_af_xdp1,xiface=eth1,start_queue=1"}), Words{});
}

TEST(XdpProgram, AnInterfaceWithoutAProgramMayBeHad) {
  EXPECT_TRUE(claim_af_xdp_interfaces({"--vdev=net_af_xdp0,iface=lo"}));
  EXPECT_TRUE(claim_af_xdp_interfaces({"--vdev=net_af_xdp0,iface=no_such_one"})) << "that is for the driver to say";
  EXPECT_TRUE(XdpProgram{}.may_close(if_nametoindex("lo")));
}

TEST(XdpProgram, WhatIsNotThereCannotBeTaken) {
  const auto program = XdpProgram::take(if_nametoindex("lo"));
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("is missing"), std::string::npos) << program.error().message;
  EXPECT_FALSE(XdpProgram::take(0x7FFF'FFFF));
}

TEST(XdpProgram, OfNoneNothingIsMissing) {
  XdpProgram none;
  EXPECT_EQ(none.state(), XdpProgram::State::ours);
  EXPECT_FALSE(none.put_back());
  EXPECT_EQ(none.describe(), "no program");
}

/// Out of sight a thread sees other interfaces, or, without the right to go there, those that it saw.
TEST(XdpProgram, OutOfSightIsLeftAgain) {
  const unsigned before = if_nametoindex("lo");
  {
    const OutOfSight away;
    if (away.hidden()) {
      EXPECT_EQ(if_nametoindex("lo"), 1U);
    }
  }
  EXPECT_EQ(if_nametoindex("lo"), before);
}

}  // namespace
}  // namespace serried::port
