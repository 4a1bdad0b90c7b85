#pragma once
/// What AeadLanes asks of a CPU, in plain C++: the same lanes, transpositions and limbs as with AVX2 and AVX-512, on
/// any CPU. So the 512-bit function's order of work is tested where there is no such CPU; its few instructions are not.

#include <cstring>

#include "simd/poly1305_lanes.h"
#include "simd/wide256.h"
#include "simd/wide512.h"

namespace serried::simd {

template <class Vectors>
struct Plain : Vectors {
  using U32 = typename Vectors::U32;
  using U64 = typename Vectors::U64;

  template <unsigned Bits>
  static U32 rotate(const U32& words) noexcept {
    return (words << Bits) | (words >> (32 - Bits));
  }
  // No more than `bytes` are touched, unlike what a vector function may do.
  static void mix(std::uint8_t* at, const std::uint8_t* stream, unsigned bytes) noexcept {
    for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(at[i] ^ stream[i]);
  }
  static std::uint64_t publish(std::uint64_t mask) noexcept { return mask; }
};

struct Plain256 : Plain<Wide256> {
  using Field = Limbs26<Plain256>;
  static constexpr unsigned powers = 2;
  static U64 product(const U64& a, const U64& b) noexcept { return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF); }
};

struct Plain512 : Plain<Wide512> {
  using Field = Limbs44<Plain512>;
  static constexpr unsigned powers = 4;
  static U64 low(const U64& sum, const U64& a, const U64& b) noexcept {
    return each(sum, a, b, [](Product product) { return static_cast<std::uint64_t>(product) & mask; });
  }
  static U64 high(const U64& sum, const U64& a, const U64& b) noexcept {
    return each(sum, a, b, [](Product product) { return static_cast<std::uint64_t>(product >> 52); });
  }

 private:
  __extension__ using Product = unsigned __int128;
  static constexpr std::uint64_t mask = (std::uint64_t{1} << 52) - 1;
  template <class Part>
  static U64 each(const U64& sum, const U64& a, const U64& b, Part part) noexcept {
    U64 out = sum;
    for (unsigned i = 0; i < messages; ++i) out[i] += part(static_cast<Product>(a[i] & mask) * (b[i] & mask));
    return out;
  }
};

}  // namespace serried::simd
