#pragma once
/// Where a datagram came from, or goes to: the UDP end point, and what the link needs to reach it.

#include <array>
#include <cstdint>
#include <cstring>

namespace serried::wire {

/// 32 bytes. A session keeps the path of its last authentic datagram, and replies along it (`learn`).
struct alignas(8) Path {
  std::array<std::uint8_t, 16> address{};  ///< IPv6, or IPv4 mapped into it (::ffff:a.b.c.d, RFC 4291 2.5.5.2)
  std::uint16_t port = 0;                  ///< UDP, host order
  std::uint16_t vlan = 0;                  ///< 802.1Q tag control information, host order; 0: untagged
  std::array<std::uint8_t, 6> link{};      ///< MAC of the next hop; zeros where the port has none (sockets)
  std::uint16_t local_port = 0;            ///< our own UDP port, host order; 0 when sending: the port's default
  std::array<std::uint8_t, 4> reserved{};

  [[nodiscard]] bool is_ipv4() const noexcept {
    static constexpr std::uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    return std::memcmp(address.data(), prefix, sizeof prefix) == 0;
  }
  [[nodiscard]] bool operator==(const Path&) const noexcept = default;
};
static_assert(sizeof(Path) == 32);

/// Same UDP end point, whatever the link says.
[[nodiscard]] inline bool same_endpoint(const Path& a, const Path& b) noexcept {
  return std::memcmp(a.address.data(), b.address.data(), a.address.size()) == 0 && a.port == b.port;
}

}  // namespace serried::wire
