#include <array>

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

/// Of two that came as slowly, the one that waits for its receiver alone keeps its block.
TEST_F(ReliableFragment, AJoinedMessageThatWaitsGivesWayLast) {
  for (const auto channel : {unreliable, ordered, unordered}) {
    Pools two{10, 2, 0};
    Sink busy{two};
    busy.refuses = [] { return true; };
    Reliable whole, part;
    const auto send = [&](Reliable& to, std::uint32_t total, wire::Channel on, Nanos at) {
      Bytes datagram(2 + fragment_header_bytes + 16);
      base::ByteWriter out{datagram};
      if (on != unreliable) out.write(std::uint16_t{0});
      write_fragment_header(out, {1, 0, total});
      datagram.resize(out.size() + 16);
      return to.accept_fragment(two, on, base::ByteReader{datagram}, message_bytes_max, busy.receiver(), at);
    };
    for (Reliable* one : {&whole, &part}) one->open(message_bytes_max);
    EXPECT_EQ(send(whole, 16, channel, now), Accepted::yes);
    EXPECT_EQ(send(part, 1'000, ordered, now + 1), Accepted::yes);
    Reliable newcomer;
    newcomer.open(message_bytes_max);
    EXPECT_EQ(send(newcomer, 1'000, ordered, now + 1 + BlockPool::grace), Accepted::yes);
    for (Reliable* one : {&whole, &part}) static_cast<void>(one->sweep(two, now + 1 + BlockPool::grace));
    EXPECT_TRUE(part.evicted());
    EXPECT_FALSE(whole.evicted());
    EXPECT_TRUE(whole.joining());
    for (Reliable* one : {&whole, &part, &newcomer}) one->clear(two);
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

/// Whatever shows it: a header that no fragment has contradicts the message that it names.
TEST_F(ReliableFragment, ChannelZeroDropsTheMessageOfAnImpossibleFragment) {
  struct Case {
    const char* what;
    std::size_t offset, bytes;
    std::uint32_t total;
  };
  std::uint16_t fragment_id = 0;
  for (const Case& c :
       {Case{"empty", 800, 0, 2000}, Case{"not the last, no multiple of 8", 800, 799, 2000},
        Case{"beyond the end", 1600, 401, 2000}, Case{"begins at the end", 2000, 8, 2000}, Case{"of one byte", 0, 1, 1},
        Case{"longer than any", 800, 800, message_bytes_max + 1}, Case{"longer than we take", 800, 800, 60'000}}) {
    SCOPED_TRACE(c.what);
    ++fragment_id;
    ASSERT_EQ(fragment(unreliable, 0, fragment_id, 0, 800, 2000, 50'000), Accepted::yes);
    EXPECT_EQ(fragment(unreliable, 0, fragment_id, c.offset, c.bytes, c.total, 50'000), Accepted::malformed);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U) << "its message is gone";
    EXPECT_EQ(fragment(unreliable, 0, fragment_id, 800, 800, 2000, 50'000), Accepted::no_room);
    EXPECT_EQ(pools.block.in_use_bytes(), 0U);
  }
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

/// One session's end of the channels, in a pool that others share.
struct Shared {
  explicit Shared(Pools& of) : pools(of), sink(of) { reliable.open(message_bytes_max); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { reliable.clear(pools); }

  Accepted fragment(wire::Channel channel, std::uint16_t id, const FragmentHeader& header, std::uint32_t bytes,
                    Nanos now) {
    Bytes datagram(2 + fragment_header_bytes + bytes, 1);
    base::ByteWriter out{datagram};
    if (channel != unreliable) out.write(id);
    write_fragment_header(out, header);
    datagram.resize(out.size() + bytes);
    return reliable.accept_fragment(pools, channel, base::ByteReader{datagram}, message_bytes_max, sink.receiver(),
                                    now);
  }

  Pools& pools;
  Sink sink;
  Reliable reliable;
};

/// Sessions that give their block back before its grace is over, and take one anew in the same burst: by a fragment
/// that contradicts the message, or by the end of a short one.
TEST(Hoarders, GiveNoBlockBackToTakeAnother) {
  struct Case {
    const char* what;
    std::uint32_t total, first, again_at, again;
  };
  for (const Case& c : {Case{"the same fragment again, large", message_bytes_max, 8, 0, 8},
                        Case{"the same fragment again, small", 1'000, 8, 0, 8},
                        Case{"an empty fragment", message_bytes_max, 8, 8, 0}, Case{"the rest", 16, 8, 8, 8}}) {
    SCOPED_TRACE(c.what);
    Pools pools{100, 48, 48};
    std::vector<std::unique_ptr<Shared>> hostile;
    for (int i = 0; i < 36; ++i) hostile.push_back(std::make_unique<Shared>(pools));
    std::uint16_t number = 0;
    Shared newcomer{pools};
    Nanos now = 100 * second;
    const auto ask = [&](std::uint16_t id) { return newcomer.fragment(ordered, id, {1, 0, c.total}, 8, now); };
    const auto begin = [&](Shared& one) {
      static_cast<void>(one.fragment(unreliable, 0, {number, 0, c.total}, c.first, now));
    };
    for (const auto& one : hostile) begin(*one);
    EXPECT_EQ(ask(0), Accepted::no_room);
    bool room = false;
    for (int turns = 0; turns < 20 && !room; ++turns) {
      now += 1'900 * millisecond;
      ++number;
      for (const auto& one : hostile) {
        const auto before = static_cast<std::uint16_t>(number - 1);
        const auto units = static_cast<std::uint16_t>(c.again_at / BlockPool::unit_bytes);
        static_cast<void>(one->fragment(unreliable, 0, {before, units, c.total}, c.again, now));
        begin(*one);
      }
      room = ask(0) == Accepted::yes;
    }
    EXPECT_TRUE(room);
  }
}

/// In proportion: who came slowly for a moment waits for a moment, and only while blocks are scarce.
TEST(Hoarders, ASlowMessageIsFollowedByAPauseWhileBlocksAreScarce) {
  Pools pools{100, 8, 0};
  Shared session{pools};
  Nanos now = 100 * second;
  const auto send = [&](std::uint16_t number, std::uint16_t units) {
    return session.fragment(unreliable, 0, {number, units, 16}, 8, now);
  };
  std::array<std::uint16_t, 5> others;
  for (auto& block : others) block = pools.block.acquire(1);
  EXPECT_EQ(send(1, 0), Accepted::yes);
  EXPECT_EQ(send(1, 1), Accepted::yes) << "at once: no slower than any";
  EXPECT_EQ(send(2, 0), Accepted::yes);
  now += second / 10;
  EXPECT_EQ(send(2, 1), Accepted::yes);
  now += 3 * second - 1;
  EXPECT_EQ(send(3, 0), Accepted::no_room);
  now += 1;
  EXPECT_EQ(send(4, 0), Accepted::yes);
  now += second / 10;
  EXPECT_EQ(send(4, 1), Accepted::yes);
  pools.block.release(others[0]);
  EXPECT_EQ(send(5, 0), Accepted::yes) << "half of them are free";
  EXPECT_EQ(session.sink.messages.size(), 3U);
  for (unsigned i = 1; i < others.size(); ++i) pools.block.release(others[i]);
}

/// A client that holds as many blocks as it gets, with as few bytes as keep them: 250 a second. When its session ends
/// it logs in again.
class Hoarder {
 public:
  Hoarder(Pools& pools, std::uint32_t bytes) : pools_(pools), bytes_(bytes) { log_in(); }

  void second_passes(Nanos now) {
    static_cast<void>(session_->reliable.sweep(pools_, now));
    if (session_->reliable.stalled()) log_in();
    for (std::uint16_t k = 0; k < 4; ++k) {
      const auto channel = k < 2 ? unreliable : k == 2 ? ordered : unordered;
      // On channel 0 another message when the one before has expired; on the others the next fragment.
      if (session_->fragment(channel, next_,
                             {static_cast<std::uint16_t>(channel == unreliable ? numbers_++ : 0),
                              static_cast<std::uint16_t>(channel == unreliable ? 0 : 32 * next_), bytes_},
                             256, now) == Accepted::yes &&
          k == 3)
        ++next_;
    }
  }

 private:
  void log_in() {
    session_.reset();
    session_ = std::make_unique<Shared>(pools_);
    next_ = 0;
  }

  Pools& pools_;
  const std::uint32_t bytes_;
  std::unique_ptr<Shared> session_;
  std::uint16_t next_ = 0, numbers_ = 0;
};

/// Two dozen, and hundreds: a message that comes at a pace gets its block, and what goes out always has one.
TEST(Hoarders, KeepLongMessagesOfOthersNeitherInNorOut) {
  constexpr Nanos tick = 10 * millisecond;
  for (const unsigned hoarders : {24U, 400U}) {
    for (const std::uint32_t bytes : {300'000U, 15'000U}) {
      SCOPED_TRACE(testing::Message() << hoarders << " hoarders, " << bytes << " bytes");
      Pools pools{1'000, 48, 48};
      std::vector<std::unique_ptr<Hoarder>> hostile;
      for (unsigned i = 0; i < hoarders; ++i) hostile.push_back(std::make_unique<Hoarder>(pools, bytes));
      Nanos now = 100 * second;
      const auto pass = [&] {  // each of them once a second
        for (std::size_t i = hoarders * ((now / tick) % 100) / 100; i < hoarders * ((now / tick) % 100 + 1) / 100; ++i)
          hostile[i]->second_passes(now);
        now += tick;
      };
      for (int i = 0; i < 6'000; ++i) pass();
      unsigned slow = 0;
      for (int messages = 0; messages < 20; ++messages) {
        Shared honest{pools};
        std::uint16_t next = 0;
        const unsigned fragments = Split::fragments_for(bytes);
        const Nanos began = now;
        for (int i = 0; i < 3'000 && next < fragments; ++i) {
          const std::uint32_t at = next * fragment_bytes_max;
          const FragmentHeader header{1, static_cast<std::uint16_t>(at / BlockPool::unit_bytes), bytes};
          next +=
              honest.fragment(ordered, next, header, std::min(fragment_bytes_max, bytes - at), now) == Accepted::yes;
          const std::uint16_t block = pools.block.acquire(bytes);
          ASSERT_NE(block, BlockPool::none) << "a message of ours";
          pools.block.release(block);
          pass();
        }
        EXPECT_EQ(honest.sink.messages.size(), 1U);
        EXPECT_FALSE(honest.reliable.stalled());
        slow += now - began > 5 * second;
      }
      EXPECT_EQ(slow, 0U) << "at a hundred fragments a second it takes three, and some until there is a block";
      EXPECT_GT(pools.block.take_evictions(), 0U);
    }
  }
}

/// While less than half is free a session has one at a time, and none after one that it let expire.
TEST(Hoarders, GetAShareWhileLittleIsFree) {
  Pools pools{10, 0, 8};
  Shared first{pools}, second_one{pools};
  const FragmentHeader header{1, 0, 100'000};
  Nanos now = second;
  for (const auto channel : {unreliable, ordered, unordered})
    EXPECT_EQ(first.fragment(channel, 0, header, 800, now), Accepted::yes) << "half is free";
  EXPECT_EQ(second_one.fragment(unreliable, 0, {1, 0, 100'000}, 800, now), Accepted::yes);
  EXPECT_EQ(second_one.fragment(unreliable, 0, {2, 0, 100'000}, 800, now), Accepted::yes) << "half was free";
  EXPECT_EQ(second_one.fragment(ordered, 0, header, 800, now), Accepted::no_room) << "it has its share";
  EXPECT_EQ(first.fragment(unreliable, 0, {2, 0, 100'000}, 800, now), Accepted::no_room);
  Shared third{pools};
  EXPECT_EQ(third.fragment(ordered, 0, header, 800, now), Accepted::yes) << "its first";
  now += Reliable::fragment_lifetime;
  EXPECT_EQ(second_one.reliable.sweep(pools, now), 2U);
  Shared fourth{pools};
  EXPECT_EQ(fourth.fragment(ordered, 0, header, 800, now), Accepted::yes);
  EXPECT_EQ(second_one.fragment(ordered, 0, header, 800, now), Accepted::no_room) << "last in line";
  EXPECT_EQ(second_one.fragment(ordered, 0, header, 800, now + Reliable::last_in_line), Accepted::yes);
}

}  // namespace
}  // namespace serried::channel
