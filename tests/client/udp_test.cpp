#include "client/udp.h"

#include <array>
#include <string>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "support/restricted.h"
#include "wire/endpoint.h"

namespace serried {
namespace {

/// There is no answer from the discard port.
TEST(Udp, SurvivesSilenceAndRefusal) {
  wire::Path path = wire::parse_endpoint("127.0.0.1:9").value();
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

TEST(Udp, ALinkLocalServerIsReachedByItsInterface) {
  bool skipped = false;
  const std::string wrong = in_child(
      [] {
        return enter_network(
            "ip link add one type veth peer two && ip link set one up && ip link set two up && "
            "ip addr add fe80::1/64 dev two nodad");
      },
      []() -> std::string {
        const auto lacking = client::Udp::open(wire::parse_endpoint("[fe80::1]:9").value(), 1 << 16);
        if (lacking) return "was opened without an interface";
        if (lacking.error().message.find("on which interface") == std::string::npos) return lacking.error().message;
        auto listener = client::Udp::open(wire::parse_endpoint("[fe80::1%two]:9").value(), 1 << 16);
        return listener ? "" : listener.error().message;
      },
      skipped);
  if (skipped) GTEST_SKIP() << "needs a network namespace";
  EXPECT_EQ(wrong, "");
}

TEST(Udp, WhatTheSystemLacksIsSaid) {
  const auto message = [](const char* server) {
    const auto opened = client::Udp::open(wire::parse_endpoint(server).value(), 1 << 16);
    return opened ? std::string("was opened") : opened.error().message;
  };
  bool skipped = false;
  const std::string no_ipv6 = in_child(
      [] {
        return forbid({{SYS_socket, AF_INET6, EAFNOSUPPORT}});
      },
      [&] { return message("[::1]:9"); }, skipped);
  if (!skipped) {
    EXPECT_NE(no_ipv6.find("no IPv6"), std::string::npos) << no_ipv6;
  }
  const std::string no_port =
      in_child([] { return enter_network("echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range"); },
               [&]() -> std::string {
                 const auto one = client::Udp::open(wire::parse_endpoint("127.0.0.1:9").value(), 1 << 16);
                 const auto two = client::Udp::open(wire::parse_endpoint("127.0.0.1:9").value(), 1 << 16);
                 return message("127.0.0.1:9");
               },
               skipped);
  if (!skipped) {
    EXPECT_NE(no_port.find("no UDP port is left"), std::string::npos) << no_port;
  }
}

}  // namespace
}  // namespace serried
