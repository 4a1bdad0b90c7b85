#pragma once
/// find_due, sixteen rows at a time. Call only when active_isa() is at least Isa::avx2; find_due.h is the way in.

#include "simd/find_due.h"

namespace serried::simd {

/// As find_due, into masks that are 0.
void find_due_avx2(const std::uint8_t* summaries, const DueRows& rows, unsigned count, const DueRules& rules,
                   DueMasks& out) noexcept;

}  // namespace serried::simd
