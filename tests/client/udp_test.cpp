#include "client/udp.h"

#include <array>

#include <gtest/gtest.h>

namespace serried {
namespace {

TEST(Udp, ParsesEndpoints) {
  const auto v4 = client::parse_endpoint("192.0.2.1:4000");
  ASSERT_TRUE(v4);
  EXPECT_TRUE(v4.value().is_ipv4());
  EXPECT_EQ(v4.value().address[12], 192);
  EXPECT_EQ(v4.value().address[15], 1);
  EXPECT_EQ(v4.value().port, 4000);
  const auto v6 = client::parse_endpoint("[2001:db8::1]:65535");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6.value().is_ipv4());
  EXPECT_EQ(v6.value().address[0], 0x20);
  EXPECT_EQ(v6.value().address[15], 1);
  for (const char* bad :
       {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:x", "1.2.3:4", "1.2.3.4:123456", "[::1]"})
    EXPECT_FALSE(client::parse_endpoint(bad)) << bad;
}

/// There is no answer from the discard port.
TEST(Udp, SurvivesSilenceAndRefusal) {
  wire::Path path = client::parse_endpoint("127.0.0.1:9").value();
  auto alone = client::Udp::open(path, 1 << 16);
  ASSERT_TRUE(alone);
  std::array<std::uint8_t, 100> buffer{};
  EXPECT_EQ(alone.value().receive(buffer), 0U);
  alone.value().wait(millisecond);  // comes back although nothing comes
  // Refused by ICMP, perhaps: the next calls must not fail for it.
  static_cast<void>(alone.value().send(buffer));
  alone.value().wait(5 * millisecond);
  EXPECT_EQ(alone.value().receive(buffer), 0U);
  client::Udp moved = std::move(alone.value());
  EXPECT_EQ(moved.receive(buffer), 0U);
}

}  // namespace
}  // namespace serried
