#pragma once
/// UDP end points as people write them, with the interface of a link-local address.
/// Source  RFC 4007 11 (fe80::1%eth0), RFC 3986 3.2.2 ([2001:db8::1]:4000)

#include <array>
#include <cstdint>
#include <string_view>

#include "serried/result.h"
#include "wire/path.h"

namespace serried::wire {

/// A path's address, and the interface that it is of.
struct ScopedAddress {
  std::array<std::uint8_t, 16> address{};
  std::uint32_t interface = 0;  ///< index, of a link-local address only; 0: not said
};

/// "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2".
/// Error: no address; an interface that this machine does not have, or of an address that is of all interfaces.
Result<ScopedAddress> parse_scoped_address(std::string_view text);

/// "192.0.2.1:4000", "[2001:db8::1]:4000", "[fe80::1%eth0]:4000".
Result<Path> parse_endpoint(std::string_view text);

/// A link-local end point whose interface nothing says.
[[nodiscard]] bool lacks_interface(const Path& path) noexcept;

/// What is wrong with a link-local address that lacks its interface.
[[nodiscard]] Error no_interface(std::string_view text);

}  // namespace serried::wire
