#pragma once
/// within_radius, eight positions at a time. Call only when active_isa() is at least Isa::avx2; within_radius.h is the
/// way in.

#include "simd/within_radius.h"

namespace serried::simd {

/// As within_radius.
void within_radius_avx2(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                        std::uint64_t* out) noexcept;

}  // namespace serried::simd
