#pragma once
/// wide256.h with 512 bits.

#include <cstddef>
#include <cstdint>
#include <cstring>

// A vector that no register of the baseline holds would be passed otherwise by a function compiled for another CPU.
// Nothing here is ever called: all of it is inlined, or belongs to one file (aead_lanes.h).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"

namespace serried::simd {

struct Wide512 {
  using U32 [[gnu::vector_size(64)]] = std::uint32_t;
  using U64 [[gnu::vector_size(64)]] = std::uint64_t;
  static constexpr unsigned lanes = 16;
  static constexpr unsigned messages = 8;

  [[gnu::always_inline]] static U32 unpack_low(const U32& a, const U32& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  }
  [[gnu::always_inline]] static U32 unpack_high(const U32& a, const U32& b) noexcept {
    return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  [[gnu::always_inline]] static U64 unpack_low(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  }
  [[gnu::always_inline]] static U64 unpack_high(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  [[gnu::always_inline]] static void load_pairs(const std::uint8_t* const* at, std::size_t offset, U64& low,
                                                U64& high) noexcept {
    const U64 even = __builtin_shufflevector(two(at, offset, 0, 2), two(at, offset, 4, 6), 0, 1, 2, 3, 4, 5, 6, 7);
    const U64 odd = __builtin_shufflevector(two(at, offset, 1, 3), two(at, offset, 5, 7), 0, 1, 2, 3, 4, 5, 6, 7);
    low = unpack_low(even, odd);
    high = unpack_high(even, odd);
  }
  /// 128-bit quarters 0 and 2 of both, interleaved; 1 and 3 of both.
  [[gnu::always_inline]] static U64 quarters_even(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  }
  [[gnu::always_inline]] static U64 quarters_odd(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  /// Quarters 0 and 1 of both, one behind the other; 2 and 3 of both.
  [[gnu::always_inline]] static U64 halves_low(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
  }
  [[gnu::always_inline]] static U64 halves_high(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
  /// Quarters 0 and 2 of both, one behind the other; 1 and 3 of both.
  [[gnu::always_inline]] static U64 even_behind(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13);
  }
  [[gnu::always_inline]] static U64 odd_behind(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15);
  }

 private:
  using Pair [[gnu::vector_size(16)]] = std::uint64_t;
  using Quad [[gnu::vector_size(32)]] = std::uint64_t;
  [[gnu::always_inline]] static Pair pair(const std::uint8_t* at) noexcept {
    Pair loaded;
    std::memcpy(&loaded, at, sizeof loaded);
    return loaded;
  }
  [[gnu::always_inline]] static Quad two(const std::uint8_t* const* at, std::size_t offset, unsigned first,
                                         unsigned second) noexcept {
    return __builtin_shufflevector(pair(at[first] + offset), pair(at[second] + offset), 0, 1, 2, 3);
  }
};

}  // namespace serried::simd

#pragma GCC diagnostic pop
