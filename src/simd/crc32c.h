#pragma once
/// CRC32C (Castagnoli, reflected, polynomial 0x1EDC6F41), by instruction where the CPU has it, by table where not.
/// Source  RFC 3720 12.1; Intel SDM, CRC32; Arm ARM, CRC32C

#include <cstddef>
#include <cstdint>
#include <span>

#include "simd/isa.h"

namespace serried::simd {

/// Advance a raw CRC state (no inversion at either end) over `bytes`.
[[nodiscard]] std::uint32_t crc32c_update(std::uint32_t state, std::span<const std::uint8_t> bytes) noexcept;

/// Advance `count` states, each from the same `seed`, over as many spans; four streams run interleaved,
/// which hides the instruction's latency of three cycles.
/// Shape   data, length, out: count each
void crc32c_batch(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length, std::uint32_t* out,
                  std::size_t count) noexcept;

/// The finished checksum of one span: init and xorout 0xFFFFFFFF.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace serried::simd
