#pragma once
/// How often the calling thread has asked for memory: the proof that lanes do not. The program's malloc, calloc,
/// realloc, their aligned forms and free are ours and count before they call glibc; operator new and delete come
/// through them too. Builds with a sanitizer keep the sanitizer's own, and count nothing.

#include <cstddef>
#include <cstdint>

namespace serried::telemetry {

/// Calls for memory by this thread since it started.
[[nodiscard]] std::uint64_t thread_allocations() noexcept;
/// False where nothing is counted.
[[nodiscard]] bool allocations_counted() noexcept;

class MemoryRecord;  // memory_record.h
/// What this thread asks for and gives back is told to `record` from now on; null: to none. Where nothing is counted,
/// nothing is told.
void record_to(MemoryRecord* record) noexcept;
/// How it is told. What they themselves ask for is not.
void note_taken(MemoryRecord& record, const void* memory, std::size_t bytes);
void note_given_back(MemoryRecord& record, const void* memory) noexcept;

}  // namespace serried::telemetry
