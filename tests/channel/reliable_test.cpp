#include "channel/reliable.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "sink.h"

namespace serried::channel {
namespace {

using wire::Channel;
using Bytes = std::vector<std::uint8_t>;

/// Message `number` of a channel and direction: 6 bytes that name it, then noise; everything follows from the seed.
struct Script {
  std::uint64_t seed;
  bool with_giants;

  [[nodiscard]] Bytes message(unsigned side, Channel channel, std::uint32_t number) const {
    base::Prng random{base::mix(seed, side, static_cast<std::uint64_t>(channel), number)};
    const std::uint64_t kind = random.below(100);
    std::size_t bytes = 6 + random.below(120);
    if (kind >= 70) bytes = 6 + random.below(Reliable::whole_message_bytes_max - 5);
    if (kind >= 90 || channel == Channel::unreliable)
      bytes = Reliable::whole_message_bytes_max + 1 + random.below(40 * 1024 - Reliable::whole_message_bytes_max);
    if (kind >= 99 && with_giants) bytes = message_bytes_max - random.below(3);
    Bytes content(bytes);
    content[0] = 0xD0;
    content[1] = static_cast<std::uint8_t>(side << 4 | static_cast<unsigned>(channel));
    std::memcpy(&content[2], &number, sizeof number);
    for (std::size_t i = 6; i < bytes; i += 8) {
      const std::uint64_t noise = random.next();
      std::memcpy(&content[i], &noise, std::min<std::size_t>(sizeof noise, bytes - i));
    }
    return content;
  }
};

/// One end: its own pools, its own moods.
struct Side {
  Side(std::uint32_t chunks, std::uint16_t blocks) : pools(chunks, blocks, blocks), sink(pools) {}

  Pools pools;
  Reliable reliable;
  Sink sink;
  std::array<std::uint32_t, wire::channel_count> sent{};      ///< messages by channel
  std::array<std::uint32_t, wire::channel_count> received{};  ///< of the other side's
  std::set<std::uint32_t> unordered, unreliable;              ///< numbers of the other side's that came
  unsigned in_flight = 0;
};

struct Datagram {
  SentPacket packet;
  Channel channel{};
  bool fragment = false;
  bool accepted = false;
  Bytes body;
};

/// Two ends and a network that loses, delays, repeats, and lies about what it lost.
class Duel {
 public:
  explicit Duel(std::uint64_t seed)
      : random_(seed), script_{seed, seed % 8 == 0}, loss_(random_.unit() * 0.4), refusal_(random_.unit() * 0.6) {
    // One of the two can always join while it sends: were all blocks of both taken by what they send, neither could.
    sides_[0] = std::make_unique<Side>(static_cast<std::uint32_t>(30 + random_.below(400)), 6);
    sides_[1] = std::make_unique<Side>(static_cast<std::uint32_t>(30 + random_.below(400)),
                                       static_cast<std::uint16_t>(1 + random_.below(3)));
    for (auto& side : sides_) {
      side->reliable.open(message_bytes_max);
      side->sink.refuses = [this] { return random_.chance(refusal_); };
    }
  }

  void run() {
    const unsigned busy = script_.with_giants ? 400 : 200;
    for (unsigned i = 0; i < busy && !testing::Test::HasFailure(); ++i) step(true);
    loss_ = refusal_ = 0;
    for (unsigned i = 0; i < 20'000 && !settled() && !testing::Test::HasFailure(); ++i) step(false);
    ASSERT_TRUE(settled()) << "unacked " << sides_[0]->reliable.unacked_bytes() << " and "
                           << sides_[1]->reliable.unacked_bytes();
    now_ += Reliable::fragment_lifetime;
    for (unsigned s = 0; s < 2; ++s) {
      Side& side = *sides_[s];
      EXPECT_EQ(side.received[1], sides_[1 - s]->sent[1]);
      EXPECT_EQ(side.unordered.size(), sides_[1 - s]->sent[2]);
      EXPECT_LE(side.unreliable.size(), sides_[1 - s]->sent[0]);
      delivered += side.received[1] + side.unordered.size() + side.unreliable.size();
      static_cast<void>(side.reliable.sweep(side.pools, now_));
      EXPECT_FALSE(side.reliable.stalled());
      EXPECT_EQ(side.pools.chunk.in_use(), 0U);
      EXPECT_EQ(side.pools.block.in_use_bytes(), 0U);
      side.reliable.clear(side.pools);
    }
  }

  /// Cut off in the middle: everything comes back all the same.
  void run_and_clear() {
    for (unsigned i = 0; i < 60 && !testing::Test::HasFailure(); ++i) step(true);
    for (auto& side : sides_) {
      side->reliable.clear(side->pools);
      EXPECT_EQ(side->pools.chunk.in_use(), 0U);
      EXPECT_EQ(side->pools.block.in_use_bytes(), 0U);
      EXPECT_FALSE(side->reliable.is_open());
      EXPECT_EQ(side->reliable.due_at(), ~Nanos{0});
    }
  }

  std::uint64_t delivered = 0;

 private:
  [[nodiscard]] bool settled() const {
    return events_.empty() && std::all_of(sides_.begin(), sides_.end(), [](const auto& side) {
             return side->reliable.unacked_bytes() == 0 && side->reliable.due_at() == ~Nanos{0};
           });
  }

  void step(bool talk) {
    now_ += 5 * millisecond;
    while (!events_.empty() && events_.begin()->first <= now_) {
      const auto event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
    }
    for (unsigned s = 0; s < 2; ++s) {
      Side& side = *sides_[s];
      if (talk) speak(s);
      if (random_.chance(0.3)) side.reliable.flush();
      transmit(s);
      if (random_.chance(0.3)) static_cast<void>(side.reliable.hand_over(side.pools, side.sink.receiver(), now_));
      if (!talk) {
        EXPECT_TRUE(side.reliable.hand_over(side.pools, side.sink.receiver(), now_));
      }
      static_cast<void>(side.reliable.sweep(side.pools, now_));
      check(s);
    }
  }

  void speak(unsigned s) {
    Side& side = *sides_[s];
    for (std::uint64_t tries = random_.below(4); tries != 0; --tries) {
      const auto channel = random_.chance(0.03)  ? Channel::unreliable
                           : random_.chance(0.5) ? Channel::reliable_ordered
                                                 : Channel::reliable_unordered;
      auto& number = side.sent[static_cast<unsigned>(channel)];
      const Bytes message = script_.message(s, channel, number);
      const auto urgency = random_.chance(0.2) ? Urgency::immediate : Urgency::bundled;
      const Queued verdict = side.reliable.send(side.pools, channel, static_cast<message::Type>(message[0]),
                                                std::span{message}.subspan(1), urgency, now_);
      ASSERT_NE(verdict, Queued::too_long);
      if (verdict == Queued::yes) ++number;
    }
  }

  void transmit(unsigned s) {
    Side& side = *sides_[s];
    constexpr unsigned window = 40;
    while (side.in_flight < window) {
      const bool due = side.reliable.due_at() <= now_;
      if (!due && !random_.chance(0.1)) break;
      // The rest of another's datagram now and then, a whole one otherwise.
      const bool narrow = random_.chance(0.2);
      auto datagram = std::make_shared<Datagram>();
      datagram->body.resize(narrow ? random_.below(400) : wire::body_bytes_max - wire::ack_block_bytes_max);
      base::ByteWriter out{datagram->body};
      const auto composed = side.reliable.compose(side.pools, out, now_);
      ASSERT_TRUE(out.ok());
      ASSERT_EQ(composed.any(), out.size() != 0);
      if (!composed.any()) {
        ASSERT_TRUE(narrow || !due);
        if (!due) break;
        continue;
      }
      datagram->body.resize(out.size());
      datagram->packet = composed.packet;
      datagram->channel = composed.channel;
      datagram->fragment = composed.fragment;
      ASSERT_LE(composed.packet.count, Reliable::messages_per_datagram_max);
      post(s, datagram);
    }
  }

  void post(unsigned s, const std::shared_ptr<Datagram>& datagram) {
    if (!random_.chance(loss_)) {
      for (std::uint64_t copies = random_.chance(0.1) ? 2 : 1; copies != 0; --copies)
        at(20 + random_.below(random_.chance(0.1) ? 400 : 30), [this, s, datagram] { arrive(1 - s, *datagram); });
    }
    ++sides_[s]->in_flight;
    // A lost ack, or one that is late: the sender believes lost what has arrived, or will.
    const bool ack_lost = random_.chance(loss_ / 2);
    at(60 + random_.below(150), [this, s, datagram, ack_lost] {
      --sides_[s]->in_flight;
      sides_[s]->reliable.on_outcome(sides_[s]->pools, datagram->packet, datagram->accepted && !ack_lost);
    });
  }

  void arrive(unsigned s, Datagram& datagram) {
    Side& side = *sides_[s];
    const base::ByteReader body{datagram.body};
    const Receiver receiver = side.sink.receiver();
    const Accepted result =
        datagram.fragment
            ? side.reliable.accept_fragment(side.pools, datagram.channel, body, message_bytes_max, receiver, now_)
            : side.reliable.accept(side.pools, datagram.channel, body, receiver, now_);
    // The repeated ones of channel 0 would have fallen to the replay window: here they overlap.
    if (datagram.channel != Channel::unreliable) {
      ASSERT_NE(result, Accepted::malformed);
    }
    datagram.accepted |= result == Accepted::yes;
  }

  void check(unsigned s) {
    Side& side = *sides_[s];
    for (const Sink::Message& message : side.sink.messages) {
      std::uint32_t number = 0;
      ASSERT_GE(message.bytes.size(), 6U);
      std::memcpy(&number, &message.bytes[2], sizeof number);
      ASSERT_EQ(message.bytes, script_.message(1 - s, message.channel, number));
      ASSERT_EQ(message.joined, message.bytes.size() > Reliable::whole_message_bytes_max);
      switch (message.channel) {
        case Channel::unreliable:
          ASSERT_TRUE(side.unreliable.insert(number).second);
          break;
        case Channel::reliable_ordered:
          ASSERT_EQ(number, side.received[1]++);
          break;
        case Channel::reliable_unordered:
          ASSERT_TRUE(side.unordered.insert(number).second);
          break;
      }
    }
    side.sink.messages.clear();
    EXPECT_LE(side.pools.chunk.in_use(), std::min(side.pools.chunk.capacity(), 3 * Reliable::waiting_chunks_max));
    EXPECT_LE(side.reliable.unacked_bytes(), 2 * Reliable::unacked_bytes_max + message_bytes_max);
    EXPECT_FALSE(side.reliable.stalled());
  }

  void at(std::uint64_t in_ms, std::function<void()> what) {
    events_.emplace(now_ + in_ms * millisecond, std::move(what));
  }

  base::Prng random_;
  Script script_;
  double loss_, refusal_;
  Nanos now_ = second;
  std::array<std::unique_ptr<Side>, 2> sides_;
  std::multimap<Nanos, std::function<void()>> events_;
};

TEST(Reliable, EverythingArrivesOnceAndInOrderOverABadNetwork) {
  std::uint64_t delivered = 0;
  for (std::uint64_t seed = 1; seed <= 240 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Duel duel{seed};
    duel.run();
    delivered += duel.delivered;
  }
  EXPECT_GT(delivered, 20'000U);
}

TEST(Reliable, ClearGivesAllMemoryBackWhateverIsUnderWay) {
  for (std::uint64_t seed = 1; seed <= 100 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Duel{seed}.run_and_clear();
  }
}

TEST(Reliable, IsAllZeroWhenNew) {
  alignas(Reliable) std::array<std::uint8_t, sizeof(Reliable)> memory{};
  auto* reliable = new (memory.data()) Reliable;
  EXPECT_TRUE(std::all_of(memory.begin(), memory.end(), [](std::uint8_t byte) { return byte == 0; }));
  EXPECT_FALSE(reliable->is_open());
}

}  // namespace
}  // namespace serried::channel
