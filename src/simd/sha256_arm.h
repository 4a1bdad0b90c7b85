#pragma once
/// SHA-256 by the instructions of ARMv8. Call only when uses_sha_instructions(); sha256.h is the way in.
/// Includes nothing that could leave a weak symbol behind in an object compiled for a newer CPU.

#include <cstddef>
#include <cstdint>

namespace serried::simd {

/// As sha256_blocks.
/// Shape   state: 8
void sha256_blocks_arm(std::uint32_t* state, const std::uint8_t* blocks, std::size_t count) noexcept;

}  // namespace serried::simd
