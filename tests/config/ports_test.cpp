#include "config/ports.h"

#include <net/if.h>

#include <gtest/gtest.h>

#include "config/engine_config.h"

namespace serried::config {
namespace {

/// Two ports, each with an address of its own.
ServerConfig two_ports() {
  ServerConfig config;
  config.ports = {"net_a", "0000:03:00.0"};
  config.addresses = {"10.0.0.1/24@net_a", "10.0.1.1/24@0000:03:00.0"};
  return config;
}

std::vector<Fault> faults_of(const ServerConfig& config) {
  std::vector<Fault> faults;
  check_ports(config, faults);
  return faults;
}

/// The configuration has one fault, which stands there and says this.
void expect_fault(const ServerConfig& config, const std::string& where, const std::string& text) {
  const auto faults = faults_of(config);
  ASSERT_EQ(faults.size(), 1U) << fault_text(faults);
  EXPECT_EQ(faults[0].where, where);
  EXPECT_NE(faults[0].text.find(text), std::string::npos) << faults[0].text;
}

TEST(ParseOwnAddress, ReadsThePortBehindTheAt) {
  const auto alone = parse_own_address("10.0.0.1/24");
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone.value().local.address, port::ipv4_address(10, 0, 0, 1));
  EXPECT_EQ(alone.value().local.prefix_bits, 24U);
  EXPECT_EQ(alone.value().port, "");
  const auto named = parse_own_address("fd00::1/64@0000:03:00.0");
  ASSERT_TRUE(named);
  EXPECT_EQ(named.value().local.prefix_bits, 64U);
  EXPECT_EQ(named.value().port, "0000:03:00.0");
  EXPECT_EQ(parse_own_address("10.0.0.1@1").value().port, "1");
  for (const char* bad : {"", "@1", "10.0.0.1@", "10.0.0@1", "10.0.0.1/33@1"})
    EXPECT_FALSE(parse_own_address(bad)) << bad;
}

TEST(ParseOwnAddress, ReadsTheInterfaceBehindThePercent) {
  const unsigned loopback = if_nametoindex("lo");
  for (const char* text : {"fe80::1%lo", "fe80::1%lo/64", "fe80::1%lo/64@net_a"}) {
    const auto own = parse_own_address(text);
    ASSERT_TRUE(own) << text;
    EXPECT_EQ(own.value().interface, loopback);
    EXPECT_EQ(own.value().local.address, port::parse_address("fe80::1").value());
  }
  EXPECT_EQ(parse_own_address("fe80::1%lo/64").value().local.prefix_bits, 64U);
  EXPECT_EQ(parse_own_address("fe80::1").value().interface, 0U);
  for (const char* bad : {"fe80::1%", "fe80::1%nowhere", "::1%lo", "10.0.0.1%lo", "fe80::1/64%lo"})
    EXPECT_FALSE(parse_own_address(bad)) << bad;
}

TEST(CheckPorts, OnlyASocketNeedsAnInterfaceAndOnlyForLinkLocalAddresses) {
  ServerConfig socket;
  socket.driver = Driver::socket;
  socket.addresses = {"fe80::1%lo"};
  EXPECT_TRUE(faults_of(socket).empty()) << fault_text(faults_of(socket));
  EXPECT_EQ(socket_config(socket, 1).interface, if_nametoindex("lo"));
  socket.addresses = {"fe80::1"};
  expect_fault(socket, "--address", "each interface may have one");
  ServerConfig ethdev;
  ethdev.addresses = {"fe80::1%lo"};
  expect_fault(ethdev, "--address fe80::1%lo", "--driver ethdev stands on none");
  ethdev.addresses = {"fe80::1"};
  EXPECT_TRUE(faults_of(ethdev).empty()) << fault_text(faults_of(ethdev));
}

TEST(CheckPorts, EachPortWithItsAddressesIsRight) {
  EXPECT_TRUE(faults_of(two_ports()).empty()) << fault_text(faults_of(two_ports()));
  ServerConfig both = two_ports();
  both.addresses.insert(both.addresses.end(), {"fd00::1/64@net_a", "fd01::1/64@0000:03:00.0"});
  EXPECT_TRUE(faults_of(both).empty()) << fault_text(faults_of(both));
  ServerConfig same = two_ports();
  same.addresses = {"10.0.0.1/24@net_a", "10.0.0.1/24@0000:03:00.0"};
  EXPECT_TRUE(faults_of(same).empty()) << "one address on two ports: routers know two ways to it";
}

TEST(CheckPorts, OnePortMayBeNamedToo) {
  ServerConfig config;
  config.ports = {"net_a"};
  for (const char* text : {"10.0.0.1/24", "10.0.0.1/24@net_a"}) {
    config.addresses = {text};
    EXPECT_TRUE(faults_of(config).empty()) << text << ": " << fault_text(faults_of(config));
  }
  config.addresses = {"10.0.0.1/24@net_b"};
  expect_fault(config, "--address 10.0.0.1/24@net_b", "names port net_b, which is not among --port net_a");
}

TEST(CheckPorts, AnAddressNamesItsPortWhereThereAreSeveral) {
  ServerConfig config = two_ports();
  config.addresses.emplace_back("fd00::1/64");
  expect_fault(config, "--address fd00::1/64", "write fd00::1/64@PORT");
}

TEST(CheckPorts, AnAddressNamesAPortThatIsGiven) {
  ServerConfig config = two_ports();
  config.addresses.emplace_back("fd00::1/64@net_c");
  expect_fault(config, "--address fd00::1/64@net_c", "not among --port net_a, 0000:03:00.0");
}

TEST(CheckPorts, EachPortHasAnAddress) {
  ServerConfig config = two_ports();
  config.addresses.pop_back();
  expect_fault(config, "--port 0000:03:00.0", "has no address; give it one with --address IP[/PREFIX]@0000:03:00.0");
  config.addresses.emplace_back("10.0.1@0000:03:00.0");
  EXPECT_TRUE(faults_of(config).empty()) << "what is wrong with the address is the option's to say";
  config.addresses.clear();
  EXPECT_EQ(faults_of(config).size(), 2U) << "one a port";
  config.ports = {"net_a"};
  expect_fault(config, "--address", "is missing");
}

TEST(CheckPorts, EachPortIsGivenOnce) {
  ServerConfig config = two_ports();
  config.ports.insert(config.ports.end(), {"net_a", "net_a"});
  expect_fault(config, "--port net_a", "given twice");
  config = two_ports();
  config.ports.clear();
  config.addresses = {"10.0.0.1"};
  expect_fault(config, "--port", "is missing");
}

TEST(CheckPorts, OneAddressOfEachVersionAPort) {
  ServerConfig config = two_ports();
  config.addresses.emplace_back("10.0.1.2/24@0000:03:00.0");
  expect_fault(config, "--address", "given twice for one IP version on port 0000:03:00.0");
}

TEST(CheckPorts, SocketsStandOnNone) {
  ServerConfig config;
  config.driver = Driver::socket;
  config.ports = {"0", "1"};
  expect_fault(config, "--port", "--driver socket");
  config.ports = {"0"};
  config.addresses = {"10.0.0.1@0"};
  expect_fault(config, "--address 10.0.0.1@0", "leave out @0");
}

TEST(CheckPorts, AGatewayIsInTheNetworkOfAPort) {
  ServerConfig config = two_ports();
  config.next_hop = "arp";
  config.gateways = {"10.0.0.254", "10.0.1.254"};
  EXPECT_TRUE(faults_of(config).empty()) << fault_text(faults_of(config));
  config.gateways = {"10.0.2.254"};
  expect_fault(config, "--gateway 10.0.2.254", "in no network of --address");
  config.gateways = {"10.0.0.254", "10.0.0.253"};
  expect_fault(config, "--gateway", "given twice for one IP version on port net_a");
  config.gateways = {"10.0.0.254@net_c"};
  expect_fault(config, "--gateway 10.0.0.254@net_c", "not among --port net_a");
  config.gateways = {"fe80::1@net_a", "fe80::2@0000:03:00.0", "10.9.9.9@net_a"};
  EXPECT_TRUE(faults_of(config).empty()) << fault_text(faults_of(config));
}

TEST(CheckPorts, AnAddressIsOneHosts) {
  const std::pair<const char*, const char*> refused[] = {
      {"0.0.0.0", "no address"},     {"::", "no address"},        {"127.0.0.1", "loopback"},
      {"224.0.0.1", "multicast"},    {"ff02::1/64", "multicast"}, {"255.255.255.255", "broadcast"},
      {"10.0.0.255/24", "broadcast"}};
  for (const auto& [address, why] : refused) {
    ServerConfig config;
    config.ports = {"0"};
    config.addresses = {address};
    expect_fault(config, std::string{"--address "} + address, why);
    config.driver = Driver::socket;
    const bool group = std::string_view{why} == "multicast" || std::string_view{address} == "255.255.255.255";
    EXPECT_EQ(faults_of(config).size(), group ? 1U : 0U) << address << ": of the rest the kernel says what it may be";
  }
  for (const auto& [address, why] : refused) {
    if (std::string_view{address}.find('/') != std::string_view::npos) continue;
    ServerConfig config = two_ports();
    config.gateways = {std::string{address} + "@net_a"};
    expect_fault(config, "--gateway " + config.gateways[0], why);
  }
  ServerConfig config = two_ports();
  config.gateways = {"10.0.0.1"};
  expect_fault(config, "--gateway 10.0.0.1", "of this server");
  config.gateways = {"10.0.0.255"};
  expect_fault(config, "--gateway 10.0.0.255", "broadcast");
}

TEST(AddressesOf, AreThoseThatNameThePort) {
  const ServerConfig config = two_ports();
  ASSERT_EQ(addresses_of(config, "net_a").size(), 1U);
  EXPECT_EQ(addresses_of(config, "net_a")[0].address, port::ipv4_address(10, 0, 0, 1));
  EXPECT_EQ(addresses_of(config, "0000:03:00.0")[0].address, port::ipv4_address(10, 0, 1, 1));
  EXPECT_TRUE(addresses_of(config, "net_c").empty());
}

TEST(GatewaysOf, BelongToEachPortWhoseNetworkTheyAreIn) {
  ServerConfig config = two_ports();
  config.addresses.emplace_back("fd00::1/64@net_a");
  config.gateways = {"10.0.1.254", "fe80::1"};
  EXPECT_EQ(gateways_of(config, "net_a"), (std::vector{port::parse_address("fe80::1").value()}))
      << "link-local is of every link that has IPv6";
  EXPECT_EQ(gateways_of(config, "0000:03:00.0"), (std::vector{port::ipv4_address(10, 0, 1, 254)}));
  config.gateways = {"10.0.0.254@0000:03:00.0", "fe80::2@net_a"};
  EXPECT_EQ(gateways_of(config, "net_a"), (std::vector{port::parse_address("fe80::2").value()}));
  EXPECT_EQ(gateways_of(config, "0000:03:00.0"), (std::vector{port::ipv4_address(10, 0, 0, 254)}))
      << "the name decides, not the network";
  for (const char* text : {"10.0.0.1/24", "10.0.0.1@", "@net_a", ""}) EXPECT_FALSE(parse_gateway(text)) << text;
  ServerConfig one;
  one.addresses = {"10.0.0.1"};
  one.gateways = {"10.9.9.9"};
  EXPECT_EQ(gateways_of(one, "0").size(), 1U) << "with one port there is no question whose it is";
}

TEST(EthdevConfig, OfEachPortHasItsOwnHostAndBuffers) {
  ServerConfig config = two_ports();
  config.io_lanes = 2;
  config.next_hop = "arp";
  config.gateways = {"10.0.1.254"};
  const Homes homes{{0}, {1, 0}};
  const port::EthdevConfig first = ethdev_config(config, 1, 0, homes), second = ethdev_config(config, 1, 1, homes);
  EXPECT_EQ(first.device, "net_a");
  EXPECT_EQ(second.device, "0000:03:00.0");
  EXPECT_EQ(second.host.ipv4.address, port::ipv4_address(10, 0, 1, 1));
  EXPECT_FALSE(second.host.has_ipv6);
  EXPECT_EQ(first.host.gateway_ipv4, port::Address{});
  EXPECT_EQ(second.host.gateway_ipv4, port::ipv4_address(10, 0, 1, 254));
  for (const auto& ethdev : {first, second}) {
    EXPECT_EQ(ethdev.queues, 2U) << "a queue a lane on each";
    EXPECT_EQ(ethdev.host.port_first, 40'000);
  }
  using port::QueueUse;
  EXPECT_EQ(first.uses, (std::vector{QueueUse::home, QueueUse::receive}));
  EXPECT_EQ(second.uses, (std::vector{QueueUse::send, QueueUse::home}));
  ServerConfig alone = config;
  alone.ports.pop_back();
  alone.addresses.pop_back();
  EXPECT_EQ(first.buffers, ethdev_config(alone, 1, 0, {{0}, {0}}).buffers + second.tx_descriptors)
      << "what waits in the other's transmit ring";
  EXPECT_EQ(second.buffers, first.buffers) << "of a lane that is at home there";
  EXPECT_LT(first.receive_buffers, first.buffers) << "a lane takes none of these to send";
}

}  // namespace
}  // namespace serried::config
