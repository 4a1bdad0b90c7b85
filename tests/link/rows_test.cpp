#include "link/rows.h"

#include <array>

#include <gtest/gtest.h>

namespace serried::link {
namespace {

TEST(Rows, AGameMessageIsGivenBackAsTheMemoryThatItLiesIn) {
  std::array<std::uint8_t, wire::datagram_bytes_max> memory{};
  int owner = 0;
  const GameMessage lent = GameMessage::in_buffer({memory.data(), &owner}, 7);
  EXPECT_EQ(lent.message, memory.data() + body_offset);
  const OutRow buffer = lent.back();
  ASSERT_EQ(buffer.kind(), OutRow::Kind::buffer_back);
  EXPECT_EQ(buffer.buffer().data, memory.data());
  EXPECT_EQ(buffer.buffer().owner, &owner);

  const OutRow block = GameMessage::in_block(memory.data(), 12, 7).back();
  ASSERT_EQ(block.kind(), OutRow::Kind::block_back);
  EXPECT_EQ(block.block_back().block, 12);
  EXPECT_EQ(block.buffer().data, nullptr);
}

TEST(Rows, EachFormReadsBackWhatItWasMadeOf) {
  std::array<std::uint8_t, wire::datagram_bytes_max> memory{};
  const SharedMessage shared{memory};
  const OutRow rows[] = {
      OutRow::Datagram{
          .session = 10, .connection_id = 20, .body_bytes = 3, .plan = 4, .body = memory.data() + body_offset},
      OutRow::Message{.session = 11, .connection_id = 21, .body = memory.data() + body_offset},
      OutRow::Shared{.session = 12, .connection_id = 22, .message = &shared}};
  EXPECT_EQ(rows[0].datagram().plan, 4);
  EXPECT_EQ(rows[0].datagram().charge(), 3 + OutRow::datagram_overhead);
  EXPECT_EQ(rows[1].message().channel, wire::Channel::unreliable);
  EXPECT_EQ(rows[2].shared().message, &shared);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(rows[i].has_session());
    EXPECT_EQ(rows[i].session(), 10 + i);
    EXPECT_EQ(rows[i].connection_id(), 20 + i);
    EXPECT_EQ(rows[i].buffer().data, i < 2 ? memory.data() : nullptr);
  }
  const SessionEvent join = SessionEvent::Join{.connection_id = 2, .session = 1, .player_id = 9};
  EXPECT_EQ(join.kind(), SessionEvent::Kind::join);
  EXPECT_EQ(join.connection_id(), 2U);
  EXPECT_EQ(join.session(), 1U);
  EXPECT_EQ(join.join().player_id, 9U);
}

#ifndef NDEBUG
TEST(RowsDeathTest, ReadingARowAsAnotherFormIsABug) {
  const OutRow row = OutRow::BlockBack{.block = 3};
  EXPECT_DEATH(static_cast<void>(row.datagram()), "does not hold");
  const SessionEvent leave = SessionEvent::Leave{};
  EXPECT_DEATH(static_cast<void>(leave.join()), "does not hold");
}
#endif

}  // namespace
}  // namespace serried::link
