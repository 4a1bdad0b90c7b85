#pragma once
/// SHA-256's compression function, by instruction where the CPU has it.
/// Source  FIPS 180-4 section 6.2; Intel SDM, SHA256RNDS2, SHA256MSG1, SHA256MSG2

#include <array>
#include <cstddef>
#include <cstdint>

namespace serried::simd {

inline constexpr std::size_t sha256_block_bytes = 64;

/// a to h, as words of this machine.
using Sha256State = std::array<std::uint32_t, 8>;
inline constexpr Sha256State sha256_initial{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                            0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

/// Advance a state over `count` whole blocks. No branch and no address depends on state or data.
void sha256_blocks(Sha256State& state, const std::uint8_t* blocks, std::size_t count) noexcept;

}  // namespace serried::simd
