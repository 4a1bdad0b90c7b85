#include "tools/attack/target.h"

#include <algorithm>

namespace serried::tools {

namespace {

using port::Address;
using port::ipv4_address;

constexpr unsigned mapped_bits = 96;

struct Network {
  Address address;
  unsigned bits;  ///< of 128
};

constexpr Network nobodys[] = {
    {ipv4_address(127, 0, 0, 0), mapped_bits + 8},
    {ipv4_address(169, 254, 0, 0), mapped_bits + 16},
    {ipv4_address(10, 0, 0, 0), mapped_bits + 8},
    {ipv4_address(172, 16, 0, 0), mapped_bits + 12},
    {ipv4_address(192, 168, 0, 0), mapped_bits + 16},
    {ipv4_address(192, 0, 2, 0), mapped_bits + 24},
    {ipv4_address(198, 51, 100, 0), mapped_bits + 24},
    {ipv4_address(203, 0, 113, 0), mapped_bits + 24},
    {ipv4_address(198, 18, 0, 0), mapped_bits + 15},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
    {{0xFE, 0x80}, 10},
    {{0xFC}, 7},
    {{0x20, 0x01, 0x0D, 0xB8}, 32},
};

/// The bits of byte `i` that a prefix of `bits` leaves to hosts.
constexpr std::uint8_t host_mask(unsigned i, unsigned bits) noexcept {
  if (bits >= 8 * (i + 1)) return 0;
  return static_cast<std::uint8_t>(bits <= 8 * i ? 0xFF : 0xFF >> (bits - 8 * i));
}

unsigned bits_of(const port::LocalAddress& network) noexcept {
  return network.prefix_bits + (port::is_ipv4(network.address) ? mapped_bits : 0);
}

bool same_prefix(const Address& a, const Address& b, unsigned bits) noexcept {
  for (unsigned i = 0; i < a.size(); ++i)
    if (((a[i] ^ b[i]) & static_cast<std::uint8_t>(~host_mask(i, bits))) != 0) return false;
  return true;
}

}  // namespace

bool contains(const port::LocalAddress& network, const Address& address) noexcept {
  return same_prefix(network.address, address, bits_of(network));
}

bool is_nobodys(const port::LocalAddress& network) noexcept {
  return std::any_of(std::begin(nobodys), std::end(nobodys), [&](const Network& one) {
    return bits_of(network) >= one.bits && same_prefix(one.address, network.address, one.bits);
  });
}

bool is_nobodys(const Address& address) noexcept {
  return is_nobodys(port::LocalAddress{address, port::is_ipv4(address) ? 32U : 128U});
}

Address draw_address(const port::LocalAddress& network, base::Prng& random) noexcept {
  Address drawn = network.address;
  for (unsigned i = 0; i < drawn.size(); ++i) {
    const std::uint8_t mask = host_mask(i, bits_of(network));
    if (mask != 0) drawn[i] = static_cast<std::uint8_t>((drawn[i] & ~mask) | (random.next() & mask));
  }
  return drawn;
}

}  // namespace serried::tools
