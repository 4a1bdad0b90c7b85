#pragma once
/// What the tool may write to, and in whose name: networks of one's own.

#include "base/prng.h"
#include "port/address.h"

namespace serried::tools {

/// Loopback, link-local, private (RFC 1918, RFC 4193), documentation (RFC 5737, RFC 3849) and benchmarking (RFC 2544):
/// addresses that the internet does not route.
[[nodiscard]] bool is_nobodys(const port::Address& address) noexcept;
/// Whether all of a network is.
[[nodiscard]] bool is_nobodys(const port::LocalAddress& network) noexcept;

/// Whether an address is of a network.
[[nodiscard]] bool contains(const port::LocalAddress& network, const port::Address& address) noexcept;
/// A random address of `network`.
[[nodiscard]] port::Address draw_address(const port::LocalAddress& network, base::Prng& random) noexcept;

}  // namespace serried::tools
