#pragma once
/// Time as every part of Serried speaks it. Nothing but the outermost loops reads a clock: all else
/// takes `now`, so that a test can hold the clock in its hand.

#include <cstdint>

namespace serried {

/// Nanoseconds of a monotonic clock; the origin is the process's affair.
using Nanos = std::uint64_t;

inline constexpr Nanos microsecond = 1'000;
inline constexpr Nanos millisecond = 1'000'000;
inline constexpr Nanos second = 1'000'000'000;

}  // namespace serried
