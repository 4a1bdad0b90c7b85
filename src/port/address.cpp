#include "port/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <net/if.h>

#include "base/setup.h"
#include "base/text.h"
#include "wire/endpoint.h"

namespace serried::port {
namespace {

constexpr std::size_t ipv4_offset = 12;

}  // namespace

bool is_ipv4(const Address& address) noexcept { return wire::is_ipv4_mapped(address); }

SERRIED_SETUP Result<Address> parse_address(std::string_view text) {
  if (const std::size_t percent = text.find('%'); percent != std::string_view::npos)
    return Error{'"' + std::string(text) + "\": an interface says nothing here; leave out " +
                 std::string(text.substr(percent))};
  const auto scoped = wire::parse_scoped_address(text);
  if (!scoped) return scoped.error();
  return scoped.value().address;
}

SERRIED_SETUP Result<LocalAddress> parse_local_address(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = parse_address(text.substr(0, slash));
  if (!address) return address.error();
  const unsigned bits_max = is_ipv4(address.value()) ? 32 : 128;
  LocalAddress local{address.value(), bits_max};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), local.prefix_bits);
    if (fault != std::errc{} || end != digits.data() + digits.size() || local.prefix_bits > bits_max)
      return Error{'"' + std::string(text) + "\": the prefix after the slash must be 0 to " + std::to_string(bits_max)};
  }
  return local;
}

bool is_group(const Address& address) noexcept {
  if (!is_ipv4(address)) return address[0] == 0xFF;
  const bool everyone = address == ipv4_address(255, 255, 255, 255);
  return everyone || address[ipv4_offset] >> 4 == 14;
}

SERRIED_SETUP Result<Done> check_host_address(const LocalAddress& local) {
  const Address& address = local.address;
  static constexpr Address loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const Address unspecified = is_ipv4(address) ? ipv4_address(0, 0, 0, 0) : Address{};
  if (address == unspecified) return Error{"stands for no address; give the one that clients send to"};
  if (is_ipv4(address) ? address[ipv4_offset] == 127 : address == loopback)
    return Error{"is a loopback address, which no wire carries; give the one that clients send to"};
  if (is_group(address) && address != ipv4_address(255, 255, 255, 255))
    return Error{"is a multicast group's; give the address of one host"};
  if (!is_ipv4(address)) return Done{};
  const std::uint32_t bits = std::uint32_t{address[12]} << 24 | std::uint32_t{address[13]} << 16 |
                             std::uint32_t{address[14]} << 8 | address[15];
  const std::uint32_t host = local.prefix_bits >= 31 ? 0 : ~std::uint32_t{0} >> local.prefix_bits;
  if (bits == ~std::uint32_t{0} || (host != 0 && (bits & host) == host))
    return Error{"is a broadcast address; give the address of one host"};
  return Done{};
}

bool is_on_link(const LocalAddress& local, const Address& address) noexcept {
  const bool ipv4 = is_ipv4(address);
  if (ipv4 != is_ipv4(local.address)) return false;
  if (!ipv4 && wire::is_link_local(address)) return true;
  const unsigned bits = ipv4 ? 96 + local.prefix_bits : local.prefix_bits;
  if (std::memcmp(address.data(), local.address.data(), bits / 8) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xFF00U >> bits % 8;
  return ((address[bits / 8] ^ local.address[bits / 8]) & mask & 0xFF) == 0;
}

SERRIED_SETUP Result<std::array<std::uint8_t, 6>> parse_mac(std::string_view text) {
  std::array<std::uint8_t, 6> mac{};
  const Error fault{'"' + std::string(text) + "\" is no MAC address; write it like 02:00:00:00:00:01"};
  if (text.size() != 17) return fault;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* at = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(at, at + 2, mac[i], 16);
    if (error != std::errc{} || end != at + 2 || (i < 5 && at[2] != ':')) return fault;
  }
  return mac;
}

SERRIED_SETUP std::string format_address(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_ipv4(address))
    inet_ntop(AF_INET, address.data() + ipv4_offset, text, sizeof text);
  else
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

SERRIED_SETUP std::string format_endpoint(const Address& address, std::uint16_t port) {
  const std::string host = format_address(address);
  return (is_ipv4(address) ? host : "[" + host + "]") + ":" + std::to_string(port);
}

SERRIED_SETUP std::string format_endpoint(const wire::Path& path) {
  std::string text = format_endpoint(path.address, path.port);
  const std::uint32_t index = wire::is_link_local(path.address) ? wire::interface_of(path) : 0;
  if (index == 0) return text;
  char name[IF_NAMESIZE];
  const bool named = if_indextoname(index, name) != nullptr;
  std::string scope(1, '%');
  scope += named ? std::string(name) : std::to_string(index);
  return text.insert(text.rfind(']'), scope);
}

SERRIED_SETUP std::string format_mac(const std::array<std::uint8_t, 6>& mac) {
  return base::formatted("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

}  // namespace serried::port
