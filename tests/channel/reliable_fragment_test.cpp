#include <gtest/gtest.h>

#include "inbox.h"

namespace serried::channel {
namespace {

class ReliableFragment : public Inbox {};

TEST_F(ReliableFragment, FragmentsAreJoinedInAnyOrder) {
  for (const auto channel : {ordered, unordered}) {
    EXPECT_EQ(fragment(channel, 2, 1, 1600, 400, 2000), Accepted::yes);
    EXPECT_EQ(fragment(channel, 0, 1, 0, 800, 2000), Accepted::yes);
    EXPECT_EQ(fragment(channel, 0, 1, 0, 800, 2000), Accepted::yes) << "known";
    EXPECT_TRUE(sink.messages.empty());
    EXPECT_EQ(fragment(channel, 1, 1, 800, 800, 2000), Accepted::yes);
    EXPECT_EQ(came(), Bytes{'F'});
    EXPECT_EQ(sink.messages[0].bytes.size(), 2000U);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
    sink.messages.clear();
  }
}

TEST_F(ReliableFragment, AJoinedMessageIsHandedOnAtThePlaceOfItsLastFragment) {
  EXPECT_EQ(accept(ordered, 4, {message(4)}), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 2, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 3, 1, 1600, 400, 2000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 1, 1, 0, 800, 2000), Accepted::yes);
  EXPECT_TRUE(sink.messages.empty()) << "complete, but 0 is missing";
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{0, 'F', 4}));
}

TEST_F(ReliableFragment, ALastFragmentReleasesWaitingMessages) {
  EXPECT_EQ(accept(ordered, 2, {message(2)}), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 0, 1, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 1, 1, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{'F', 2}));
}

TEST_F(ReliableFragment, AJoinedMessageWaitsForRoom) {
  for (const auto channel : {ordered, unordered}) {
    refuse();
    EXPECT_EQ(fragment(channel, 0, 1, 0, 800, 1000), Accepted::yes);
    EXPECT_EQ(fragment(channel, 1, 1, 800, 200, 1000), Accepted::yes);
    EXPECT_FALSE(hand_over());
    EXPECT_EQ(fragment(channel, 2, 2, 0, 800, 1000), Accepted::no_room) << "one at a time";
    EXPECT_EQ(accept(ordered, 9, {message(9)}), Accepted::yes);
    EXPECT_EQ(reliable.sweep(pools, now + 3600 * second), 0U);
    EXPECT_FALSE(reliable.stalled()) << "the peer cannot help it";
    take();
    EXPECT_TRUE(hand_over());
    EXPECT_EQ(came(), Bytes{'F'});
    EXPECT_EQ(fragment(channel, 2, 2, 0, 800, 1000), Accepted::yes);
    EXPECT_EQ(fragment(channel, 3, 2, 800, 200, 1000), Accepted::yes);
    EXPECT_EQ(came(), (Bytes{'F', 'F'}));
    sink.messages.clear();
  }
}

TEST_F(ReliableFragment, AFragmentWithoutABlockIsNotAcked) {
  Pools none{10, 0, 0};
  Bytes datagram(2 + fragment_header_bytes + 16);
  base::ByteWriter out{datagram};
  out.write(std::uint16_t{0});
  write_fragment_header(out, {1, 0, 16});
  EXPECT_EQ(reliable.accept_fragment(none, ordered, base::ByteReader{datagram}, 100, sink.receiver(), now),
            Accepted::no_room);
  EXPECT_EQ(fragment(ordered, 0, 1, 0, 16, 16), Accepted::yes) << "the same again, where there is room";
  EXPECT_EQ(came(), Bytes{'F'});
}

TEST_F(ReliableFragment, ContradictingFragmentsAreMalformed) {
  struct Case {
    const char* what;
    std::uint16_t id;
    std::size_t offset, bytes;
    std::uint32_t total;
  };
  for (const auto channel : {ordered, unordered})
    for (const Case& c : {
             Case{"another total", 6, 800, 800, 2008},                                                               //
             Case{"an overlap", 6, 792, 800, 2000},                                                                  //
             Case{"the same under another id", 6, 0, 800, 2000},                                                     //
             Case{"an id that falls", 4, 800, 800, 2000},                                                            //
             Case{"empty", 6, 800, 0, 2000},                                                                         //
             Case{"not the last, no multiple of 8", 6, 800, 799, 2000}, Case{"beyond the end", 6, 1600, 401, 2000},  //
             Case{"begins at the end", 6, 2000, 8, 2000},                                                            //
             Case{"too long for us", 6, 800, 800, 50'001},                                                           //
         }) {
      SCOPED_TRACE(c.what);
      ASSERT_EQ(fragment(channel, 5, 1, 0, 800, 2000, 50'000), Accepted::yes);
      EXPECT_EQ(fragment(channel, c.id, 1, c.offset, c.bytes, c.total, 50'000), Accepted::malformed);
      reliable.clear(pools);
      reliable.open(message_bytes_max);
    }
}

TEST_F(ReliableFragment, AnIdLeftOutAmongFragmentsIsMalformed) {
  ASSERT_EQ(fragment(unordered, 0, 1, 0, 800, 2000), Accepted::yes);
  ASSERT_EQ(fragment(unordered, 1, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(unordered, 3, 1, 1600, 400, 2000), Accepted::malformed);
  EXPECT_TRUE(sink.messages.empty());
}

TEST_F(ReliableFragment, HalfAFragmentHeaderIsMalformed) {
  const Bytes bytes(10, 1);
  for (const auto channel : {unreliable, ordered, unordered})
    for (std::size_t n = 0; n < (channel == unreliable ? 8U : 10U); ++n)
      EXPECT_EQ(reliable.accept_fragment(pools, channel, base::ByteReader{std::span{bytes}.first(n)}, 1'000,
                                         sink.receiver(), now),
                Accepted::malformed);
}

TEST_F(ReliableFragment, AJoinWithoutProgressIsStalled) {
  EXPECT_EQ(fragment(unordered, 1, 1, 800, 800, 1600), Accepted::yes);
  now += 29 * second;
  static_cast<void>(reliable.sweep(pools, now));
  EXPECT_FALSE(reliable.stalled());
  now += second;
  static_cast<void>(reliable.sweep(pools, now));
  EXPECT_TRUE(reliable.stalled());
  EXPECT_NE(pools.block.in_use_bytes(), 0U);
}

TEST_F(ReliableFragment, AWholeJoinBehindAMissingMessageIsStalledToo) {
  EXPECT_EQ(fragment(ordered, 1, 1, 0, 16, 16), Accepted::yes);
  static_cast<void>(reliable.sweep(pools, now + 30 * second));
  EXPECT_TRUE(reliable.stalled());
}

TEST_F(ReliableFragment, AJoinedMessageOfChannelTwoWaitsAloneForItsReceiver) {
  refuse();
  EXPECT_EQ(fragment(unordered, 1, 1, 0, 16, 16), Accepted::yes);
  static_cast<void>(reliable.sweep(pools, now + 3600 * second));
  EXPECT_FALSE(reliable.stalled()) << "message 0 is missing, and this one does not wait for it";
  take();
  EXPECT_TRUE(hand_over());
  EXPECT_EQ(came(), Bytes{'F'});
}

TEST_F(ReliableFragment, ProgressPutsStallingOff) {
  for (std::uint16_t i = 0; i < 15; ++i) {
    EXPECT_EQ(fragment(ordered, i, 1, i * 800U, 800, 16'000), Accepted::yes);
    now += 3 * second;
    static_cast<void>(reliable.sweep(pools, now));
    EXPECT_FALSE(reliable.stalled());
  }
}

TEST_F(ReliableFragment, ATrickleDoesNotKeepABlockForHours) {
  for (std::uint16_t i = 0; i < 5; ++i) {
    EXPECT_EQ(fragment(ordered, i, 1, i * 8U, 8, 16'000), Accepted::yes);
    now += 10 * second;
    static_cast<void>(reliable.sweep(pools, now));
    EXPECT_EQ(reliable.stalled(), i >= 3) << "after " << i << " fragments of 8 bytes";
  }
}

TEST_F(ReliableFragment, ChannelZeroJoinsTwoAtATime) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 2, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 3, 0, 800, 1000), Accepted::no_room);
  EXPECT_EQ(fragment(unreliable, 0, 1, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 3, 800, 200, 1000), Accepted::no_room) << "the rest of what was dropped";
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{'F', 'F'}));
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
}

TEST_F(ReliableFragment, ChannelZeroNeedsNoHandshake) {
  reliable.clear(pools);
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 16, 16), Accepted::yes);
  EXPECT_EQ(came(), Bytes{'F'});
}

TEST_F(ReliableFragment, ChannelZeroDropsAMessageThatContradictsItself) {
  struct Case {
    std::size_t offset, bytes;
    std::uint32_t total;
  };
  std::uint16_t fragment_id = 0;
  for (const Case& c : {Case{0, 800, 2000}, Case{792, 808, 2000}, Case{800, 800, 2008}}) {
    ++fragment_id;
    EXPECT_EQ(fragment(unreliable, 0, fragment_id, 0, 800, 2000), Accepted::yes);
    EXPECT_EQ(fragment(unreliable, 0, fragment_id, c.offset, c.bytes, c.total), Accepted::malformed);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
    EXPECT_EQ(fragment(unreliable, 0, fragment_id, 800, 800, 2000), Accepted::no_room);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U) << "nor does its rest take a place";
  }
  now += Reliable::fragment_lifetime;
  EXPECT_EQ(fragment(unreliable, 0, fragment_id, 0, 800, 800), Accepted::yes) << "the number may come back";
  EXPECT_EQ(came(), Bytes{'F'});
}

TEST_F(ReliableFragment, ChannelZeroDropsMessagesThatAreTooLong) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 5001, 5000), Accepted::no_room);
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 5000, 5000), Accepted::yes);
}

TEST_F(ReliableFragment, ChannelZeroForgetsAnIncompleteMessageTenSecondsAfterItsFirstFragment) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 2000), Accepted::yes);
  now += 9 * second;
  EXPECT_EQ(fragment(unreliable, 0, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 2000), Accepted::yes);
  EXPECT_EQ(reliable.sweep(pools, now), 0U);
  now += second;
  EXPECT_EQ(reliable.sweep(pools, now), 1U);
  EXPECT_EQ(pools.block.in_use_bytes(), BlockPool::small_bytes);
  now += 9 * second;
  EXPECT_EQ(reliable.sweep(pools, now), 1U);
  EXPECT_FALSE(reliable.stalled());
}

TEST_F(ReliableFragment, ChannelZeroWaitsForRoomAtTheReceiver) {
  refuse();
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 16, 16), Accepted::yes);
  EXPECT_FALSE(hand_over());
  EXPECT_EQ(reliable.sweep(pools, now + 11 * second), 0U) << "it is complete";
  take();
  EXPECT_TRUE(hand_over());
  EXPECT_EQ(came(), Bytes{'F'});
}

}  // namespace
}  // namespace serried::channel
