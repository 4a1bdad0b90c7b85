#pragma once
/// Seeds and bytes of randomised tests. SERRIED_SEED in the environment repeats a test with one seed.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::test {

/// SERRIED_SEED, or one that no run had before. Printed.
inline std::uint64_t chosen_seed() {
  const char* given = std::getenv("SERRIED_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::cout << "SERRIED_SEED=" << seed << '\n';
  return seed;
}

inline std::vector<std::uint8_t> random_bytes(base::Prng& random, std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

/// Call `each` with the seeds 1 to `count`, or with SERRIED_SEED alone.
template <class Each>
void for_each_seed(unsigned count, Each&& each) {
  const char* given = std::getenv("SERRIED_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 0) : 1;
  for (std::uint64_t seed = first; seed < first + (given != nullptr ? 1 : count); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " (SERRIED_SEED repeats it alone)");
    each(seed);
  }
}

}  // namespace serried::test
