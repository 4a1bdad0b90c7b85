#include "port/address.h"

#include <gtest/gtest.h>

namespace serried::port {
namespace {

TEST(Address, ReadsAndWritesBothFamilies) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(format_address(address.value()), text);
  }
  EXPECT_TRUE(is_ipv4(parse_address("192.0.2.1").value()));
  EXPECT_FALSE(is_ipv4(parse_address("2001:db8::1").value()));
  EXPECT_EQ(format_endpoint(parse_address("2001:db8::1").value(), 40), "[2001:db8::1]:40");
  EXPECT_EQ(format_endpoint(ipv4_address(1, 2, 3, 4), 50), "1.2.3.4:50");
}

TEST(Address, RefusesTextThatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "host", "::g", "1.2.3.4/24"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Address, AnInterfaceIsSaidWhereItMatters) {
  for (const char* text : {"fe80::1%lo", "fe80::1%nowhere"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().message.find("leave out %"), std::string::npos) << address.error().message;
    EXPECT_FALSE(parse_local_address(text)) << text;
  }
  wire::Path path = endpoint(parse_address("fe80::1").value(), 40);
  EXPECT_EQ(format_endpoint(path), "[fe80::1]:40");
  wire::set_interface(path, 1);
  EXPECT_EQ(format_endpoint(path), "[fe80::1%lo]:40");
  wire::set_interface(path, 0xFFFFFFFF);
  EXPECT_EQ(format_endpoint(path), "[fe80::1%4294967295]:40") << "an interface that is gone";
  path.address = parse_address("2001:db8::1").value();
  EXPECT_EQ(format_endpoint(path), "[2001:db8::1]:40");
}

TEST(Address, ReadsPrefixes) {
  const auto net = parse_local_address("192.0.2.1/24");
  ASSERT_TRUE(net);
  EXPECT_EQ(net.value().prefix_bits, 24U);
  EXPECT_EQ(net.value().address, ipv4_address(192, 0, 2, 1));
  EXPECT_EQ(parse_local_address("192.0.2.1").value().prefix_bits, 32U);
  EXPECT_EQ(parse_local_address("2001:db8::1/64").value().prefix_bits, 64U);
  EXPECT_EQ(parse_local_address("2001:db8::1").value().prefix_bits, 128U);
  for (const char* text : {"192.0.2.1/33", "2001:db8::1/129", "192.0.2.1/", "192.0.2.1/x", "192.0.2.1/-1", "/24"})
    EXPECT_FALSE(parse_local_address(text)) << text;
}

TEST(Address, ReadsMacs) {
  const auto mac = parse_mac("02:00:5e:10:ab:FF");
  ASSERT_TRUE(mac);
  EXPECT_EQ(format_mac(mac.value()), "02:00:5e:10:ab:ff");
  for (const char* text :
       {"", "02:00:5e:10:ab", "02:00:5e:10:ab:f", "02-00-5e-10-ab-ff", "02:00:5e:10:ab:gg", "+2:00:5e:10:ab:ff"})
    EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(Address, AHostHasNoAddressOfAGroupOrOfNobody) {
  const auto fault = [](const char* text) {
    const auto checked = check_host_address(parse_local_address(text).value());
    return checked ? std::string{} : checked.error().message;
  };
  const std::pair<const char*, const char*> refused[] = {{"0.0.0.0", "no address"},
                                                         {"0.0.0.0/0", "no address"},
                                                         {"::", "no address"},
                                                         {"127.0.0.1/8", "loopback"},
                                                         {"::1", "loopback"},
                                                         {"224.0.0.1", "multicast"},
                                                         {"239.255.255.255", "multicast"},
                                                         {"ff02::1/64", "multicast"},
                                                         {"255.255.255.255", "broadcast"},
                                                         {"192.0.2.255/24", "broadcast"},
                                                         {"192.0.2.127/25", "broadcast"},
                                                         {"10.255.255.255/8", "broadcast"}};
  for (const auto& [text, why] : refused) EXPECT_NE(fault(text).find(why), std::string::npos) << text << fault(text);
  for (const char* text : {"192.0.2.1/24", "192.0.2.255", "192.0.2.255/23", "192.0.2.1/31", "192.0.2.255/32", "fe80::1",
                           "2001:db8::ffff/64", "223.255.255.254/24"})
    EXPECT_EQ(fault(text), "") << text;
}

TEST(Address, OnLinkIsWhatThePrefixSays) {
  const auto is_in = [](const char* network, const char* address) {
    return is_on_link(parse_local_address(network).value(), parse_address(address).value());
  };
  EXPECT_TRUE(is_in("192.0.2.1/24", "192.0.2.254"));
  EXPECT_FALSE(is_in("192.0.2.1/24", "192.0.3.1"));
  EXPECT_TRUE(is_in("192.0.2.1/23", "192.0.3.1"));
  EXPECT_FALSE(is_in("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(is_in("2001:db8::1/64", "2001:db8::ff"));
  EXPECT_FALSE(is_in("2001:db8::1/64", "2001:db8:0:1::ff"));
  EXPECT_TRUE(is_in("2001:db8::1/64", "fe80::1")) << "link-local is a network of every link";
  EXPECT_FALSE(is_in("192.0.2.1/0", "2001:db8::1")) << "of the other version";
  EXPECT_FALSE(is_in("192.0.2.1/24", "fe80::1"));
}

}  // namespace
}  // namespace serried::port
