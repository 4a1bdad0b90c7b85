#include "world/column.h"

#include <cstdint>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace serried::world
