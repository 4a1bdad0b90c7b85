#pragma once
/// Which instruction sets this CPU has, and which of them we use. Decided once, before the first lane runs.

#include <cstdint>
#include <string_view>

namespace serried::simd {

/// avx512 is F, BW, DQ, VL and IFMA together: Ice Lake, Zen 4 and what came after. arm is ARM64 with the instructions
/// for CRC32C, which every CPU has since ARMv8.1; NEON is in its baseline.
enum class Isa : std::uint8_t { scalar, arm, sse42, avx2, avx512 };

/// The best this CPU and its operating system offer.
[[nodiscard]] Isa detected_isa() noexcept;
/// The one in use: detected_isa() until use_isa() says less.
[[nodiscard]] Isa active_isa() noexcept;
/// Use `isa`, or the best below it that the CPU has; returns what is now in use. Set-up only, not while lanes run.
Isa use_isa(Isa isa) noexcept;

/// SHA-256 by instruction: the CPU has those, which come in no order with the rest, and active_isa() is not scalar.
[[nodiscard]] bool uses_sha_instructions() noexcept;

[[nodiscard]] std::string_view isa_name(Isa isa) noexcept;

}  // namespace serried::simd
