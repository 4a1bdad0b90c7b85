#pragma once
/// Which memory a piece of set-up was given: how the server knows what belongs to a lane, to look on which NUMA node it
/// lies, without every table of a lane having to say where its memory is.

#include <cstddef>
#include <span>
#include <vector>

namespace serried::telemetry {

/// The memory that this thread asks for while this lives and has not given back, in pieces of a page and more. One at a
/// time on a thread. Empty where allocations_counted() is false.
class MemoryRecord {
 public:
  using Ranges = std::vector<std::span<const std::byte>>;

  MemoryRecord() noexcept;
  ~MemoryRecord();
  MemoryRecord(const MemoryRecord&) = delete;
  MemoryRecord& operator=(const MemoryRecord&) = delete;

  [[nodiscard]] const Ranges& ranges() const noexcept { return ranges_; }
  /// What it has; it records no more.
  [[nodiscard]] Ranges take() noexcept;

 private:
  friend void note_taken(MemoryRecord& record, const void* memory, std::size_t bytes);
  friend void note_given_back(MemoryRecord& record, const void* memory) noexcept;
  Ranges ranges_;
};

}  // namespace serried::telemetry
