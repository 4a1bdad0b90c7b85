#include <cstring>
#include <net/if.h>
#include <string>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "patience.h"
#include "port/socket.h"
#include "support/restricted.h"

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

/// Whether `text` is in the error of opening this.
std::string expect_error(const SocketConfig& config, const std::string& text) {
  const auto socket = Socket::open(config);
  if (socket) return "was opened, and should say: " + text;
  return socket.error().message.find(text) == std::string::npos ? socket.error().message : "";
}

/// Lanes of one server share a port; what another server asks for, however many lanes it has, is taken.
TEST(Socket, AGroupLetsNoOtherServerIn) {
  SocketConfig config;
  config.address = own_address;
  config.sharing = Sharing::first;
  const auto first = Socket::open(config);
  ASSERT_TRUE(first) << first.error().message;
  config.port_first = first.value()->local().port;
  EXPECT_EQ(expect_error(config, "is taken by another program"), "") << "before its second lane has come";
  config.sharing = Sharing::joining;
  const auto second = Socket::open(config);
  ASSERT_TRUE(second) << second.error().message;
  for (const Sharing sharing : {Sharing::first, Sharing::alone}) {
    config.sharing = sharing;
    EXPECT_EQ(expect_error(config, "is taken by another program"), "");
    SocketConfig any = config;
    any.address = ipv4_address(0, 0, 0, 0);
    EXPECT_EQ(expect_error(any, "is taken by another program"), "") << "all addresses, ours too";
  }
}

TEST(Socket, ALinkLocalAddressNeedsItsInterface) {
  SocketConfig config;
  config.address = parse_address("fe80::1").value();
  EXPECT_EQ(expect_error(config, "each interface may have one"), "");
}

/// Send `bytes` there and back through `client`; what is wrong.
std::string echo(Socket& server, Socket& client, const wire::Path& to) {
  wire::Batch batch;
  wire::Buffer buffer;
  if (client.acquire({&buffer, 1}) != 1) return "no buffer";
  std::memcpy(buffer.data, "hello", 5);
  batch.append(buffer.data, 5, buffer.owner, to);
  client.transmit(batch, 0);
  receive_some(server, batch);
  if (batch.live_rows != 1) return "the server heard nothing";
  server.transmit(batch, 0);
  receive_some(client, batch);
  if (batch.live_rows != 1) return "the client heard nothing";
  const bool same = wire::same_address(batch.path[0].address, to.address) &&
                    wire::interface_of(batch.path[0]) == wire::interface_of(to);
  client.release(batch);
  return same ? "" : "the answer came from " + format_endpoint(batch.path[0]);
}

/// A server of all addresses, of an interface's link-local one, and of a global one, each asked by link-local addresses
/// of two interfaces.
TEST(Socket, LinkLocalAddressesAreAnsweredByTheirInterface) {
  bool skipped = false;
  const std::string wrong = in_child(
      [] {
        return enter_network(
            "ip link add one type veth peer two && ip link set one up && ip link set two up && "
            "ip addr add fe80::1/64 dev one nodad && ip addr add fe80::1/64 dev two nodad && "
            "ip addr add fd01::1/64 dev one nodad && ip addr add fd02::1/64 dev two nodad");
      },
      [] {
        LocalAddresses addresses;
        std::string all;
        for (const char* name : {"one", "two"})
          for (const bool asks_locally : {true, false})
            for (const char* own : {"::", "fe80::1", "fd00::1"}) {
              const std::string global = name == std::string("one") ? "fd01::1" : "fd02::1";
              const auto fill = [&](SocketConfig& config, const std::string& address) {
                config.address = parse_address(address == "fd00::1" ? global : address).value();
                config.interface = wire::is_link_local(config.address) ? if_nametoindex(name) : 0;
              };
              SocketConfig serving, asking;
              fill(serving, own);
              serving.local_addresses = &addresses;
              fill(asking, asks_locally ? "fe80::1" : global);
              const auto server = Socket::open(serving), client = Socket::open(asking);
              if (!server || !client) return (server ? client.error() : server.error()).message;
              wire::Path to = server.value()->local();
              if (to.address == Address{}) to.address = parse_address("fe80::1").value();
              if (wire::is_link_local(to.address)) wire::set_interface(to, if_nametoindex(name));
              const std::string fault = echo(*server.value(), *client.value(), to);
              if (!fault.empty())
                all += std::string(own) + " asked by " + format_endpoint(client.value()->local()) + ": " + fault + "\n";
            }
        return all;
      },
      skipped);
  if (skipped) GTEST_SKIP() << "needs a network namespace";
  EXPECT_EQ(wrong, "");
}

TEST(Socket, WithoutIpv6AllAddressesAreThoseOfIpv4) {
  bool skipped = false;
  const std::string wrong = in_child(
      [] {
        return forbid({{SYS_socket, AF_INET6, EAFNOSUPPORT}});
      },
      []() -> std::string {
        const auto server = Socket::open({});
        if (!server) return server.error().message;
        if (server.value()->report().has_ipv6) return "does not say it";
        SocketConfig config;
        config.address = own_address;
        const auto client = Socket::open(config);
        if (!client) return client.error().message;
        config.address = parse_address("::1").value();
        if (auto fault = expect_error(config, "no IPv6"); !fault.empty()) return fault;
        return echo(*server.value(), *client.value(), endpoint(own_address, server.value()->local().port));
      },
      skipped);
  if (skipped) GTEST_SKIP() << "needs seccomp";
  EXPECT_EQ(wrong, "");
}

TEST(Socket, WhatMayNotBeDoneByOneCallIsDoneByMany) {
  for (const bool receives : {false, true}) {
    bool skipped = false;
    const std::string wrong =
        in_child([&] { return forbid({{receives ? SYS_recvmmsg : SYS_sendmmsg}}); },
                 [&]() -> std::string {
                   SocketConfig config;
                   config.address = own_address;
                   config.socket_count = 2;
                   const auto server = Socket::open(config), client = Socket::open(config);
                   if (!server || !client) return "not opened";
                   const SocketReport& report = server.value()->report();
                   if (report.receives_singly != receives || report.sends_singly == receives)
                     return "the report does not say it";
                   wire::Batch batch;
                   for (unsigned i = 0; i < 10; ++i) {
                     wire::Buffer buffer;
                     if (client.value()->acquire({&buffer, 1}) != 1) return "no buffer";
                     std::memset(buffer.data, 1, 100 + i);
                     batch.append(buffer.data, 100 + i, buffer.owner, server.value()->local(i % 2));
                   }
                   client.value()->transmit(batch, 0);
                   unsigned heard = 0;
                   eventually([&] {
                     server.value()->receive(batch, 0);
                     heard += batch.live_rows;
                     server.value()->release(batch);
                     return heard >= 10;
                   });
                   return heard == 10 ? "" : "heard " + std::to_string(heard);
                 },
                 skipped);
    if (skipped) GTEST_SKIP() << "needs seccomp";
    EXPECT_EQ(wrong, "") << receives;
  }
}

TEST(Socket, WhereNothingCanBeReceivedOrSentNothingIsOpened) {
  for (const bool receives : {false, true}) {
    bool skipped = false;
    const std::string wrong = in_child(
        [&] {
          return receives ? forbid({{SYS_recvmmsg}, {SYS_recvmsg}}) : forbid({{SYS_sendmmsg}, {SYS_sendmsg}});
        },
        [&] { return expect_error({}, receives ? "forbids to receive" : "forbids to send"); }, skipped);
    if (skipped) GTEST_SKIP() << "needs seccomp";
    EXPECT_EQ(wrong, "") << receives;
  }
}

TEST(Socket, WithoutAnEphemeralPortTheErrorSaysSo) {
  bool skipped = false;
  const std::string wrong =
      in_child([] { return enter_network("echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range"); },
               []() -> std::string {
                 SocketConfig config;
                 config.socket_count = 3;
                 return expect_error(config, "no UDP port is left");
               },
               skipped);
  if (skipped) GTEST_SKIP() << "needs a network namespace";
  EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace serried::port
