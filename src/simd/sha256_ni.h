#pragma once
/// SHA-256 by instruction. Call only when uses_sha_instructions(); sha256.h is the way in.
/// Includes nothing that could leave a weak symbol behind in an object compiled for a newer CPU.

#include <cstddef>
#include <cstdint>

namespace serried::simd {

/// As sha256_blocks.
/// Shape   state: 8
void sha256_blocks_ni(std::uint32_t* state, const std::uint8_t* blocks, std::size_t count) noexcept;

}  // namespace serried::simd
