#include "tools/attack/target.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

TEST(AttackTarget, PrivateAndReservedAddresses) {
  for (const char* text :
       {"127.0.0.1", "127.255.255.255", "169.254.1.1", "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255",
        "192.168.255.1", "192.0.2.255", "198.51.100.7", "203.0.113.1", "198.18.0.1", "198.19.255.255", "::1", "fe80::1",
        "febf::1", "fc00::1", "fdff::1", "2001:db8:ffff::1"})
    EXPECT_TRUE(tools::is_nobodys(port::parse_address(text).value())) << text;
}

TEST(AttackTarget, AddressesOfTheInternet) {
  for (const char* text : {"1.1.1.1",       "126.255.255.255", "128.0.0.1",       "11.0.0.0",
                           "9.255.255.255", "172.15.255.255",  "172.32.0.0",      "192.167.255.255",
                           "192.169.0.0",   "198.17.255.255",  "198.20.0.0",      "192.0.3.0",
                           "0.0.0.0",       "224.0.0.1",       "255.255.255.255", "::",
                           "::2",           "fec0::1",         "2001:db7::1",     "2001:db9::",
                           "2600::1"})
    EXPECT_FALSE(tools::is_nobodys(port::parse_address(text).value())) << text;
}

TEST(AttackTarget, ANetworkIsReservedWhenAllOfItIs) {
  const auto nobodys = [](const char* text) { return tools::is_nobodys(port::parse_local_address(text).value()); };
  EXPECT_TRUE(nobodys("10.0.0.0/8"));
  EXPECT_TRUE(nobodys("198.18.0.0/15"));
  EXPECT_TRUE(nobodys("10.1.2.3"));
  EXPECT_TRUE(nobodys("2001:db8::/32"));
  EXPECT_FALSE(nobodys("10.0.0.0/7"));
  EXPECT_FALSE(nobodys("198.18.0.0/14"));
  EXPECT_FALSE(nobodys("0.0.0.0/0"));
  EXPECT_FALSE(nobodys("2001:db8::/31"));
  EXPECT_FALSE(nobodys("::/0"));
}

TEST(AttackTarget, DrawsFromTheWholeNetworkAndNoOther) {
  base::Prng random(7);
  for (const char* text : {"10.20.0.0/19", "192.0.2.77", "198.18.0.0/15", "2001:db8::/33"}) {
    const auto network = port::parse_local_address(text).value();
    port::Address ones{}, zeros{};
    zeros.fill(0xFF);
    for (int i = 0; i < 2'000; ++i) {
      const port::Address drawn = tools::draw_address(network, random);
      EXPECT_TRUE(tools::contains(network, drawn)) << port::format_address(drawn);
      for (std::size_t k = 0; k < drawn.size(); ++k) {
        ones[k] |= drawn[k];
        zeros[k] &= drawn[k];
      }
    }
    const unsigned bits = network.prefix_bits + (port::is_ipv4(network.address) ? 96 : 0);
    for (unsigned bit = 0; bit < 128; ++bit) {
      const unsigned varies = (ones[bit / 8] ^ zeros[bit / 8]) >> (7 - bit % 8) & 1;
      EXPECT_EQ(varies, bit >= bits ? 1U : 0U) << text << " bit " << bit;
    }
  }
}

TEST(AttackTarget, ContainsKnowsItsBorder) {
  const auto network = port::parse_local_address("10.20.0.0/19").value();
  EXPECT_TRUE(tools::contains(network, port::ipv4_address(10, 20, 31, 255)));
  EXPECT_FALSE(tools::contains(network, port::ipv4_address(10, 20, 32, 0)));
}

}  // namespace
}  // namespace serried
