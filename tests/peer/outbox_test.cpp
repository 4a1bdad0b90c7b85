#include "peer/outbox.h"

#include <vector>

#include <gtest/gtest.h>

namespace serried {
namespace {

using channel::Queued;
using channel::Urgency;
using peer::Outbox;
using wire::Channel;
constexpr auto type = message::Type::game_own;

const std::vector<std::uint8_t> small(100, 7), large(40'000, 9);

Queued fill(Outbox& outbox) {
  Queued all = Queued::yes;
  for (const Channel to : {Channel::unreliable, Channel::reliable_ordered, Channel::reliable_unordered})
    if (outbox.send(to, type, small, Urgency::bundled, second) != Queued::yes) all = Queued::full;
  if (outbox.send(Channel::reliable_ordered, type, large, Urgency::bundled, second) != Queued::yes) all = Queued::full;
  return all;
}

TEST(Outbox, RefusesMessagesBeforeItIsOpenOrWithoutPools) {
  channel::Pools pools(64, 1, 1);
  Outbox none, closed(&pools);
  EXPECT_EQ(none.send(Channel::unreliable, type, small, Urgency::bundled, 0), Queued::full);
  EXPECT_EQ(closed.send(Channel::reliable_ordered, type, small, Urgency::bundled, 0), Queued::full);
  EXPECT_EQ(closed.due_at(), ~Nanos{0});
  EXPECT_EQ(closed.unreliable_due_at(), ~Nanos{0});
}

TEST(Outbox, GivesEverythingBackHoweverItEnds) {
  channel::Pools pools(64, 1, 1);
  const auto borrowed = [&] { return pools.chunk.in_use() != 0 && pools.block.in_use_bytes() != 0; };
  const auto home = [&] { return pools.chunk.in_use() == 0 && pools.block.in_use_bytes() == 0; };
  {
    Outbox outbox(&pools);
    outbox.open(1 << 19);
    ASSERT_EQ(fill(outbox), Queued::yes);
    ASSERT_TRUE(borrowed());
    outbox.clear();
    EXPECT_TRUE(home());
    EXPECT_FALSE(outbox.is_open());
    outbox.open(1 << 19);
    ASSERT_EQ(fill(outbox), Queued::yes);
    Outbox other(std::move(outbox));  // the one that was moved from has nothing to give back
    EXPECT_TRUE(borrowed());
    EXPECT_TRUE(other.is_open());
    other = Outbox(&pools);
    EXPECT_TRUE(home());
    other.open(1 << 19);
    ASSERT_EQ(fill(other), Queued::yes);
  }
  EXPECT_TRUE(home());
}

TEST(Outbox, ShortUnreliableMessagesGoOldestFirstAndKeepWaitingWhenThereIsNoRoom) {
  channel::Pools pools(64, 1, 1);
  Outbox outbox(&pools);
  outbox.open(0);
  for (std::uint8_t i = 0; i < Outbox::unreliable_max; ++i) {
    const std::vector<std::uint8_t> content(100, i);
    ASSERT_EQ(outbox.send(Channel::unreliable, type, content, Urgency::bundled, second + i), Queued::yes);
  }
  EXPECT_EQ(outbox.send(Channel::unreliable, type, small, Urgency::bundled, second), Queued::full);
  EXPECT_EQ(outbox.unreliable_due_at(), second + Outbox::unreliable_delay);
  std::uint8_t expected = 0;
  while (outbox.has_unreliable()) {
    std::array<std::uint8_t, 500> bytes;
    base::ByteWriter out(bytes);
    outbox.write_unreliable(out);
    base::ByteReader in(out.written());
    message::Framed framed;
    while (message::next(in, framed)) {
      EXPECT_EQ(framed.type, type);
      ASSERT_EQ(framed.content.size(), 100U);
      EXPECT_EQ(framed.content[0], expected++);
    }
    ASSERT_TRUE(in.ok());
  }
  EXPECT_EQ(expected, Outbox::unreliable_max);
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

}  // namespace
}  // namespace serried
