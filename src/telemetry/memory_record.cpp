#include "telemetry/memory_record.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/numa.h"
#include "telemetry/allocations.h"

namespace serried::telemetry {

MemoryRecord::MemoryRecord() noexcept { record_to(this); }

MemoryRecord::~MemoryRecord() { record_to(nullptr); }

MemoryRecord::Ranges MemoryRecord::take() noexcept {
  record_to(nullptr);
  return std::move(ranges_);
}

void note_taken(MemoryRecord& record, const void* memory, std::size_t bytes) {
  if (bytes < base::page_bytes()) return;  // shares its pages with others
  record.ranges_.emplace_back(static_cast<const std::byte*>(memory), bytes);
}

void note_given_back(MemoryRecord& record, const void* memory) noexcept {
  // What is given back was mostly taken last.
  const auto found = std::find_if(record.ranges_.rbegin(), record.ranges_.rend(),
                                  [memory](const auto& range) { return range.data() == memory; });
  if (found != record.ranges_.rend()) record.ranges_.erase(std::next(found).base());
}

}  // namespace serried::telemetry
