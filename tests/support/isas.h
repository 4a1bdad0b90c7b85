#pragma once
/// Which instruction sets a test goes through.

#include "simd/isa.h"

namespace serried::test {

/// Those of this architecture; a CPU has the first, and not always the others.
#if defined(__aarch64__)
inline constexpr simd::Isa isas[] = {simd::Isa::scalar, simd::Isa::arm};
#else
inline constexpr simd::Isa isas[] = {simd::Isa::scalar, simd::Isa::sse42, simd::Isa::avx2, simd::Isa::avx512};
#endif

}  // namespace serried::test
