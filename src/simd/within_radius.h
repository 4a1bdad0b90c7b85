#pragma once
/// Which positions are near enough: a filter over positions that lie side by side.

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace serried::simd {

inline constexpr unsigned within_radius_max = 512;

struct Positions {
  const float* x;
  const float* y;
  const float* z;
};

/// Set bit i of `out` for every position i in [0, count) whose squared distance from (x, y, z), summed in that order
/// and without fused steps, is less than `limit2`; the other bits of the first (count + 63) / 64 words become 0.
/// Shape   count at most within_radius_max
/// Cost    bench/world_bench.cpp, select
void within_radius(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                   std::uint64_t* out) noexcept;

}  // namespace serried::simd
