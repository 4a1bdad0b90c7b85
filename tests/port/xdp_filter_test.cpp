/// What needs no rights; the program itself, its maps and its verdicts are tests/live/filter_test.py's.
#include "port/xdp_filter.h"

#include <net/if.h>

#include <gtest/gtest.h>

namespace serried::port {
namespace {

TEST(XdpFilter, AnInterfaceWithoutAProgramIsASentence) {
  XdpFilterConfig config;
  config.interface_index = if_nametoindex("lo");
  const auto filter = XdpFilter::open(config);
  ASSERT_FALSE(filter);
  EXPECT_NE(filter.error().message.find("xdp_prog"), std::string::npos) << filter.error().message;
}

TEST(XdpFilter, AMissingInterfaceIsASentence) {
  XdpFilterConfig config;
  config.interface_index = 0x7FFF'FFFF;
  EXPECT_FALSE(XdpFilter::open(config));
}

}  // namespace
}  // namespace serried::port
