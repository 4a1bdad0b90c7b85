#pragma once
/// Where a datagram came from, or goes to: the UDP end point, and what the link needs to reach it.

#include <array>
#include <cstdint>
#include <cstring>

namespace serried::wire {

/// Whether two addresses are the same, by two loads each: compilers make a call of comparing the arrays.
[[nodiscard]] inline bool same_address(const std::array<std::uint8_t, 16>& a,
                                       const std::array<std::uint8_t, 16>& b) noexcept {
  std::uint64_t left[2], right[2];
  std::memcpy(left, a.data(), sizeof left);
  std::memcpy(right, b.data(), sizeof right);
  return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}

[[nodiscard]] inline bool same_mac(const std::array<std::uint8_t, 6>& a,
                                   const std::array<std::uint8_t, 6>& b) noexcept {
  std::uint32_t left, right;
  std::uint16_t left_end, right_end;
  std::memcpy(&left, a.data(), sizeof left);
  std::memcpy(&right, b.data(), sizeof right);
  std::memcpy(&left_end, a.data() + sizeof left, sizeof left_end);
  std::memcpy(&right_end, b.data() + sizeof right, sizeof right_end);
  return ((left ^ right) | static_cast<std::uint32_t>(left_end ^ right_end)) == 0;
}

/// ::ffff:0:0/96.
/// Source  RFC 4291 2.5.5.2
[[nodiscard]] inline bool is_ipv4_mapped(const std::array<std::uint8_t, 16>& address) noexcept {
  static constexpr std::uint8_t prefix[4] = {0, 0, 0xFF, 0xFF};
  std::uint64_t zeros;
  std::uint32_t before, wanted;
  std::memcpy(&zeros, address.data(), sizeof zeros);
  std::memcpy(&before, address.data() + sizeof zeros, sizeof before);
  std::memcpy(&wanted, prefix, sizeof wanted);
  return zeros == 0 && before == wanted;
}

/// fe80::/10: of one network segment, whose interface must be known to reach it.
/// Source  RFC 4291 2.5.6
[[nodiscard]] inline bool is_link_local(const std::array<std::uint8_t, 16>& address) noexcept {
  return address[0] == 0xFE && (address[1] & 0xC0) == 0x80;
}

/// 32 bytes. A session keeps the path of its last authentic datagram, and replies along it (`learn`).
struct alignas(8) Path {
  std::array<std::uint8_t, 16> address{};  ///< IPv6, or IPv4 mapped into it (::ffff:a.b.c.d, RFC 4291 2.5.5.2)
  std::uint16_t port = 0;                  ///< UDP, host order
  std::uint16_t vlan = 0;                  ///< 802.1Q tag control information, host order; 0: untagged
  std::array<std::uint8_t, 6> link{};      ///< MAC of the next hop; of a socket's path see interface_of
  std::uint16_t local_port = 0;            ///< our own UDP port, host order; 0 when sending: the port's default
  std::uint8_t local_address = 0;          ///< our own address, as the port numbers them; 0: the port's default
  std::uint8_t device = 0;                 ///< which of the lane's devices it came by, and an answer leaves by
  std::array<std::uint8_t, 2> reserved{};

  [[nodiscard]] bool is_ipv4() const noexcept { return is_ipv4_mapped(address); }
  [[nodiscard]] bool operator==(const Path&) const noexcept = default;
};
static_assert(sizeof(Path) == 32);

/// Index of the interface that a socket's path leads by, where one of its two addresses is link-local; else 0. Its link
/// needs no MAC, and holds this.
[[nodiscard]] inline std::uint32_t interface_of(const Path& path) noexcept {
  std::uint32_t index;
  std::memcpy(&index, path.link.data(), sizeof index);
  return index;
}
inline void set_interface(Path& path, std::uint32_t index) noexcept {
  std::memcpy(path.link.data(), &index, sizeof index);
}

/// Same UDP end point, whatever the link says.
[[nodiscard]] inline bool same_endpoint(const Path& a, const Path& b) noexcept {
  return same_address(a.address, b.address) && a.port == b.port;
}

}  // namespace serried::wire
