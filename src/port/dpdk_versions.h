#pragma once
/// What differs between the versions of DPDK that this compiles with, 22.11 to 24.11. Nothing else in the project
/// depends on which of them it is.

#include <cstdint>

namespace serried::port {

/// The 16 bytes of an IPv6 address in DPDK's headers and flow items: an array of bytes up to 24.07, since 24.11 a type
/// of its own.
template <class Ipv6Address>
[[nodiscard]] std::uint8_t* bytes_of_ipv6(Ipv6Address& address) noexcept {
  static_assert(sizeof address == 16 && alignof(Ipv6Address) == 1);
  return reinterpret_cast<std::uint8_t*>(&address);
}

}  // namespace serried::port
