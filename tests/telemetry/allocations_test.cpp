#include "telemetry/allocations.h"

#include <cstdlib>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace serried::telemetry {
namespace {

/// So that the compiler cannot see that the memory is never used.
void* hold(void* memory) {
  asm volatile("" : "+r"(memory) : : "memory");
  return memory;
}

TEST(Allocations, EachCallForMemoryCounts) {
  if (!allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  const auto counts = [](auto&& call) {
    const auto before = thread_allocations();
    call();
    return thread_allocations() - before;
  };
  EXPECT_EQ(counts([] {}), 0U);
  EXPECT_EQ(counts([] { std::free(hold(std::malloc(10))); }), 1U);
  EXPECT_EQ(counts([] { std::free(hold(std::calloc(10, 10))); }), 1U);
  EXPECT_EQ(counts([] { std::free(hold(std::aligned_alloc(64, 128))); }), 1U);
  EXPECT_EQ(counts([] {
              char* const text = new char[100];
              hold(text);
              delete[] text;
            }),
            1U);
  EXPECT_EQ(counts([] {
              void* memory = std::malloc(8);
              hold(memory);
              std::free(hold(std::realloc(memory, 1'000)));
            }),
            2U);
  EXPECT_EQ(counts([] {
              void* memory = nullptr;
              EXPECT_EQ(posix_memalign(&memory, 256, 100), 0);
              EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0U);
              std::free(memory);
            }),
            1U);
}

TEST(Allocations, AreOfTheThreadThatAsks) {
  if (!allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  std::uint64_t inside = 0, before_thread = 0;
  std::thread thread{[&] {
    const auto before = thread_allocations();
    std::free(hold(std::malloc(10)));
    inside = thread_allocations() - before;
  }};
  before_thread = thread_allocations();
  thread.join();
  EXPECT_EQ(inside, 1U);
  EXPECT_EQ(thread_allocations(), before_thread);
}

}  // namespace
}  // namespace serried::telemetry
