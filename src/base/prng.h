#pragma once
/// Deterministic randomness: `mix` for f(seed, tick, id), `Prng` for streams. Nothing secret comes from here.
/// Source  S. Vigna, "splitmix64.c" (2015) and D. Blackman, S. Vigna, "Scrambled linear pseudorandom
///         number generators" (2018): xoshiro256**

#include <bit>
#include <cstdint>

namespace serried::base {

/// A bijective scrambling of 64 bits.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}
template <class... More>
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second, More... more) noexcept {
  return mix(mix(first) ^ second, static_cast<std::uint64_t>(more)...);
}

class Prng {
 public:
  explicit constexpr Prng(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = seed = mix(seed);
  }

  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound); bound 0 gives 0. The bias is below bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;  // no ISO type, and every compiler we use has it
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  constexpr bool chance(double probability) noexcept { return unit() < probability; }

 private:
  std::uint64_t state_[4]{};
};

}  // namespace serried::base
