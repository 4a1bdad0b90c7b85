#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "inbox.h"

namespace serried::channel {
namespace {

using wire::Channel;

class ReliableAccept : public Inbox {};

TEST_F(ReliableAccept, NoMessageIsAcceptedBeforeTheHandshake) {
  reliable.clear(pools);
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::no_room);
  EXPECT_EQ(fragment(unordered, 0, 1, 0, 16, 20), Accepted::no_room);
  EXPECT_TRUE(sink.messages.empty());
  reliable.open(message_bytes_max);
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(came(), Bytes{0});
}

TEST_F(ReliableAccept, OrderedMessagesWaitForMissingOnes) {
  EXPECT_EQ(accept(ordered, 2, {message(2), message(3)}), Accepted::yes);
  EXPECT_EQ(accept(ordered, 5, {message(5)}), Accepted::yes);
  EXPECT_TRUE(sink.messages.empty());
  EXPECT_EQ(accept(ordered, 0, {message(0), message(1)}), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{0, 1, 2, 3}));
  EXPECT_EQ(accept(ordered, 4, {message(4)}), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

TEST_F(ReliableAccept, UnorderedIsHandedOverAsItComes) {
  EXPECT_EQ(accept(unordered, 7, {message(7)}), Accepted::yes);
  EXPECT_EQ(accept(unordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(accept(unordered, 6, {message(6), message(7), message(8)}), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{7, 0, 6, 8}));
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

TEST_F(ReliableAccept, DuplicatesAreAckedAndDropped) {
  for (const auto channel : {ordered, unordered}) {
    sink.messages.clear();
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(accept(channel, 0, {message(0), message(1)}), Accepted::yes);
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(accept(channel, 3, {message(3)}), Accepted::yes);
    EXPECT_EQ(accept(channel, 2, {message(2), message(3)}), Accepted::yes);
    EXPECT_EQ(accept(channel, 0xFFFF, {message(9)}), Accepted::yes) << "32,768 behind missing count as known";
    auto all = came();
    std::ranges::sort(all);
    EXPECT_EQ(all, (Bytes{0, 1, 2, 3}));
  }
}

TEST_F(ReliableAccept, TheWindowEnds1024BeyondMissing) {
  for (const auto channel : {ordered, unordered}) {
    EXPECT_EQ(accept(channel, 1023, {message(1)}), Accepted::yes);
    EXPECT_EQ(accept(channel, 1024, {message(2)}), Accepted::no_room);
    EXPECT_EQ(accept(channel, 1022, {message(0), message(1), message(2)}), Accepted::no_room);
    EXPECT_EQ(accept(channel, 0, {message(3)}), Accepted::yes);
    EXPECT_EQ(accept(channel, 1024, {message(2)}), Accepted::yes);
    EXPECT_EQ(fragment(channel, 1026, 1, 0, 16, 20), Accepted::no_room);
  }
  EXPECT_EQ(came(), (Bytes{3, 1, 0, 3, 2}));
}

TEST_F(ReliableAccept, IdsWrap) {
  for (unsigned i = 0; i < 70'000; ++i) {
    const auto id = static_cast<std::uint16_t>(i ^ 1);  // each pair the wrong way round
    ASSERT_EQ(accept(ordered, id, {message(static_cast<std::uint8_t>(id))}), Accepted::yes);
  }
  ASSERT_EQ(sink.messages.size(), 70'000U);
  for (unsigned i = 0; i < 70'000; ++i) ASSERT_EQ(sink.messages[i].bytes[1], static_cast<std::uint8_t>(i));
}

TEST_F(ReliableAccept, BrokenFramingIsMalformed) {
  for (const auto channel : {ordered, unordered}) {
    EXPECT_EQ(accept(channel, {}), Accepted::malformed);
    EXPECT_EQ(accept(channel, {0}), Accepted::malformed);
    EXPECT_EQ(accept(channel, {0, 0}), Accepted::malformed) << "no message";
    EXPECT_EQ(accept(channel, {0, 0, 0}), Accepted::malformed) << "length 0";
    EXPECT_EQ(accept(channel, {0, 0, 2, 0xD0}), Accepted::malformed) << "a length beyond the body";
    EXPECT_EQ(accept(channel, {0, 0, 0x80}), Accepted::malformed) << "half a length";
    EXPECT_TRUE(sink.messages.empty());
    EXPECT_EQ(accept(channel, {0, 0, 2, 0xD0, 5, 0}), Accepted::malformed) << "behind a good one";
    EXPECT_EQ(came(), Bytes{5});
    sink.messages.clear();
  }
}

TEST_F(ReliableAccept, ALengthMayBeLongerThanNeeded) {
  EXPECT_EQ(accept(ordered, {0, 0, 0x82, 0x00, 0xD0, 5}), Accepted::yes);
  EXPECT_EQ(came(), Bytes{5});
}

TEST_F(ReliableAccept, AMessageMayBeOfTheTypeAlone) {
  EXPECT_EQ(accept(ordered, {1, 0, 1, 0xD0}), Accepted::yes);
  EXPECT_EQ(accept(ordered, {0, 0, 1, 0xD1}), Accepted::yes);
  ASSERT_EQ(sink.messages.size(), 2U);
  EXPECT_EQ(sink.messages[0].bytes, Bytes{0xD1});
  EXPECT_EQ(sink.messages[1].bytes, Bytes{0xD0});
}

TEST_F(ReliableAccept, OrderedInItsPlaceIsStoredWhenTheReceiverHasNoRoom) {
  refuse();
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(accept(ordered, 1, {message(1), message(2)}), Accepted::yes);
  EXPECT_FALSE(hand_over());
  EXPECT_TRUE(sink.messages.empty());
  take();
  EXPECT_EQ(accept(ordered, 3, {message(3)}), Accepted::yes) << "what waits goes first";
  EXPECT_EQ(came(), (Bytes{0, 1, 2, 3}));
  EXPECT_TRUE(hand_over());
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

TEST_F(ReliableAccept, HandOverStopsAtTheFirstThatIsRefused) {
  refuse();
  for (std::uint8_t i = 0; i < 4; ++i) EXPECT_EQ(accept(ordered, i, {message(i, 600)}), Accepted::yes);
  unsigned room = 2;
  sink.refuses = [&room] { return room == 0 || room-- == 0; };
  EXPECT_FALSE(hand_over());
  EXPECT_EQ(came(), (Bytes{0, 1}));
  take();
  EXPECT_TRUE(hand_over());
  EXPECT_EQ(came(), (Bytes{0, 1, 2, 3}));
  EXPECT_EQ(sink.messages[3].bytes, message(3, 600)) << "over several chunks";
}

TEST_F(ReliableAccept, UnorderedWithoutRoomIsNotAcked) {
  unsigned room = 1;
  sink.refuses = [&room] { return room == 0 || room-- == 0; };
  const auto datagram = body(0, {message(0), message(1), message(2)});
  EXPECT_EQ(accept(unordered, datagram), Accepted::no_room);
  EXPECT_EQ(came(), Bytes{0});
  EXPECT_EQ(pools.chunk.in_use(), 0U);
  take();
  EXPECT_EQ(accept(unordered, datagram), Accepted::yes) << "only the rest is new";
  EXPECT_EQ(came(), (Bytes{0, 1, 2}));
}

TEST_F(ReliableAccept, Keeps64MessagesAnd16KiBThatWait) {
  // However they are cut: all of one size, or the worst mix of whole chunks and a byte more.
  for (const std::size_t large : {256U, 16'384U - 49 * 253 - 14, 1'024U}) {
    Reliable fresh;
    fresh.open(message_bytes_max);
    std::size_t left = Reliable::unacked_bytes_max - large;
    std::vector<std::size_t> sizes{large};
    while (sizes.size() < 64) {
      const std::size_t rest = 64 - sizes.size();
      sizes.push_back(std::min<std::size_t>(253, left - (rest - 1)));
      left -= sizes.back();
    }
    ASSERT_LE(left, 253U);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Bytes datagram = body(static_cast<std::uint16_t>(i + 1), {message(1, sizes[i] - 1)});
      ASSERT_EQ(fresh.accept(pools, ordered, base::ByteReader{datagram}, sink.receiver(), now), Accepted::yes) << i;
    }
    const Bytes first = body(0, {message(0)});
    ASSERT_EQ(fresh.accept(pools, ordered, base::ByteReader{first}, sink.receiver(), now), Accepted::yes);
    EXPECT_EQ(sink.messages.size(), 65U);
    sink.messages.clear();
    EXPECT_EQ(pools.chunk.in_use(), 0U);
  }
}

TEST_F(ReliableAccept, KeepsNoMoreThanItsShareOfThePool) {
  unsigned kept = 0;
  for (std::uint16_t id = 1; id < 1024; ++id) kept += accept(ordered, id, {message(1)}) == Accepted::yes;
  EXPECT_EQ(kept, Reliable::waiting_chunks_max);
  EXPECT_EQ(pools.chunk.in_use(), Reliable::waiting_chunks_max);
  refuse();
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::no_room);
  take();
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes) << "the missing one needs no room";
  EXPECT_EQ(sink.messages.size(), 1 + kept);
  EXPECT_EQ(pools.chunk.in_use(), 0U);
}

/// While less than half of the pool is free, a session that leaves out its first message keeps a small share.
TEST_F(ReliableAccept, KeepsLittleWhenThePoolIsMoreThanHalfInUse) {
  Chain others;
  const Bytes much((pools.chunk.capacity() / 2 + 1) * ChunkPool::payload_bytes);
  ASSERT_TRUE(pools.chunk.store(much, others));
  unsigned kept = 0;
  for (std::uint16_t id = 1; id < 200; ++id) kept += accept(ordered, id, {message(1)}) == Accepted::yes;
  EXPECT_EQ(kept, Reliable::waiting_chunks_max / 8);
  pools.chunk.free(others);
}

/// What finds no room comes again, and is taken once however often that is.
TEST_F(ReliableAccept, AMessageIsTakenOnceHoweverOftenItComes) {
  for (const auto channel : {ordered, unordered}) {
    sink.taken = 0;
    refuse();
    std::vector<Chain> chains;
    if (channel == ordered) {
      while (pools.chunk.in_use() + 1 < pools.chunk.capacity()) {
        Chain one;
        ASSERT_TRUE(pools.chunk.store(Bytes(1), one));
        chains.push_back(one);
      }
    }
    for (int times = 0; times < 20; ++times) EXPECT_EQ(accept(channel, 0, {message(1)}), Accepted::no_room);
    EXPECT_EQ(sink.taken, 0U);
    for (Chain& one : chains) pools.chunk.free(one);
    chains.clear();
    if (channel == unordered) take();
    for (int times = 0; times < 20; ++times) EXPECT_EQ(accept(channel, 0, {message(1)}), Accepted::yes);
    EXPECT_EQ(sink.taken, 1U);
    take();
    EXPECT_TRUE(reliable.hand_over(pools, sink.receiver(), now));
    EXPECT_EQ(sink.taken, 1U) << "when it was kept, not when it is handed on";
  }
}

/// What the receiver leaves out counts as received, in order or not, and is asked about once.
TEST_F(ReliableAccept, WhatIsLeftOutHoldsNothingUp) {
  for (const auto channel : {ordered, unordered}) {
    sink.messages.clear();
    sink.leaves_out = [](message::Type type) { return type == message::Type::chat; };
    Bytes line = message(9);
    line[0] = static_cast<std::uint8_t>(message::Type::chat);
    EXPECT_EQ(accept(channel, 1, {line, message(2)}), Accepted::yes);
    EXPECT_EQ(sink.asked, 2U);
    EXPECT_EQ(accept(channel, 0, {line, line, message(2), line}), Accepted::yes);
    EXPECT_EQ(came(), Bytes{2});
    EXPECT_EQ(sink.asked, 4U);
    refuse();
    EXPECT_EQ(accept(channel, 4, {message(4)}), channel == ordered ? Accepted::yes : Accepted::no_room);
    take();
    sink.leaves_out = [](message::Type) { return true; };
    EXPECT_TRUE(reliable.hand_over(pools, sink.receiver(), now));
    EXPECT_EQ(accept(channel, 5, {message(5)}), Accepted::yes);
    EXPECT_EQ(came(), channel == ordered ? (Bytes{2, 4}) : Bytes{2}) << "what waits is not asked about again";
    sink.asked = 0;
  }
}

TEST_F(ReliableAccept, MessagesInOrderNeedNoRoomInThePool) {
  Pools none{0, 0, 0};
  for (const auto& [id, expected] : {std::pair{1, Accepted::no_room}, {0, Accepted::yes}, {1, Accepted::yes}}) {
    const Bytes datagram = body(static_cast<std::uint16_t>(id), {message(static_cast<std::uint8_t>(id))});
    EXPECT_EQ(reliable.accept(none, ordered, base::ByteReader{datagram}, sink.receiver(), now), expected);
  }
  EXPECT_EQ(came(), (Bytes{0, 1}));
}

TEST_F(ReliableAccept, RandomBytesNeitherCrashNorLeakNorGrow) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    sink.refuses = [&random, refusal = random.unit()] { return random.chance(refusal); };
    reliable.open(message_bytes_max);
    unsigned good = 0;
    for (unsigned i = 0; i < 3'000; ++i) {
      Bytes bytes(random.below(random.chance(0.1) ? 1'167 : 64));
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.chance(0.6) ? random.below(4) : random.next());
      const auto channel = static_cast<Channel>(random.below(3));
      const base::ByteReader reader{bytes};
      now += random.below(second / 10);
      good += (channel == unreliable || random.chance(0.5)
                   ? reliable.accept_fragment(pools, channel, reader, message_bytes_max, sink.receiver(), now)
                   : reliable.accept(pools, channel, reader, sink.receiver(), now)) == Accepted::yes;
      if (random.chance(0.1)) static_cast<void>(hand_over());
      if (random.chance(0.1)) static_cast<void>(reliable.sweep(pools, now));
      ASSERT_LE(pools.chunk.in_use(), Reliable::waiting_chunks_max);
      sink.messages.clear();
    }
    EXPECT_GT(good, 0U);
    reliable.clear(pools);
    ASSERT_EQ(pools.chunk.in_use(), 0U);
    ASSERT_EQ(pools.block.in_use_bytes(), 0U);
  }
}

}  // namespace
}  // namespace serried::channel
