#pragma once
/// Time as every part of Serried speaks it. Nothing but the outermost loops reads a clock: all else
/// takes `now`, so that a test decides what time it is.

#include <cstdint>

namespace serried {

/// Nanoseconds of a monotonic clock; each process has an origin of its own.
using Nanos = std::uint64_t;

inline constexpr Nanos microsecond = 1'000;
inline constexpr Nanos millisecond = 1'000'000;
inline constexpr Nanos second = 1'000'000'000;

}  // namespace serried
