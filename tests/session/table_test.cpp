#include "session/table.h"

#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(Table, GivesEverySlotOnceAndThenNone) {
  Table table{3, 100};
  channel::Pools pools{16, 1, 0};
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 100; ++i) slots.insert(table.allocate(static_cast<std::uint64_t>(i), 0));
  EXPECT_EQ(slots.size(), 100U);
  EXPECT_EQ(table.allocate(1, 0), Table::none);
  EXPECT_EQ(table.in_use(), 100U);
  table.release(*slots.begin(), pools);
  EXPECT_EQ(table.allocate(1, 0), *slots.begin());
}

TEST(Table, FindsOnlyTheWholeId) {
  Table table{3, 100};
  channel::Pools pools{16, 1, 0};
  const std::uint32_t slot = table.allocate(9, 0);
  const std::uint32_t id = table.admission(slot).connection_id;
  EXPECT_EQ(table.find(id), slot);
  for (unsigned bit = 0; bit < 32; ++bit) EXPECT_EQ(table.find(id ^ (1U << bit)), Table::none) << "bit " << bit;
  table.release(slot, pools);
  EXPECT_EQ(table.find(id), Table::none);
}

TEST(Table, ASlotNeverHasTheSameIdTwiceInARow) {
  Table table{0, 1};
  channel::Pools pools{16, 1, 0};
  std::uint32_t previous = 0;
  for (int i = 0; i < 50; ++i) {
    const std::uint32_t slot = table.allocate(42, 0);
    EXPECT_NE(table.admission(slot).connection_id, previous);
    previous = table.admission(slot).connection_id;
    table.release(slot, pools);
  }
}

TEST(Table, WipesKeysOnRelease) {
  Table table{0, 4};
  channel::Pools pools{16, 1, 0};
  const std::uint32_t slot = open_session(table, 7);
  table.cold(slot).exporter = table.peer(slot).receive_key;
  table.cold(slot).rekey.next = table.cold(slot).rekey.other_receive_key = table.peer(slot).receive_key;
  table.release(slot, pools);
  const crypt::Secret nothing;
  EXPECT_TRUE(table.peer(slot).receive_key == nothing);
  EXPECT_TRUE(table.outbound(slot).send_key == nothing);
  EXPECT_TRUE(table.cold(slot).exporter == nothing);
  EXPECT_TRUE(table.cold(slot).rekey.next == nothing);
  EXPECT_TRUE(table.cold(slot).rekey.other_receive_key == nothing);
}

TEST(Table, AReleasedSessionLeavesNothingInThePools) {
  Table table{0, 4};
  channel::Pools pools{16, 1, 0};
  const std::uint32_t slot = open_session(table, 7);
  table.reliable(slot).open(1'000);
  const std::array<std::uint8_t, 300> content{};
  ASSERT_EQ(table.reliable(slot).send(pools, wire::Channel::reliable_ordered, message::Type::disconnect, content,
                                      channel::Urgency::bundled, 0),
            channel::Queued::yes);
  EXPECT_NE(pools.chunk.in_use(), 0U);
  table.release(slot, pools);
  EXPECT_EQ(pools.chunk.in_use(), 0U);
  EXPECT_FALSE(table.reliable(slot).is_open()) << "the next session begins anew";
}

/// A phase for which there is no key must open nothing, least of all a key of zeros.
TEST(Table, OnlyWhileKeysChangeAreThereTwo) {
  using Stage = Rekey::Stage;
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 7);
  Rekey& rekey = table.cold(slot).rekey;
  for (const Stage stage : {Stage::idle, Stage::preparing, Stage::asked, Stage::answered, Stage::computing}) {
    rekey.stage = stage;
    EXPECT_EQ(table.receive_key(slot, 0), table.peer(slot).receive_key.data());
    EXPECT_EQ(table.receive_key(slot, wire::flag::key_phase), nullptr);
  }
  for (const Stage stage : {Stage::switching, Stage::retiring}) {
    rekey.stage = stage;
    EXPECT_EQ(table.receive_key(slot, wire::flag::key_phase), rekey.other_receive_key.data());
  }
  table.admission(slot).receive_phase = 1;
  EXPECT_EQ(table.receive_key(slot, wire::flag::key_phase), table.peer(slot).receive_key.data());
  EXPECT_EQ(table.receive_key(slot, 0), rekey.other_receive_key.data());
}

TEST(Table, SlotsRestAsLongAsTheyCan) {
  Table table{0, 8};
  channel::Pools pools{16, 1, 0};
  const std::uint32_t first = table.allocate(1, 0);
  table.release(first, pools);
  for (int i = 0; i < 7; ++i) EXPECT_NE(table.allocate(1, 0), first);
  EXPECT_EQ(table.allocate(1, 0), first);
}

TEST(Table, MemoryPerSessionStaysUnderItsBound) { EXPECT_LE(Table::bytes_per_session(), 4'096U); }

}  // namespace
}  // namespace serried::session
