#pragma once
/// What an acknowledged plan says of the rows of a tracked set: a hundred of them in every datagram.

#include <cstdint>

#include "simd/isa.h"

namespace serried::simd {

inline constexpr unsigned raise_acked_rows = 128;

/// Of the rows set in `rows`: those in state 2 have acked `tick`, unless they have acked a newer one, by serial
/// comparison. Sets in `others` those in another state, of which nothing is changed.
/// Shape   acked: raise_acked_rows ticks, low 16 bits; status: as many, state in bits 0 and 1; rows, others: 128 bits
/// Cost    bench/replicate_bench.cpp
void raise_acked(std::uint16_t* acked, const std::uint8_t* status, const std::uint64_t rows[2], std::uint16_t tick,
                 std::uint64_t others[2]) noexcept;

}  // namespace serried::simd
