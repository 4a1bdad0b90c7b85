#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "channel/reliable.h"

namespace serried::channel {
namespace {

using wire::Channel;
using Bytes = std::vector<std::uint8_t>;
using Ids = std::vector<std::uint16_t>;

constexpr auto ordered = Channel::reliable_ordered;
constexpr auto unordered = Channel::reliable_unordered;
constexpr auto type = message::Type{0xD0};
constexpr Nanos never = ~Nanos{0};
constexpr std::size_t whole_room = wire::body_bytes_max - wire::ack_block_bytes_max;

/// What one compose() made, read back.
struct Sent {
  Reliable::Composed composed;
  std::uint16_t first_id = 0;
  std::vector<Bytes> messages;  ///< type and content
  std::size_t bytes = 0;
};

class ReliableSend : public testing::Test {
 protected:
  void SetUp() override { reliable.open(message_bytes_max); }
  void TearDown() override {
    reliable.clear(pools);
    EXPECT_EQ(pools.chunk.in_use(), 0U);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  }

  Queued send(Channel channel, std::size_t content_bytes, Urgency urgency = Urgency::bundled, Nanos now = 0) {
    return reliable.send(pools, channel, type, Bytes(content_bytes, fill++), urgency, now);
  }
  Sent compose(Nanos now = second, std::size_t room = whole_room) {
    Sent sent;
    std::array<std::uint8_t, wire::body_bytes_max> body{};
    base::ByteWriter out{std::span{body}.first(room)};
    sent.composed = reliable.compose(pools, out, now);
    EXPECT_TRUE(out.ok());
    EXPECT_EQ(sent.composed.any(), out.size() != 0);
    sent.bytes = out.size();
    if (!sent.composed.any() || sent.composed.fragment) return sent;
    base::ByteReader in{out.written()};
    sent.first_id = in.read<std::uint16_t>();
    message::Framed message;
    while (message::next(in, message)) {
      Bytes bytes{static_cast<std::uint8_t>(message.type)};
      bytes.insert(bytes.end(), message.content.begin(), message.content.end());
      sent.messages.push_back(std::move(bytes));
    }
    EXPECT_TRUE(in.complete());
    EXPECT_EQ(sent.composed.packet.tag, sent.first_id);
    EXPECT_EQ(sent.composed.packet.count, sent.messages.size());
    EXPECT_EQ(sent.composed.packet.payload,
              sent.composed.channel == ordered ? PayloadKind::ordered : PayloadKind::unordered);
    return sent;
  }
  void on_outcome(const Sent& sent, bool acked) { reliable.on_outcome(pools, sent.composed.packet, acked); }

  Pools pools{300, 2, 2};
  Reliable reliable;
  std::uint8_t fill = 0;
};

TEST_F(ReliableSend, IsClosedUntilOpened) {
  Reliable closed;
  EXPECT_EQ(closed.send(pools, ordered, type, {}, Urgency::immediate, 0), Queued::full);
  EXPECT_EQ(closed.send_shared(ordered, Bytes(2'000), 0), Queued::full);
  EXPECT_EQ(closed.due_at(), never);
  closed.open(0);
  EXPECT_EQ(closed.send(pools, ordered, type, {}, Urgency::immediate, 0), Queued::yes);
  EXPECT_EQ(closed.due_at(), 0U);
  closed.clear(pools);
}

TEST_F(ReliableSend, BundlesWhatWaitsInOneDatagram) {
  for (const std::size_t bytes : {0U, 1U, 126U, 127U, 300U}) ASSERT_EQ(send(ordered, bytes), Queued::yes);
  const Sent sent = compose();
  ASSERT_EQ(sent.messages.size(), 5U);
  EXPECT_EQ(sent.first_id, 0U);
  EXPECT_EQ(sent.messages[0], Bytes{0xD0});
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(sent.messages[i].back(), i);
  EXPECT_FALSE(compose().composed.any());
  EXPECT_EQ(reliable.due_at(), never);
  EXPECT_EQ(reliable.unacked_bytes(), 5U + 0 + 1 + 126 + 127 + 300);
  on_outcome(sent, true);
  EXPECT_EQ(reliable.unacked_bytes(), 0U);
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

TEST_F(ReliableSend, WaitsFiftyMillisecondsForOthers) {
  EXPECT_EQ(reliable.due_at(), never);
  static_cast<void>(send(ordered, 10, Urgency::bundled, 7 * millisecond));
  static_cast<void>(send(unordered, 10, Urgency::bundled, 5 * millisecond));
  EXPECT_EQ(reliable.due_at(), 55 * millisecond);
  EXPECT_EQ(compose(55 * millisecond).composed.channel, unordered);
  EXPECT_EQ(reliable.due_at(), 57 * millisecond);
}

TEST_F(ReliableSend, GoesAtOnceWhenSomethingCannotWait) {
  static_cast<void>(send(ordered, 10));
  static_cast<void>(send(ordered, 20, Urgency::immediate));
  EXPECT_EQ(reliable.due_at(), 0U);
  EXPECT_EQ(compose().messages.size(), 2U);
}

TEST_F(ReliableSend, GoesAtOnceWhenTheDatagramIsFull) {
  static_cast<void>(send(ordered, 600));
  EXPECT_NE(reliable.due_at(), 0U);
  static_cast<void>(send(ordered, 600));
  EXPECT_EQ(reliable.due_at(), 0U);
  EXPECT_EQ(compose().messages.size(), 1U);
  EXPECT_EQ(reliable.due_at(), Reliable::bundle_delay);
}

TEST_F(ReliableSend, GoesAtOnceWhenADatagramHasAsManyAsItMay) {
  for (unsigned i = 0; i < 30; ++i) static_cast<void>(send(ordered, 1));
  EXPECT_NE(reliable.due_at(), 0U);
  static_cast<void>(send(ordered, 1));
  EXPECT_EQ(reliable.due_at(), 0U);
  static_cast<void>(send(ordered, 1));
  EXPECT_EQ(compose().messages.size(), 31U);
  EXPECT_EQ(reliable.due_at(), Reliable::bundle_delay);
}

TEST_F(ReliableSend, FlushSendsAllThatWaits) {
  reliable.flush();
  static_cast<void>(send(ordered, 400));
  EXPECT_NE(reliable.due_at(), 0U);
  static_cast<void>(send(ordered, 400));
  static_cast<void>(send(unordered, 400));
  reliable.flush();
  for (unsigned i = 0; i < 2; ++i) {
    EXPECT_EQ(reliable.due_at(), 0U);
    EXPECT_TRUE(compose(0).composed.any());
  }
  EXPECT_EQ(reliable.due_at(), never);
  static_cast<void>(send(ordered, 1));
  EXPECT_EQ(reliable.due_at(), Reliable::bundle_delay);
}

TEST_F(ReliableSend, FlushHoldsForWhatDidNotFit) {
  for (unsigned i = 0; i < 2; ++i) static_cast<void>(send(ordered, 400));
  reliable.flush();
  EXPECT_EQ(compose(0, 500).messages.size(), 1U);
  EXPECT_EQ(reliable.due_at(), 0U);
}

TEST_F(ReliableSend, ALostDatagramsMessagesAreSentAgainLowestFirst) {
  for (unsigned i = 0; i < 6; ++i) static_cast<void>(send(ordered, 500));
  const Sent a = compose(), b = compose(), c = compose();
  ASSERT_EQ(a.messages.size(), 2U);
  on_outcome(b, false);
  EXPECT_EQ(reliable.due_at(), 0U);
  on_outcome(a, false);
  on_outcome(c, true);
  const Sent again = compose();
  EXPECT_EQ(again.first_id, 0U);
  EXPECT_EQ(again.messages, a.messages);
  const Sent next = compose();
  EXPECT_EQ(next.first_id, 2U);
  EXPECT_EQ(next.messages, b.messages);
  on_outcome(again, true);
  on_outcome(next, true);
  EXPECT_EQ(reliable.unacked_bytes(), 0U);
}

TEST_F(ReliableSend, ARunOfIdsEndsWhereOneIsInFlight) {
  for (unsigned i = 0; i < 3; ++i) static_cast<void>(send(unordered, 500));
  const Sent first = compose(second, 505), second_one = compose(second, 505);
  on_outcome(first, false);
  const Sent sent = compose();
  EXPECT_EQ(sent.first_id, 0U);
  EXPECT_EQ(sent.messages.size(), 1U);
  EXPECT_EQ(compose().first_id, 2U);
  on_outcome(second_one, true);
}

TEST_F(ReliableSend, OtherPayloadKindsAreIgnored) {
  static_cast<void>(send(ordered, 5));
  static_cast<void>(compose());
  reliable.on_outcome(pools, {PayloadKind::plan, 1, 0}, true);
  reliable.on_outcome(pools, {PayloadKind::none, 1, 0}, true);
  reliable.on_outcome(pools, {PayloadKind::unordered, 1, 0}, true);
  reliable.on_outcome(pools, {PayloadKind::ordered, 31, 1}, true);
  EXPECT_EQ(reliable.unacked_bytes(), 6U);
}

TEST_F(ReliableSend, KeepsAtMost64MessagesOfAChannelUnacked) {
  for (unsigned i = 0; i < 64; ++i) ASSERT_EQ(send(ordered, 1), Queued::yes);
  EXPECT_EQ(send(ordered, 1), Queued::full);
  EXPECT_EQ(send(unordered, 1), Queued::yes) << "the channels are two";
  const Sent sent = compose();
  EXPECT_EQ(send(ordered, 1), Queued::full) << "in flight is not acked";
  on_outcome(sent, true);
  EXPECT_EQ(send(ordered, 1), Queued::yes);
}

TEST_F(ReliableSend, KeepsAtMost16KiBOfAChannelUnacked) {
  for (unsigned i = 0; i < 16; ++i) ASSERT_EQ(send(ordered, 1'023), Queued::yes);
  EXPECT_EQ(send(ordered, 0), Queued::full);
}

TEST_F(ReliableSend, HasNoMemoryWhenThePoolIsEmpty) {
  Pools small{4, 1, 0};
  EXPECT_EQ(reliable.send(small, ordered, type, Bytes(1'000), Urgency::bundled, 0), Queued::yes);
  EXPECT_EQ(reliable.send(small, ordered, type, Bytes(1), Urgency::bundled, 0), Queued::no_memory);
  EXPECT_EQ(reliable.send(small, ordered, type, Bytes(20'000), Urgency::bundled, 0), Queued::no_memory)
      << "no large block";
  reliable.clear(small);
  EXPECT_EQ(small.chunk.in_use(), 0U);
}

TEST_F(ReliableSend, NeverHasMoreThan1024IdsOpen) {
  ASSERT_EQ(send(ordered, 1), Queued::yes);
  const Sent oldest = compose();
  for (unsigned i = 1; i < 1024; ++i) {
    ASSERT_EQ(send(ordered, 1), Queued::yes) << i;
    on_outcome(compose(), true);
  }
  EXPECT_EQ(send(ordered, 1), Queued::full);
  EXPECT_EQ(send(ordered, 2'000), Queued::full);
  EXPECT_EQ(reliable.send_shared(ordered, Bytes(2'000), 0), Queued::full);
  on_outcome(oldest, true);
  EXPECT_EQ(send(ordered, 1), Queued::yes);
}

TEST_F(ReliableSend, FragmentsCountAmongOpenIds) {
  const Bytes shared(message_bytes_max, 3);
  ASSERT_EQ(send(ordered, 1), Queued::yes);
  ASSERT_EQ(reliable.send_shared(ordered, shared, 0), Queued::yes);
  const Sent oldest = compose(), fragment = compose();
  ASSERT_TRUE(fragment.composed.fragment);
  on_outcome(oldest, true);
  unsigned taken = 0;
  while (send(ordered, 1) == Queued::yes) {
    ++taken;
    Sent sent;
    do sent = compose();
    while (sent.composed.fragment);
    on_outcome(sent, true);
  }
  EXPECT_EQ(taken, 1024 - Split::fragments_for(message_bytes_max));
}

TEST_F(ReliableSend, LongestWholeMessageFillsADatagramAndOneByteMoreGoesInFragments) {
  ASSERT_EQ(send(ordered, Reliable::whole_message_bytes_max - 1), Queued::yes);
  ASSERT_EQ(send(ordered, Reliable::whole_message_bytes_max), Queued::yes);
  const Sent whole = compose();
  EXPECT_FALSE(whole.composed.fragment);
  EXPECT_EQ(whole.bytes, whole_room);
  const Sent fragment = compose();
  EXPECT_TRUE(fragment.composed.fragment);
  EXPECT_EQ(fragment.composed.packet.payload, PayloadKind::ordered);
  EXPECT_EQ(fragment.composed.packet.count, 1U);
  EXPECT_EQ(fragment.composed.packet.tag, 1U) << "the id behind the whole message's";
  EXPECT_EQ(whole_room - fragment.bytes, 0U);
  ASSERT_EQ(send(ordered, 1), Queued::yes);
  Sent last = compose();
  while (last.composed.fragment) last = compose();
  EXPECT_EQ(last.first_id, 3U) << "two fragments took two ids";
}

TEST_F(ReliableSend, OneMessageInFragmentsAtATime) {
  ASSERT_EQ(send(ordered, 2'000), Queued::yes);
  EXPECT_EQ(send(ordered, 2'000), Queued::busy);
  EXPECT_EQ(send(unordered, 2'000), Queued::busy);
  EXPECT_EQ(send(Channel::unreliable, 2'000), Queued::busy);
  EXPECT_EQ(reliable.send_shared(unordered, Bytes(2'000), 0), Queued::busy);
  const Sent a = compose(), b = compose();
  EXPECT_EQ(reliable.due_at(), never);
  on_outcome(b, true);
  EXPECT_EQ(send(ordered, 2'000), Queued::busy);
  on_outcome(a, false);
  EXPECT_EQ(reliable.due_at(), 0U);
  on_outcome(compose(), true);
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  EXPECT_EQ(send(unordered, 2'000), Queued::yes);
}

TEST_F(ReliableSend, MessagesLongerThanThePeerAcceptsAreRefused) {
  reliable.open(5'000);
  EXPECT_EQ(send(ordered, 5'000), Queued::too_long);
  EXPECT_EQ(reliable.send_shared(ordered, Bytes(5'001), 0), Queued::too_long);
  EXPECT_EQ(send(ordered, 4'999), Queued::yes);
  reliable.clear(pools);
  reliable.open(0xFFFF'FFFF);
  EXPECT_EQ(send(ordered, message_bytes_max), Queued::too_long);
  EXPECT_EQ(send(ordered, message_bytes_max - 1), Queued::yes);
  reliable.clear(pools);
  reliable.open(0);
  EXPECT_EQ(send(ordered, 2'000), Queued::too_long) << "a peer that takes none in fragments";
  EXPECT_EQ(send(ordered, 200), Queued::yes);
}

TEST_F(ReliableSend, FragmentsOfChannel0AreSentOnce) {
  ASSERT_EQ(send(Channel::unreliable, 3'000), Queued::yes);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(reliable.due_at(), 0U);
    const Sent sent = compose();
    EXPECT_TRUE(sent.composed.fragment);
    EXPECT_EQ(sent.composed.packet.payload, PayloadKind::none);
    EXPECT_EQ(sent.composed.channel, Channel::unreliable);
  }
  EXPECT_EQ(reliable.due_at(), never);
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  EXPECT_EQ(send(ordered, 1), Queued::yes);
  EXPECT_EQ(compose().first_id, 0U) << "they have no ids";
}

TEST_F(ReliableSend, ChannelsAndFragmentsTakeTurns) {
  for (unsigned i = 0; i < 8; ++i) {
    static_cast<void>(send(ordered, 1'000));
    static_cast<void>(send(unordered, 1'000));
  }
  static_cast<void>(send(unordered, 30'000));
  std::array<unsigned, 3> turns{};
  for (unsigned i = 0; i < 24; ++i) {
    const Sent sent = compose();
    ++turns[sent.composed.fragment ? 0 : static_cast<unsigned>(sent.composed.channel)];
    if (i % 3 == 2) {
      EXPECT_EQ(turns[0], turns[1]);
      EXPECT_EQ(turns[1], turns[2]);
    }
  }
  EXPECT_EQ(turns[0], 8U);
}

TEST_F(ReliableSend, DueMessagesGoBeforeBundledOnes) {
  static_cast<void>(send(ordered, 10));
  static_cast<void>(send(unordered, 10, Urgency::immediate));
  EXPECT_EQ(compose(0).composed.channel, unordered);
  static_cast<void>(send(unordered, 10, Urgency::immediate));
  EXPECT_EQ(compose(0).composed.channel, unordered);
  EXPECT_EQ(compose(0).composed.channel, ordered) << "nothing else is there, and a datagram has room";
}

TEST_F(ReliableSend, ASmallerRoomGetsWhatFits) {
  for (unsigned i = 0; i < 4; ++i) static_cast<void>(send(ordered, 100));
  EXPECT_FALSE(compose(second, 0).composed.any());
  EXPECT_FALSE(compose(second, 103).composed.any());
  EXPECT_EQ(compose(second, 104).messages.size(), 1U);
  EXPECT_EQ(compose(second, 208).messages.size(), 2U);
  static_cast<void>(send(ordered, 2'000));
  EXPECT_FALSE(compose(second, 103).composed.any()) << "nor does a fragment";
  const Sent sent = compose(second, 500);
  EXPECT_FALSE(sent.composed.fragment);
  EXPECT_EQ(sent.first_id, 3U);
}

TEST_F(ReliableSend, IdsWrap) {
  for (unsigned i = 0; i < 70'000; ++i) {
    ASSERT_EQ(send(ordered, 1), Queued::yes);
    const Sent sent = compose();
    ASSERT_EQ(sent.first_id, static_cast<std::uint16_t>(i));
    on_outcome(sent, true);
  }
}

}  // namespace
}  // namespace serried::channel
