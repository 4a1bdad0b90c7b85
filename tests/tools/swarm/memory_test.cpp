#include "tools/swarm/memory.h"

#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::HugePages;
using tools::Memory;

TEST(HugePages, BeginAtTheirBoundaryAndAreZero) {
  HugePages pages;
  for (const std::size_t bytes : {std::size_t{1}, HugePages::page_bytes, 3 * HugePages::page_bytes + 7}) {
    auto* const got = static_cast<std::uint8_t*>(pages.allocate(bytes, 64));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got) % HugePages::page_bytes, 0U);
    EXPECT_EQ(got[0], 0);
    EXPECT_EQ(got[bytes - 1], 0);
    std::memset(got, 0xA5, bytes);
    pages.deallocate(got, bytes, 64);
  }
}

TEST(HugePages, RefuseMoreThanThereAre) {
  HugePages pages;
  const volatile std::size_t too_many = SIZE_MAX - 5;  // not seen through by the compiler, which warns
  EXPECT_THROW(static_cast<void>(pages.allocate(too_many, 64)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(pages.allocate(64, 2 * HugePages::page_bytes)), std::bad_alloc);
}

TEST(Memory, GivesFreedPiecesOutAgain) {
  Memory memory;
  std::pmr::memory_resource& pool = memory.pool();
  void* const first = pool.allocate(16'384, 64);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0U);
  pool.deallocate(first, 16'384, 64);
  EXPECT_EQ(pool.allocate(16'384, 64), first);
}

}  // namespace
}  // namespace serried
