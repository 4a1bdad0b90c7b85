#pragma once
/// Entropy of a test: one seed, one history.

#include <cstdint>
#include <span>

#include "base/prng.h"
#include "crypt/keys.h"

namespace serried::test {

struct SeededEntropy {
  base::Prng prng;
  explicit SeededEntropy(std::uint64_t seed) : prng(seed) {}
  /// Draws from this object, which outlives it.
  [[nodiscard]] crypt::Entropy entropy() {
    return {[](void* self, std::span<std::uint8_t> to) {
              for (auto& byte : to) byte = static_cast<std::uint8_t>(static_cast<SeededEntropy*>(self)->prng.next());
            },
            this};
  }
};

}  // namespace serried::test
