#pragma once
/// Addresses of tests.

#include <cstdint>

#include "guard/bans.h"
#include "wire/path.h"

namespace serried::guard {

/// An IPv4 address as limits and bans hold it: mapped.
inline Address v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, byte(a), byte(b), byte(c), byte(d)};
}

inline wire::Path path_of(std::uint8_t host, std::uint16_t port) {
  wire::Path path;
  path.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, host};
  path.port = port;
  return path;
}

}  // namespace serried::guard
