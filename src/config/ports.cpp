#include "config/ports.h"

#include <algorithm>

#include "wire/endpoint.h"

namespace serried::config {
namespace {

bool has_several(const ServerConfig& config) { return config.ports.size() > 1; }

/// What stands behind the @, also where the rest cannot be read; empty without one.
std::string port_in(const std::string& text) {
  const std::size_t at = text.find('@');
  return at == std::string::npos ? std::string{} : text.substr(at + 1);
}

/// What stands before the @. Error: nothing stands behind it.
Result<std::string_view> before_port(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at != std::string::npos && port_in(text).empty()) return Error{"\"" + text + "\" names no port behind the @"};
  return std::string_view{text}.substr(0, at);
}

bool is_known(const ServerConfig& config, const std::string& port) {
  return std::find(config.ports.begin(), config.ports.end(), port) != config.ports.end();
}

bool is_port_of(const ServerConfig& config, const OwnAddress& address, const std::string& port) {
  return address.port == port || (address.port.empty() && !has_several(config));
}

/// More than one of an IP version.
bool has_too_many(const std::vector<port::Address>& addresses) {
  const auto ipv4 = std::count_if(addresses.begin(), addresses.end(), port::is_ipv4);
  return ipv4 > 1 || static_cast<std::ptrdiff_t>(addresses.size()) - ipv4 > 1;
}

std::vector<port::Address> without_prefixes(const std::vector<port::LocalAddress>& locals) {
  std::vector<port::Address> addresses;
  addresses.reserve(locals.size());
  for (const port::LocalAddress& local : locals) addresses.push_back(local.address);
  return addresses;
}

std::vector<std::string> distinct(const std::vector<std::string>& texts) {
  std::vector<std::string> once;
  for (const std::string& text : texts)
    if (std::find(once.begin(), once.end(), text) == once.end()) once.push_back(text);
  return once;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line;
}

Fault unknown_port(const ServerConfig& config, const std::string& where, const std::string& port) {
  return {where, "names port " + port + ", which is not among --port " + joined(config.ports) +
                     "; give that too, or correct the name"};
}

void check_port_names(const ServerConfig& config, std::vector<Fault>& faults) {
  if (config.ports.empty()) faults.push_back({"--port", "is missing; name a DPDK port by its number or device name"});
  for (const std::string& port : distinct(config.ports))
    if (std::count(config.ports.begin(), config.ports.end(), port) > 1)
      faults.push_back({"--port " + port, "is given twice; name each port once"});
}

void check_names_in_addresses(const ServerConfig& config, std::vector<Fault>& faults) {
  for (const std::string& text : config.addresses) {
    const auto address = parse_own_address(text);
    if (!address) continue;  // the option's own fault
    if (address.value().interface != 0)
      faults.push_back({"--address " + text,
                        "names an interface of the kernel, and --driver ethdev stands on none; leave "
                        "out what stands behind the %, or use --driver socket"});
    const std::string& port = address.value().port;
    if (port.empty() && has_several(config))
      faults.push_back({"--address " + text, "names no port; with several --port write " + text + "@PORT"});
    else if (!port.empty() && !is_known(config, port))
      faults.push_back(unknown_port(config, "--address " + text, port));
  }
}

/// Addresses that no host of a link can have, whatever the rest of the configuration says.
void check_host_addresses(const ServerConfig& config, std::vector<Fault>& faults) {
  std::vector<port::LocalAddress> own;
  for (const std::string& text : config.addresses) {
    const auto address = parse_own_address(text);
    if (!address) continue;
    own.push_back(address.value().local);
    if (const auto checked = port::check_host_address(own.back()); !checked)
      faults.push_back({"--address " + text, checked.error().message});
  }
  for (const std::string& text : config.gateways) {
    const auto gateway = parse_gateway(text);
    if (!gateway) continue;
    port::LocalAddress router{gateway.value().address, 128};
    bool is_own = false;
    for (const port::LocalAddress& local : own) {
      is_own = is_own || local.address == router.address;
      if (port::is_on_link(local, router.address)) router.prefix_bits = local.prefix_bits;
    }
    if (const auto checked = port::check_host_address(router); !checked)
      faults.push_back({"--gateway " + text, checked.error().message});
    else if (is_own)
      faults.push_back({"--gateway " + text, "is an --address of this server; give the router's"});
  }
}

void check_port(const ServerConfig& config, const std::string& port, std::vector<Fault>& faults) {
  const std::string where = has_several(config) ? " on port " + port : "";
  const auto addresses = addresses_of(config, port);
  const bool named = std::any_of(config.addresses.begin(), config.addresses.end(),
                                 [&](const std::string& text) { return port_in(text) == port; });
  if (has_several(config) && !named)
    faults.push_back({"--port " + port, "has no address; give it one with --address IP[/PREFIX]@" + port});
  if (has_too_many(without_prefixes(addresses)))
    faults.push_back({"--address", "is given twice for one IP version" + where +
                                       "; give at most one IPv4 and one IPv6 address" +
                                       (has_several(config) ? " of each port" : "")});
  if (has_too_many(gateways_of(config, port)))
    faults.push_back({"--gateway", "is given twice for one IP version" + where +
                                       "; give at most one IPv4 and one IPv6 router" +
                                       (has_several(config) ? " of each port; IP@PORT says whose it is" : "")});
}

void check_gateways(const ServerConfig& config, std::vector<Fault>& faults) {
  for (const std::string& text : config.gateways) {
    const auto gateway = parse_gateway(text);
    if (!gateway) continue;
    const std::string& named = gateway.value().port;
    if (!named.empty() && !is_known(config, named)) faults.push_back(unknown_port(config, "--gateway " + text, named));
    if (!named.empty() || !has_several(config)) continue;
    const bool reached = std::any_of(config.ports.begin(), config.ports.end(), [&](const std::string& port) {
      const auto routers = gateways_of(config, port);
      return std::find(routers.begin(), routers.end(), gateway.value().address) != routers.end();
    });
    if (!reached)
      faults.push_back({"--gateway " + text,
                        "is in no network of --address, so no port reaches it; correct it, give the address of its "
                        "port with the prefix, or name the port behind it with @"});
  }
}

void check_socket(const ServerConfig& config, std::vector<Fault>& faults) {
  if (config.ports != ServerConfig{}.ports)
    faults.push_back({"--port", "is given, and --driver socket stands on none; leave it out, or use --driver ethdev"});
  for (const std::string& text : config.addresses) {
    const auto address = parse_own_address(text);
    if (!address) continue;
    if (!address.value().port.empty())
      faults.push_back({"--address " + text, "names a DPDK port, and --driver socket stands on none; leave out @" +
                                                 address.value().port + ", or use --driver ethdev"});
    if (wire::is_link_local(address.value().local.address) && address.value().interface == 0)
      faults.push_back({"--address", wire::no_interface(text).message});
    if (port::is_group(address.value().local.address))
      faults.push_back({"--address " + text, "is a multicast group's or a broadcast address; give one of this host"});
  }
  if (config.addresses.size() > 1)
    faults.push_back(
        {"--address", "takes one address with --driver socket; without any, the socket takes all of the machine"});
}

}  // namespace

Result<OwnAddress> parse_own_address(const std::string& text) {
  const auto before = before_port(text);
  if (!before) return before.error();
  std::string plain(before.value());
  std::uint32_t interface = 0;
  if (const std::size_t percent = plain.find('%'); percent != std::string::npos) {
    const std::size_t end = std::min(plain.find('/', percent), plain.size());  // the prefix stands behind it
    const auto scoped = wire::parse_scoped_address(plain.substr(0, end));
    if (!scoped) return scoped.error();
    interface = scoped.value().interface;
    plain.erase(percent, end - percent);
  }
  const auto local = port::parse_local_address(plain);
  if (!local) return local.error();
  return OwnAddress{local.value(), port_in(text), interface};
}

Result<Gateway> parse_gateway(const std::string& text) {
  const auto before = before_port(text);
  if (!before) return before.error();
  const auto address = port::parse_address(before.value());
  if (!address) return address.error();
  return Gateway{address.value(), port_in(text)};
}

std::vector<port::LocalAddress> addresses_of(const ServerConfig& config, const std::string& port) {
  std::vector<port::LocalAddress> addresses;
  for (const std::string& text : config.addresses)
    if (const auto address = parse_own_address(text); address && is_port_of(config, address.value(), port))
      addresses.push_back(address.value().local);
  return addresses;
}

std::vector<port::Address> gateways_of(const ServerConfig& config, const std::string& port) {
  const auto addresses = addresses_of(config, port);
  std::vector<port::Address> gateways;
  for (const std::string& text : config.gateways) {
    const auto gateway = parse_gateway(text);
    if (!gateway) continue;
    const auto reaches = [&](const port::LocalAddress& local) {
      return port::is_on_link(local, gateway.value().address);
    };
    const std::string& named = gateway.value().port;
    if (!named.empty() ? named == port
                       : !has_several(config) || std::any_of(addresses.begin(), addresses.end(), reaches))
      gateways.push_back(gateway.value().address);
  }
  return gateways;
}

void check_ports(const ServerConfig& config, std::vector<Fault>& faults) {
  if (config.driver == Driver::socket) return check_socket(config, faults);
  check_port_names(config, faults);
  check_names_in_addresses(config, faults);
  check_host_addresses(config, faults);
  if (config.addresses.empty() && !has_several(config))
    faults.push_back(
        {"--address",
         "is missing; a DPDK port has no address of its own: give an IPv4 address, an IPv6 address, or both"});
  for (const std::string& port : distinct(config.ports)) check_port(config, port, faults);
  check_gateways(config, faults);
}

}  // namespace serried::config
