#include "session/table.h"

#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(Table, GivesEverySlotOnceAndThenNone) {
  Table table{3, 100};
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 100; ++i) slots.insert(table.allocate(static_cast<std::uint64_t>(i), 0));
  EXPECT_EQ(slots.size(), 100U);
  EXPECT_EQ(table.allocate(1, 0), Table::none);
  EXPECT_EQ(table.in_use(), 100U);
  table.release(*slots.begin());
  EXPECT_EQ(table.allocate(1, 0), *slots.begin());
}

TEST(Table, FindsOnlyTheWholeId) {
  Table table{3, 100};
  const std::uint32_t slot = table.allocate(9, 0);
  const std::uint32_t id = table.admission(slot).connection_id;
  EXPECT_EQ(table.find(id), slot);
  for (unsigned bit = 0; bit < 32; ++bit) EXPECT_EQ(table.find(id ^ (1U << bit)), Table::none) << "bit " << bit;
  table.release(slot);
  EXPECT_EQ(table.find(id), Table::none);
}

TEST(Table, ASlotNeverHasTheSameIdTwiceInARow) {
  Table table{0, 1};
  std::uint32_t previous = 0;
  for (int i = 0; i < 50; ++i) {
    const std::uint32_t slot = table.allocate(42, 0);
    EXPECT_NE(table.admission(slot).connection_id, previous);
    previous = table.admission(slot).connection_id;
    table.release(slot);
  }
}

TEST(Table, WipesKeysOnRelease) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 7);
  table.cold(slot).exporter = table.peer(slot).receive_key;
  table.cold(slot).next = table.peer(slot).receive_key;
  table.release(slot);
  const crypt::Secret nothing;
  EXPECT_TRUE(table.peer(slot).receive_key == nothing);
  EXPECT_TRUE(table.outbound(slot).send_key == nothing);
  EXPECT_TRUE(table.cold(slot).exporter == nothing);
  EXPECT_TRUE(table.cold(slot).next == nothing);
}

TEST(Table, SlotsRestAsLongAsTheyCan) {
  Table table{0, 8};
  const std::uint32_t first = table.allocate(1, 0);
  table.release(first);
  for (int i = 0; i < 7; ++i) EXPECT_NE(table.allocate(1, 0), first);
  EXPECT_EQ(table.allocate(1, 0), first);
}

TEST(Table, MemoryPerSessionStaysUnderItsBound) { EXPECT_LE(Table::bytes_per_session(), 2'048U); }

}  // namespace
}  // namespace serried::session
