#pragma once
/// write_records by AVX2. Call only when active_isa() is at least Isa::avx2; records.h is the way in.

#include "kernel/records.h"

namespace serried::kernel {

/// As write_records.
[[nodiscard]] std::uint8_t* write_records_avx2(const RecordSource& source, std::uint64_t rows[2], std::uint8_t* at,
                                               const std::uint8_t* end, const std::uint8_t* hard_end) noexcept;

}  // namespace serried::kernel
