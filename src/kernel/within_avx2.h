#pragma once
/// find_within, eight positions at a time. Call only when active_isa() is at least Isa::avx2; within.h is the way in.

#include "kernel/within.h"

namespace serried::kernel {

/// As find_within.
void find_within_avx2(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                      std::uint64_t* out) noexcept;

}  // namespace serried::kernel
