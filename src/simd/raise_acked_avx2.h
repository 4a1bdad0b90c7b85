#pragma once
/// raise_acked, sixteen rows at a time. Call only when active_isa() is at least Isa::avx2; raise_acked.h is the way in.

#include "simd/raise_acked.h"

namespace serried::simd {

/// As raise_acked.
void raise_acked_avx2(std::uint16_t* acked, const std::uint8_t* status, const std::uint64_t rows[2], std::uint16_t tick,
                      std::uint64_t others[2]) noexcept;

}  // namespace serried::simd
