#pragma once
/// Secrets that a simd function leaves behind. Templates and static functions: each instruction set has its own.

#include <cstddef>
#include <cstring>

namespace serried::simd {

/// Zeros, which the compiler may not leave out although they are never read.
template <class T>
[[gnu::always_inline]] inline void wipe(T& secrets) noexcept {
  std::memset(&secrets, 0, sizeof secrets);
  asm volatile("" : : "r"(&secrets) : "memory");
}

/// The stack below the caller's frame, where functions that have returned kept what did not fit the registers. `Bytes`
/// is more than they use when they are optimised; a test looks for what is left.
template <std::size_t Bytes = 4096>
[[gnu::noinline]] static void wipe_stack() noexcept {
  unsigned char below[Bytes];
  wipe(below);
}

}  // namespace serried::simd
