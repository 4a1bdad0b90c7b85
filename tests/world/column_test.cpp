#include "world/column.h"

#include <cstdint>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/numa.h"

namespace serried::world {
namespace {

TEST(Column, IsZeroAndBeginsOnALineWhateverItsSize) {
  for (const std::size_t count : {0UL, 1UL, 63UL, 64UL, 524'287UL, 524'288UL, 3'000'000UL})
    for (const unsigned stagger : {0U, 7U, 20U}) {
      Column<std::uint8_t> column(count, stagger);
      ASSERT_EQ(column.size(), count);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(column.data()) % 64, 0U);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(column[i], 0) << i;
      if (count != 0) column[count - 1] = 1;  // writable to its end
    }
}

TEST(Column, LargeOnesBeginAtAHugePage) {
  const Column<std::uint8_t> column(600'000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(column.data()) % (2U << 20), 0U);
}

/// The policy of the page that an address is in, and whether a node is among those it is for.
struct Policy {
  int mode = -1;
  unsigned long nodes[16] = {};
};
Policy policy_of(const void* address) {
  Policy policy;
  EXPECT_EQ(syscall(SYS_get_mempolicy, &policy.mode, policy.nodes, 1'025UL, address, 2UL /* MPOL_F_ADDR */), 0);
  return policy;
}
bool may_ask() {
  int mode = -1;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, nullptr, 0UL) == 0 &&
         syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0UL) == 0;
}

/// Owners of rows on nodes 0 and 1000, which is not there and so never bound. Expect each owner's rows to begin at the
/// first page that holds any of them.
TEST(Column, WhatAnOwnerHasIsBoundPageByPage) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  const std::size_t page = base::page_bytes();
  const int nodes[] = {1'000, 0, 1'000};
  const std::size_t rows = 3 * page;
  for (const unsigned stagger : {0U, 20U}) {
    const Column<std::uint8_t> column(3 * rows + 5, stagger, {nodes, rows});
    const auto first = reinterpret_cast<std::uintptr_t>(column.data()) / page * page;  // of the column's memory
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_EQ(policy_of(reinterpret_cast<const void*>(first + i * page)).mode,
                i >= 3 && i < 6 ? MPOL_PREFERRED : MPOL_DEFAULT)
          << "page " << i << ", stagger " << stagger;
    for (std::size_t row = 0; row < column.size(); ++row) ASSERT_EQ(column[row], 0);
  }
}

TEST(Column, OfOneOwnerIsBoundAsAWhole) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  const int node[] = {0};
  Column<std::uint64_t> column(100, 7, {node, 1});
  EXPECT_EQ(policy_of(column.data()).mode, MPOL_PREFERRED);
  EXPECT_EQ(policy_of(&column[99]).mode, MPOL_PREFERRED);
  const Column<std::uint64_t> large(1'000'000, 7, {node, 1});
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(large.data()) - 7 * 192) % (2U << 20), 0U)
      << "at a huge page all the same";
  EXPECT_EQ(policy_of(&large[999'999]).mode, MPOL_PREFERRED);
}

TEST(Column, OfNoOwnerIsSpread) {
  if (!may_ask()) GTEST_SKIP() << "no policy can be set here";
  const int nodes[] = {0, 0};
  const Column<float> column(10'000, 3, {nodes});
  EXPECT_EQ(policy_of(&column[5'000]).mode, MPOL_INTERLEAVE);
}

TEST(Column, WithoutNodesNothingIsAsked) {
  const Column<float> column(100'000, 3);
  if (may_ask()) {
    EXPECT_EQ(policy_of(&column[50'000]).mode, MPOL_DEFAULT);
  }
}

TEST(Column, TheMemoryOfRows) {
  const Column<std::uint32_t> column(100, 3);
  EXPECT_EQ(column.memory(0, 100).size(), 400U);
  EXPECT_EQ(column.memory(10, 20).data(), reinterpret_cast<const std::byte*>(&column[10]));
  EXPECT_EQ(column.memory(10, 20).size(), 40U);
  EXPECT_EQ(column.memory(90, 120).size(), 40U) << "as far as there are rows";
  EXPECT_TRUE(column.memory(100, 120).empty());
}

}  // namespace
}  // namespace serried::world
