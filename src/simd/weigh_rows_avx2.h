#pragma once
/// weigh_rows, eight rows at a time. Call only when active_isa() is at least Isa::avx2; weigh_rows.h is the way in.

#include "simd/weigh_rows.h"

namespace serried::simd {

/// As weigh_rows, into masks that are 0 and distances that are -1.
void weigh_rows_avx2(const std::uint8_t* places, const WeighRows& rows, unsigned count, const Eye& eye,
                     WeighedRows& out) noexcept;

}  // namespace serried::simd
