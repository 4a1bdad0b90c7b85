#pragma once
/// IP addresses as people write them, and as Path carries them: 16 bytes, IPv4 mapped (::ffff:a.b.c.d).

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "serried/result.h"
#include "wire/path.h"

namespace serried::port {

using Address = std::array<std::uint8_t, 16>;

/// "192.0.2.1" or "2001:db8::1", without the interface of a link-local address.
Result<Address> parse_address(std::string_view text);

/// An address and the length of its network's prefix: "192.0.2.1/24", "2001:db8::1/64"; without a slash the whole
/// address is the prefix. For IPv4 the bits count from the mapped address's last four bytes, 0 to 32.
struct LocalAddress {
  Address address{};
  unsigned prefix_bits = 0;
};
Result<LocalAddress> parse_local_address(std::string_view text);

/// Whether one host of a link can have the address. Error: the rest of a sentence that begins with it: it is the
/// unspecified one (0.0.0.0, ::), a loopback address, a group's, or a broadcast address (RFC 1122 3.2.1.3, RFC
/// 4291 2.5).
Result<Done> check_host_address(const LocalAddress& local);

/// A multicast group's, or the address of all hosts of a link (255.255.255.255).
[[nodiscard]] bool is_group(const Address& address) noexcept;

/// Whether `address` is of the network that `local` stands in, or link-local: that is a network of every link.
[[nodiscard]] bool is_on_link(const LocalAddress& local, const Address& address) noexcept;

/// "02:00:00:00:00:01"
Result<std::array<std::uint8_t, 6>> parse_mac(std::string_view text);

[[nodiscard]] std::string format_address(const Address& address);
/// "192.0.2.1:4000", "[2001:db8::1]:4000"
[[nodiscard]] std::string format_endpoint(const Address& address, std::uint16_t port);
/// The same with the interface of a link-local one: "[fe80::1%eth0]:4000"
[[nodiscard]] std::string format_endpoint(const wire::Path& path);
[[nodiscard]] std::string format_mac(const std::array<std::uint8_t, 6>& mac);

[[nodiscard]] constexpr Address ipv4_address(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d};
}
[[nodiscard]] bool is_ipv4(const Address& address) noexcept;

/// A path as its user knows it; the port fills in what the link needs.
[[nodiscard]] inline wire::Path endpoint(const Address& address, std::uint16_t port,
                                         std::uint16_t local_port = 0) noexcept {
  wire::Path path;
  path.address = address;
  path.port = port;
  path.local_port = local_port;
  return path;
}

}  // namespace serried::port
