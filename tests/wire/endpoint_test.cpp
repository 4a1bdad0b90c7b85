#include "wire/endpoint.h"

#include <net/if.h>
#include <string>

#include <gtest/gtest.h>

namespace serried::wire {
namespace {

/// What the error of a refused text says.
std::string refusal(const Result<Path>& parsed) { return parsed ? "" : parsed.error().message; }

TEST(Endpoint, IsAnAddressAndAPort) {
  const auto v4 = parse_endpoint("192.0.2.1:4000");
  ASSERT_TRUE(v4);
  EXPECT_TRUE(v4.value().is_ipv4());
  EXPECT_EQ(v4.value().address[12], 192);
  EXPECT_EQ(v4.value().address[15], 1);
  EXPECT_EQ(v4.value().port, 4000);
  const auto v6 = parse_endpoint("[2001:db8::1]:65535");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6.value().is_ipv4());
  EXPECT_EQ(v6.value().address[0], 0x20);
  EXPECT_EQ(v6.value().address[15], 1);
  EXPECT_EQ(interface_of(v6.value()), 0U);
  for (const char* bad : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:x", "1.2.3:4", "1.2.3.4:123456",
                          "1.2.3.4:65536", "1.2.3.4: 1", "1.2.3.4:-1", "[::1]", "[]:1", "[::1:1", "host:1"})
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

TEST(Endpoint, ALinkLocalAddressHasItsInterface) {
  const unsigned loopback = if_nametoindex("lo");
  ASSERT_NE(loopback, 0U);
  for (const std::string& scope : {std::string("lo"), std::to_string(loopback)}) {
    const auto path = parse_endpoint("[fe80::1%" + scope + "]:4000");
    ASSERT_TRUE(path) << refusal(path);
    EXPECT_EQ(interface_of(path.value()), loopback);
    EXPECT_EQ(path.value().address[0], 0xFE);
    EXPECT_EQ(path.value().port, 4000);
    EXPECT_FALSE(lacks_interface(path.value()));
  }
  const auto open = parse_endpoint("[fe80::1]:4000");
  ASSERT_TRUE(open);
  EXPECT_TRUE(lacks_interface(open.value()));
  EXPECT_FALSE(lacks_interface(parse_endpoint("[2001:db8::1]:4000").value()));
  EXPECT_NE(no_interface("fe80::1").message.find("fe80::1%eth0"), std::string::npos);
}

TEST(Endpoint, AnInterfaceThatCannotBeIsRefused) {
  EXPECT_NE(refusal(parse_endpoint("[fe80::1%nowhere]:1")).find("no interface \"nowhere\""), std::string::npos);
  EXPECT_NE(refusal(parse_endpoint("[fe80::1%]:1")).find("no interface"), std::string::npos);
  EXPECT_NE(refusal(parse_endpoint("[fe80::1%4294967295]:1")).find("no interface"), std::string::npos);
  EXPECT_NE(refusal(parse_endpoint("[2001:db8::1%lo]:1")).find("leave out %lo"), std::string::npos);
  EXPECT_NE(refusal(parse_endpoint("192.0.2.1%lo:1")).find("leave out %lo"), std::string::npos);
}

}  // namespace
}  // namespace serried::wire
