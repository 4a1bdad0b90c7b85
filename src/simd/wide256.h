#pragma once
/// Vectors of 256 bits as the compiler knows them, for functions that are written once and compiled for several widths
/// (its twin: wide512.h). What no operator says in one instruction (a rotation, a widening product) comes from the
/// instruction set's own file. Interleaving is that of the CPU's unpack instructions: within 128 bits.

#include <cstddef>
#include <cstdint>
#include <cstring>

// A vector that no register of the baseline holds would be passed otherwise by a function compiled for another CPU.
// Nothing here is ever called: all of it is inlined, or belongs to one file (aead_lanes.h).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"

namespace serried::simd {

struct Wide256 {
  using U32 [[gnu::vector_size(32)]] = std::uint32_t;
  using U64 [[gnu::vector_size(32)]] = std::uint64_t;
  static constexpr unsigned lanes = 8;     ///< of 32 bits
  static constexpr unsigned messages = 4;  ///< lanes of 64 bits

  [[gnu::always_inline]] static U32 unpack_low(const U32& a, const U32& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  }
  [[gnu::always_inline]] static U32 unpack_high(const U32& a, const U32& b) noexcept {
    return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  [[gnu::always_inline]] static U64 unpack_low(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 4, 2, 6);
  }
  [[gnu::always_inline]] static U64 unpack_high(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 1, 5, 3, 7);
  }
  /// 16 bytes at each of four places: the lower 8 of each, the upper 8 of each.
  [[gnu::always_inline]] static void load_pairs(const std::uint8_t* const* at, std::size_t offset, U64& low,
                                                U64& high) noexcept {
    const U64 even = __builtin_shufflevector(pair(at[0] + offset), pair(at[2] + offset), 0, 1, 2, 3);
    const U64 odd = __builtin_shufflevector(pair(at[1] + offset), pair(at[3] + offset), 0, 1, 2, 3);
    low = unpack_low(even, odd);
    high = unpack_high(even, odd);
  }
  /// The 128-bit halves: low of both, high of both.
  [[gnu::always_inline]] static U64 halves_low(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 0, 1, 4, 5);
  }
  [[gnu::always_inline]] static U64 halves_high(const U64& a, const U64& b) noexcept {
    return __builtin_shufflevector(a, b, 2, 3, 6, 7);
  }

 private:
  using Pair [[gnu::vector_size(16)]] = std::uint64_t;
  [[gnu::always_inline]] static Pair pair(const std::uint8_t* at) noexcept {
    Pair loaded;
    std::memcpy(&loaded, at, sizeof loaded);
    return loaded;
  }
};

}  // namespace serried::simd

#pragma GCC diagnostic pop
