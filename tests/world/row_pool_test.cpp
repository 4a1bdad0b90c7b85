#include "world/row_pool.h"

#include <set>

#include <gtest/gtest.h>

namespace serried::world {
namespace {

TEST(RowPool, GivesEachRowOnceThenNone) {
  RowPool pool(128, 64, 600);
  std::set<std::uint16_t> rows;
  for (int i = 0; i < 64; ++i) rows.insert(pool.take(0));
  EXPECT_EQ(rows.size(), 64U);
  EXPECT_EQ(*rows.begin(), 128);
  EXPECT_EQ(*rows.rbegin(), 191);
  EXPECT_EQ(pool.take(0), no_slot);
  EXPECT_EQ(pool.used(), 64U);
}

TEST(RowPool, ARowRestsExactlyAsLongAsItShould) {
  RowPool pool(0, 64, 600);
  for (int i = 0; i < 64; ++i) static_cast<void>(pool.take(0));
  pool.give(17, 1'000);
  EXPECT_EQ(pool.take(1'599), no_slot);
  EXPECT_EQ(pool.take(1'600), 17);
}

TEST(RowPool, RestedRowsComeBackInOrderHoweverOftenTheQueueTurns) {
  RowPool pool(0, 64, 10);
  for (int i = 0; i < 64; ++i) static_cast<void>(pool.take(0));
  std::uint32_t tick = 0;
  for (unsigned turn = 0; turn < 1'000; ++turn) {
    const auto row = static_cast<std::uint16_t>(turn % 64);
    pool.give(row, tick);
    tick += 10;
    ASSERT_EQ(pool.take(tick), row);
  }
  EXPECT_EQ(pool.used(), 64U);
}

}  // namespace
}  // namespace serried::world
