#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "channel/reliable.h"
#include "sink.h"

namespace serried::channel {
namespace {

using wire::Channel;
using Bytes = std::vector<std::uint8_t>;

constexpr auto unreliable = Channel::unreliable;
constexpr auto ordered = Channel::reliable_ordered;
constexpr auto unordered = Channel::reliable_unordered;

/// Message k of the tests: `bytes` of k, behind the type.
Bytes message(std::uint8_t k, std::size_t bytes = 3) {
  Bytes out(bytes + 1, k);
  out[0] = 0xD0;
  return out;
}

Bytes body(std::uint16_t first_id, const std::vector<Bytes>& messages) {
  Bytes out{static_cast<std::uint8_t>(first_id), static_cast<std::uint8_t>(first_id >> 8)};
  for (const Bytes& m : messages) {
    std::uint8_t length[10];
    base::ByteWriter writer{length};
    writer.write_varint(m.size());
    out.insert(out.end(), writer.written().begin(), writer.written().end());
    out.insert(out.end(), m.begin(), m.end());
  }
  return out;
}

class ReliableAccept : public testing::Test {
 protected:
  void SetUp() override { reliable.open(message_bytes_max); }
  void TearDown() override {
    reliable.clear(pools);
    EXPECT_EQ(pools.chunk.in_use(), 0U);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  }

  Accepted accept(Channel channel, const Bytes& bytes) {
    return reliable.accept(pools, channel, base::ByteReader{bytes}, sink.receiver(), now);
  }
  Accepted accept(Channel channel, std::uint16_t first_id, const std::vector<Bytes>& messages) {
    return accept(channel, body(first_id, messages));
  }
  /// Bytes from `offset` on of a message of `total` bytes whose byte i is i % 251.
  Accepted fragment(Channel channel, std::uint16_t id, std::uint16_t fragment_id, std::size_t offset, std::size_t bytes,
                    std::uint32_t total, std::uint32_t bytes_max = message_bytes_max) {
    Bytes datagram(2 + fragment_header_bytes + bytes);
    base::ByteWriter out{datagram};
    if (channel != unreliable) out.write(id);
    write_fragment_header(out, {fragment_id, static_cast<std::uint16_t>(offset / 8), total});
    for (std::size_t i = offset; i < offset + bytes; ++i) out.write(static_cast<std::uint8_t>(i % 251));
    return reliable.accept_fragment(pools, channel, base::ByteReader{out.written()}, bytes_max, sink.receiver(), now);
  }
  bool hand_over() { return reliable.hand_over(pools, sink.receiver()); }
  /// What came so far, by the first byte of content; 'F' for one in fragments that is whole and right.
  Bytes came() {
    Bytes out;
    for (const auto& m : sink.messages) {
      bool right = m.joined;
      for (std::size_t i = 0; right && i < m.bytes.size(); ++i) right = m.bytes[i] == i % 251;
      out.push_back(right ? 'F' : m.bytes.at(1));
    }
    return out;
  }
  void refuse() {
    sink.refuses = [] { return true; };
  }
  void take() {
    sink.refuses = [] { return false; };
  }

  Pools pools{200, 3, 2};
  Reliable reliable;
  Sink sink{pools};
  Nanos now = second;
};

TEST_F(ReliableAccept, NothingBeforeTheHandshake) {
  reliable.clear(pools);
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::no_room);
  EXPECT_EQ(fragment(unordered, 0, 1, 0, 16, 20), Accepted::no_room);
  EXPECT_TRUE(sink.messages.empty());
  reliable.open(message_bytes_max);
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(came(), Bytes{0});
}

TEST_F(ReliableAccept, OrderedWaitsForWhatIsMissing) {
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

TEST_F(ReliableAccept, AnEmptyPoolStopsNothingThatIsInItsPlace) {
  Pools none{0, 0, 0};
  for (const auto& [id, expected] : {std::pair{1, Accepted::no_room}, {0, Accepted::yes}, {1, Accepted::yes}}) {
    const Bytes datagram = body(static_cast<std::uint16_t>(id), {message(static_cast<std::uint8_t>(id))});
    EXPECT_EQ(reliable.accept(none, ordered, base::ByteReader{datagram}, sink.receiver(), now), expected);
  }
  EXPECT_EQ(came(), (Bytes{0, 1}));
}

// ---- fragments, reliable

TEST_F(ReliableAccept, FragmentsAreJoinedInAnyOrder) {
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

TEST_F(ReliableAccept, AJoinedMessageIsHandedOnAtThePlaceOfItsLastFragment) {
  EXPECT_EQ(accept(ordered, 4, {message(4)}), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 2, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 3, 1, 1600, 400, 2000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 1, 1, 0, 800, 2000), Accepted::yes);
  EXPECT_TRUE(sink.messages.empty()) << "complete, but 0 is missing";
  EXPECT_EQ(accept(ordered, 0, {message(0)}), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{0, 'F', 4}));
}

TEST_F(ReliableAccept, AFragmentMayBeWhatWaitingMessagesMissed) {
  EXPECT_EQ(accept(ordered, 2, {message(2)}), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 0, 1, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(fragment(ordered, 1, 1, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{'F', 2}));
}

TEST_F(ReliableAccept, AJoinedMessageWaitsForRoom) {
  for (const auto channel : {ordered, unordered}) {
    refuse();
    EXPECT_EQ(fragment(channel, 0, 1, 0, 800, 1000), Accepted::yes);
    EXPECT_EQ(fragment(channel, 1, 1, 800, 200, 1000), Accepted::yes);
    EXPECT_FALSE(hand_over());
    EXPECT_EQ(fragment(channel, 2, 2, 0, 800, 1000), Accepted::no_room) << "one at a time";
    EXPECT_EQ(accept(ordered, 9, {message(9)}), Accepted::yes);
    EXPECT_EQ(reliable.sweep(pools, now + 3600 * second, 30 * second), 0U);
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

TEST_F(ReliableAccept, AFragmentWithoutABlockIsNotAcked) {
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

TEST_F(ReliableAccept, ContradictingFragmentsAreMalformed) {
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

TEST_F(ReliableAccept, AnIdLeftOutAmongFragmentsIsMalformed) {
  ASSERT_EQ(fragment(unordered, 0, 1, 0, 800, 2000), Accepted::yes);
  ASSERT_EQ(fragment(unordered, 1, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(unordered, 3, 1, 1600, 400, 2000), Accepted::malformed);
  EXPECT_TRUE(sink.messages.empty());
}

TEST_F(ReliableAccept, HalfAFragmentHeaderIsMalformed) {
  const Bytes bytes(10, 1);
  for (const auto channel : {unreliable, ordered, unordered})
    for (std::size_t n = 0; n < (channel == unreliable ? 8U : 10U); ++n)
      EXPECT_EQ(reliable.accept_fragment(pools, channel, base::ByteReader{std::span{bytes}.first(n)}, 1'000,
                                         sink.receiver(), now),
                Accepted::malformed);
}

TEST_F(ReliableAccept, AJoinWithoutProgressIsStalled) {
  EXPECT_EQ(fragment(unordered, 1, 1, 800, 800, 1600), Accepted::yes);
  now += 29 * second;
  static_cast<void>(reliable.sweep(pools, now, 30 * second));
  EXPECT_FALSE(reliable.stalled());
  now += second;
  static_cast<void>(reliable.sweep(pools, now, 30 * second));
  EXPECT_TRUE(reliable.stalled());
  EXPECT_NE(pools.block.in_use_bytes(), 0U);
}

TEST_F(ReliableAccept, AWholeJoinBehindAMissingMessageIsStalledToo) {
  EXPECT_EQ(fragment(ordered, 1, 1, 0, 16, 16), Accepted::yes);
  static_cast<void>(reliable.sweep(pools, now + 30 * second, 30 * second));
  EXPECT_TRUE(reliable.stalled());
}

TEST_F(ReliableAccept, ProgressPutsStallingOff) {
  for (std::uint16_t i = 0; i < 20; ++i) {
    EXPECT_EQ(fragment(ordered, i, 1, i * 8U, 8, 200), Accepted::yes);
    now += 20 * second;
    static_cast<void>(reliable.sweep(pools, now, 30 * second));
    EXPECT_FALSE(reliable.stalled());
  }
}

// ---- fragments, channel 0

TEST_F(ReliableAccept, ChannelZeroJoinsTwoAtATime) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 2, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 3, 0, 800, 1000), Accepted::no_room);
  EXPECT_EQ(fragment(unreliable, 0, 1, 800, 200, 1000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 3, 800, 200, 1000), Accepted::no_room) << "the rest of what was dropped";
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 1000), Accepted::yes);
  EXPECT_EQ(came(), (Bytes{'F', 'F'}));
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
}

TEST_F(ReliableAccept, ChannelZeroNeedsNoHandshake) {
  reliable.clear(pools);
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 16, 16), Accepted::yes);
  EXPECT_EQ(came(), Bytes{'F'});
}

TEST_F(ReliableAccept, ChannelZeroDropsAMessageThatContradictsItself) {
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

TEST_F(ReliableAccept, ChannelZeroDropsWhatIsTooLong) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 5001, 5000), Accepted::no_room);
  EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 5000, 5000), Accepted::yes);
}

TEST_F(ReliableAccept, ChannelZeroForgetsAnIncompleteMessageTenSecondsAfterItsFirstFragment) {
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 800, 2000), Accepted::yes);
  now += 9 * second;
  EXPECT_EQ(fragment(unreliable, 0, 1, 800, 800, 2000), Accepted::yes);
  EXPECT_EQ(fragment(unreliable, 0, 2, 0, 800, 2000), Accepted::yes);
  EXPECT_EQ(reliable.sweep(pools, now, second), 0U);
  now += second;
  EXPECT_EQ(reliable.sweep(pools, now, second), 1U);
  EXPECT_EQ(pools.block.in_use_bytes(), BlockPool::small_bytes);
  now += 9 * second;
  EXPECT_EQ(reliable.sweep(pools, now, second), 1U);
  EXPECT_FALSE(reliable.stalled());
}

TEST_F(ReliableAccept, ChannelZeroWaitsForRoomAtTheReceiver) {
  refuse();
  EXPECT_EQ(fragment(unreliable, 0, 1, 0, 16, 16), Accepted::yes);
  EXPECT_FALSE(hand_over());
  EXPECT_EQ(reliable.sweep(pools, now + 11 * second, second), 0U) << "it is complete";
  take();
  EXPECT_TRUE(hand_over());
  EXPECT_EQ(came(), Bytes{'F'});
}

// ---- anything at all

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
      if (random.chance(0.1)) static_cast<void>(reliable.sweep(pools, now, second));
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
