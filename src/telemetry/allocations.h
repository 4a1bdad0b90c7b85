#pragma once
/// How often the calling thread has asked for memory: the proof that lanes do not. The program's malloc, calloc,
/// realloc and their aligned forms are ours and count before they call glibc; operator new comes through them too.
/// Builds with a sanitizer keep the sanitizer's own, and count nothing.

#include <cstdint>

namespace serried::telemetry {

/// Calls for memory by this thread since it started.
[[nodiscard]] std::uint64_t thread_allocations() noexcept;
/// False where nothing is counted.
[[nodiscard]] bool allocations_counted() noexcept;

}  // namespace serried::telemetry
