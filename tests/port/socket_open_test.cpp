#include <string>

#include <gtest/gtest.h>

#include "port/socket.h"

namespace serried::port {
namespace {

const Address own_address = ipv4_address(127, 0, 0, 1);

TEST(Socket, ATakenPortIsAClearError) {
  SocketConfig config;
  config.address = own_address;
  const auto first = Socket::open(config);
  ASSERT_TRUE(first) << first.error().message;
  config.port_first = first.value()->local().port;
  const auto second_try = Socket::open(config);
  ASSERT_FALSE(second_try);
  EXPECT_NE(second_try.error().message.find("is taken by another program"), std::string::npos);
  EXPECT_NE(second_try.error().message.find(format_endpoint(own_address, config.port_first)), std::string::npos);
}

TEST(Socket, AForeignAddressIsAClearError) {
  SocketConfig config;
  config.address = ipv4_address(192, 0, 2, 1);
  const auto socket = Socket::open(config);
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().message.find("no such address"), std::string::npos) << socket.error().message;
}

}  // namespace
}  // namespace serried::port
