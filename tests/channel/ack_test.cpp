#include "channel/ack.h"

#include <array>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::channel {
namespace {

using Outcome = SentDatagrams::Outcome;
using Verdict = SentDatagrams::Verdict;

constexpr Nanos delay_max = 25 * millisecond;

struct Sender {
  SentDatagrams sent;
  std::array<Outcome, SentDatagrams::capacity> outcomes{};
  unsigned count = 0;

  std::uint64_t send(std::uint16_t tag, Nanos now = 0) {
    const std::uint64_t sequence = sent.next_sequence(false);
    sent.note(sequence, tag, true, now);
    return sequence;
  }
  Verdict ack(std::uint64_t largest, std::uint64_t mask, Nanos now = 0, Nanos delay = 0) {
    return sent.acknowledge({largest, delay, mask}, delay_max, now, outcomes.data(), count);
  }
};

TEST(AckBlock, RoundTripsAtEveryVarintLength) {
  for (unsigned bits = 0; bits < 63; ++bits) {
    const AckBlock block{std::uint64_t{1} << bits, 77 * ack_delay_unit, 0xA5A5'0000'FFFF'1234U};
    std::array<std::uint8_t, 20> bytes{};
    base::ByteWriter out{bytes};
    write_ack_block(out, block);
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(out.size(), ack_block_bytes(block));
    base::ByteReader in{out.written()};
    AckBlock read;
    ASSERT_TRUE(read_ack_block(in, read));
    EXPECT_TRUE(in.complete());
    EXPECT_EQ(read.largest, block.largest);
    EXPECT_EQ(read.delay, block.delay);
    EXPECT_EQ(read.mask, block.mask);
    for (std::size_t cut = 0; cut < out.size(); ++cut) {
      base::ByteReader half{out.written().first(cut)};
      EXPECT_FALSE(read_ack_block(half, read)) << "cut at " << cut;
    }
  }
}

TEST(AckBlock, LargestZeroIsRefused) {
  const std::array<std::uint8_t, 11> bytes{};
  base::ByteReader in{bytes};
  AckBlock read;
  EXPECT_FALSE(read_ack_block(in, read));
}

TEST(AckBlock, DelayBeyondItsFieldSaturates) {
  std::array<std::uint8_t, 20> bytes{};
  base::ByteWriter out{bytes};
  write_ack_block(out, {1, 3600 * second, 0});
  base::ByteReader in{out.written()};
  AckBlock read;
  ASSERT_TRUE(read_ack_block(in, read));
  EXPECT_EQ(read.delay, 0xFFFF * ack_delay_unit);
}

TEST(ReceivedDatagrams, ReportsWhatANaiveModelSays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    ReceivedDatagrams received;
    std::set<std::uint64_t> model;
    std::uint64_t front = 1;
    for (int i = 0; i < 500; ++i) {
      front += random.below(random.chance(0.02) ? 200 : 3);
      const std::uint64_t back = random.below(80);
      const std::uint64_t sequence = front > back ? front - back : 1;
      if (!model.insert(sequence).second) continue;
      received.note(sequence, true, 0);
      const AckBlock block = received.report(0);
      const std::uint64_t largest = *model.rbegin();
      ASSERT_EQ(block.largest, largest);
      for (std::uint64_t bit = 0; bit < 64; ++bit) {
        const bool expected = largest > bit + 1 && model.contains(largest - 1 - bit);
        ASSERT_EQ((block.mask >> bit & 1) != 0, expected) << "bit " << bit << " behind " << largest;
      }
    }
  }
}

TEST(ReceivedDatagrams, DueByTimeOrCountAndNeverForAckOnlyDatagrams) {
  ReceivedDatagrams received;
  received.note(1, false, 100);
  EXPECT_FALSE(received.pending());
  EXPECT_EQ(received.due_at(delay_max), ~Nanos{0});
  received.note(2, true, 200);
  EXPECT_TRUE(received.pending());
  EXPECT_FALSE(received.due(200 + delay_max - 1, delay_max));
  EXPECT_TRUE(received.due(200 + delay_max, delay_max));
  EXPECT_EQ(received.due_at(delay_max), 200 + delay_max);
  for (std::uint64_t s = 3; s < 34; ++s) received.note(s, true, 200);
  EXPECT_TRUE(received.due(200, delay_max)) << "32 unreported";
  EXPECT_EQ(received.report(1'000).delay, 800U);
  EXPECT_FALSE(received.pending());
}

TEST(SentDatagrams, AckedInOrderOfSendingAndOnce) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= 5; ++tag) sender.send(tag);
  ASSERT_EQ(sender.ack(5, 0b1111), Verdict::ok);
  ASSERT_EQ(sender.count, 5U);
  for (unsigned i = 0; i < 5; ++i) {
    EXPECT_EQ(sender.outcomes[i].tag, i + 1);
    EXPECT_TRUE(sender.outcomes[i].acked);
  }
  ASSERT_EQ(sender.ack(5, 0b1111), Verdict::ok);
  EXPECT_EQ(sender.count, 0U) << "a repeated block tells nothing new";
}

TEST(SentDatagrams, LostWhenThreeLaterOnesAreAcked) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= 5; ++tag) sender.send(tag);
  ASSERT_EQ(sender.ack(3, 0), Verdict::ok);
  ASSERT_EQ(sender.count, 1U) << "1 and 2 may still be on their way";
  ASSERT_EQ(sender.ack(4, 0b1), Verdict::ok);
  ASSERT_EQ(sender.count, 2U);
  EXPECT_EQ(sender.outcomes[0].tag, 4);
  EXPECT_TRUE(sender.outcomes[0].acked);
  EXPECT_EQ(sender.outcomes[1].tag, 1);
  EXPECT_FALSE(sender.outcomes[1].acked);
  ASSERT_EQ(sender.ack(4, 0b111), Verdict::ok);
  ASSERT_EQ(sender.count, 1U) << "2 is acked late; 1 was given up and stays so";
  EXPECT_EQ(sender.outcomes[0].tag, 2);
}

TEST(SentDatagrams, RefusesLies) {
  Sender sender;
  sender.send(1);
  sender.send(2);
  EXPECT_EQ(sender.ack(3, 0), Verdict::lie) << "never sent";
  EXPECT_EQ(sender.ack(2, 0b10), Verdict::lie) << "sequence 0";
  EXPECT_EQ(sender.ack(2, 0b1), Verdict::ok);
  const std::uint64_t skipping = sender.sent.next_sequence(true);
  sender.sent.note(skipping, 3, true, 0);
  ASSERT_EQ(skipping, 4U);
  EXPECT_EQ(sender.ack(3, 0), Verdict::lie) << "the number left out";
  EXPECT_EQ(sender.ack(4, 0b1), Verdict::lie) << "the number left out, in the mask";
  EXPECT_EQ(sender.ack(4, 0b110), Verdict::ok);
}

TEST(SentDatagrams, RoundTripTakesOffTheReportedDelayUpToTheLimit) {
  Sender sender;
  const std::uint64_t first = sender.send(0, 10 * millisecond);
  ASSERT_EQ(sender.ack(first, 0, 60 * millisecond, 10 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 40 * millisecond);
  Sender other;
  const std::uint64_t second_one = other.send(0, 0);
  ASSERT_EQ(other.ack(second_one, 0, 100 * millisecond, 90 * millisecond), Verdict::ok);
  EXPECT_EQ(other.sent.round_trip().smoothed(), 75 * millisecond) << "a delay above 25 ms is not believed";
}

TEST(RoundTrip, FollowsRfc6298) {
  RoundTrip rtt;
  EXPECT_FALSE(rtt.known());
  EXPECT_EQ(rtt.timeout(), 250 * millisecond);
  rtt.sample(100 * millisecond);
  EXPECT_EQ(rtt.smoothed(), 100 * millisecond);
  EXPECT_EQ(rtt.timeout(), 300 * millisecond);  // SRTT + 4 * SRTT / 2
  rtt.sample(200 * millisecond);
  EXPECT_EQ(rtt.smoothed(), (7 * 100 * millisecond + 200 * millisecond) / 8);
  EXPECT_EQ(rtt.timeout(), rtt.smoothed() + 4 * ((3 * 50 * millisecond + 100 * millisecond) / 4));
  for (int i = 0; i < 100; ++i) rtt.sample(1 * microsecond);
  EXPECT_EQ(rtt.timeout(), 10 * millisecond) << "never below 10 ms";
}

/// Both ends over a wire that loses and reorders: every tag has at most one outcome, acked only what arrived, and
/// nothing that is acked was lost on the way.
TEST(Acks, EveryTagHasOneTrueOutcomeOverABadWire) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    Sender sender;
    ReceivedDatagrams receiver;
    std::multimap<Nanos, std::uint64_t> wire;
    std::map<std::uint16_t, bool> arrived;
    std::map<std::uint64_t, std::uint16_t> tag_of;
    std::map<std::uint16_t, Outcome> settled;
    for (Nanos now = 0; now < 3'000; ++now) {
      const bool skip = random.chance(0.01);
      const std::uint64_t sequence = sender.sent.next_sequence(skip);
      const auto tag = static_cast<std::uint16_t>(now + 1);
      sender.sent.note(sequence, tag, true, now);
      tag_of[sequence] = tag;
      if (!random.chance(0.2)) wire.emplace(now + random.below(40), sequence);
      while (!wire.empty() && wire.begin()->first <= now) {
        receiver.note(wire.begin()->second, true, now);
        arrived[tag_of[wire.begin()->second]] = true;
        wire.erase(wire.begin());
      }
      if (!receiver.pending() || !random.chance(0.3)) continue;
      const AckBlock block = receiver.report(now);
      ASSERT_EQ(sender.sent.acknowledge(block, delay_max, now, sender.outcomes.data(), sender.count), Verdict::ok);
      for (unsigned i = 0; i < sender.count; ++i) {
        const Outcome& outcome = sender.outcomes[i];
        ASSERT_TRUE(settled.emplace(outcome.tag, outcome).second) << "tag " << outcome.tag << " twice";
        if (outcome.acked) {
          ASSERT_TRUE(arrived.contains(outcome.tag));
        }
      }
    }
    EXPECT_GT(settled.size(), 2'000U);
  }
}

TEST(RoundTrip, APeerThatHoldsItsAckBackDoesNotStretchEveryTimeout) {
  RoundTrip held;
  held.sample(3'600 * second);
  EXPECT_EQ(held.smoothed(), RoundTrip::sample_max);
  EXPECT_LE(held.timeout(), 3 * RoundTrip::sample_max);
}

}  // namespace
}  // namespace serried::channel
