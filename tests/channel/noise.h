#pragma once
/// Bytes that do not compress, from a seeded generator.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prng.h"

namespace serried::channel {

inline std::vector<std::uint8_t> noise(base::Prng& random, std::size_t bytes) {
  std::vector<std::uint8_t> made(bytes);
  for (auto& byte : made) byte = static_cast<std::uint8_t>(random.next());
  return made;
}

}  // namespace serried::channel
