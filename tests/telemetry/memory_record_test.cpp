#include "telemetry/memory_record.h"

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/allocations.h"

namespace serried::telemetry {
namespace {

/// So that the compiler cannot see that the memory is never used.
void* opaque(void* memory) {
  asm volatile("" : "+r"(memory) : : "memory");
  return memory;
}

bool holds(const MemoryRecord& record, const void* memory, std::size_t bytes) {
  for (const auto& range : record.ranges())
    if (static_cast<const void*>(range.data()) == memory && range.size() == bytes) return true;
  return false;
}

TEST(MemoryRecord, HasWhatWasTakenAndNotGivenBack) {
  if (!allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  void* const before = opaque(std::malloc(50'000));
  std::vector<std::unique_ptr<char[]>> kept;
  void *small = nullptr, *aligned = nullptr, *grown = nullptr;
  {
    const MemoryRecord record;
    EXPECT_TRUE(record.ranges().empty());
    small = opaque(std::malloc(100));
    EXPECT_TRUE(record.ranges().empty()) << "less than a page";
    kept.push_back(std::make_unique<char[]>(10'000));
    aligned = opaque(std::aligned_alloc(4096, 8192));
    std::free(opaque(std::malloc(70'000)));
    grown = opaque(std::malloc(5'000));
    grown = opaque(std::realloc(grown, 300'000));
    std::free(before);
    EXPECT_EQ(record.ranges().size(), 3U);
    EXPECT_TRUE(holds(record, kept[0].get(), 10'000));
    EXPECT_TRUE(holds(record, aligned, 8'192));
    EXPECT_TRUE(holds(record, grown, 300'000));
    std::free(grown);
    EXPECT_EQ(record.ranges().size(), 2U);
  }
  MemoryRecord next;
  std::free(aligned);
  std::free(small);
  EXPECT_TRUE(next.ranges().empty()) << "each begins anew";
  void* const last = opaque(std::malloc(6'000));
  const auto taken = next.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].size(), 6'000U);
  std::free(last);
  std::free(opaque(std::malloc(6'000)));
  EXPECT_TRUE(next.ranges().empty()) << "it records no more";
}

TEST(MemoryRecord, IsOfItsThread) {
  const MemoryRecord record;
  void* other = nullptr;
  std::thread{[&other] { other = opaque(std::malloc(20'000)); }}.join();
  EXPECT_FALSE(holds(record, other, 20'000));
  std::free(other);
}

}  // namespace
}  // namespace serried::telemetry
