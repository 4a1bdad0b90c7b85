#pragma once
/// CRC32C by the instruction of ARMv8. Call only when active_isa() is Isa::arm; crc32c.h is the way in.
/// Includes nothing that could leave a weak symbol behind in an object compiled for a newer CPU.

#include <cstddef>
#include <cstdint>

namespace serried::simd {

/// As crc32c_update.
[[nodiscard]] std::uint32_t crc32c_update_arm(std::uint32_t state, const std::uint8_t* at, std::size_t count) noexcept;
/// As crc32c_batch.
void crc32c_batch_arm(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length,
                      std::uint32_t* out, std::size_t count) noexcept;

}  // namespace serried::simd
