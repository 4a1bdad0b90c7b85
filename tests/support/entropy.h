#pragma once
/// Entropy of a test: one seed, one history.

#include <cstdint>
#include <span>

#include "base/prng.h"
#include "crypt/keys.h"

namespace serried::test {

class SeededEntropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  /// Draws from this object, which outlives it.
  [[nodiscard]] crypt::Entropy entropy() {
    return {[](void* self, std::span<std::uint8_t> to) {
              for (auto& byte : to) byte = static_cast<std::uint8_t>(static_cast<SeededEntropy*>(self)->random_.next());
            },
            this};
  }

 private:
  base::Prng random_;
};

}  // namespace serried::test
