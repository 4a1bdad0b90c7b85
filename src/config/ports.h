#pragma once
/// Which address belongs to which DPDK port: several --port, and --address IP[/PREFIX][@PORT] and --gateway IP[@PORT].

#include <string>
#include <vector>

#include "config/config.h"
#include "port/address.h"
#include "serried/result.h"

namespace serried::config {

/// One --address, read.
struct OwnAddress {
  port::LocalAddress local;
  std::string port;             ///< empty: not named
  std::uint32_t interface = 0;  ///< index, of a link-local address of a socket; 0: not said
};
/// "10.0.0.1/24", "2001:db8::1/64@net_af_xdp1", "fe80::1%eth0"
[[nodiscard]] Result<OwnAddress> parse_own_address(const std::string& text);

/// Addresses of one port, in the order in which they are given. With one port those that name none are its too. What
/// cannot be read is left out.
[[nodiscard]] std::vector<port::LocalAddress> addresses_of(const ServerConfig& config, const std::string& port);
/// One --gateway, read: "10.0.0.254", "fe80::1@net_af_xdp1".
struct Gateway {
  port::Address address{};
  std::string port;  ///< empty: not named
};
[[nodiscard]] Result<Gateway> parse_gateway(const std::string& text);

/// Routers of one port: those that name it; and of those that name none, with several ports, the ones in the network of
/// one of its addresses.
[[nodiscard]] std::vector<port::Address> gateways_of(const ServerConfig& config, const std::string& port);

/// What is wrong with ports, addresses and gateways together. Part of check_config.
void check_ports(const ServerConfig& config, std::vector<Fault>& faults);

}  // namespace serried::config
