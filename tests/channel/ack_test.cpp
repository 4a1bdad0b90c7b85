#include "channel/ack.h"

#include <algorithm>
#include <array>
#include <iterator>
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
constexpr Nanos kept_delay = (delay_max + ack_delay_unit - 1) / ack_delay_unit * ack_delay_unit;
constexpr Nanos first_timeout = 250 * millisecond;
constexpr Nanos unit = 16 * microsecond;  // what the queue keeps of times: with multiples of it results are exact

struct Sender {
  SentDatagrams sent;
  std::array<Outcome, SentDatagrams::capacity> outcomes{};
  AckResult result;

  std::uint64_t send(std::uint16_t tag, Nanos now = 0, PayloadKind payload = PayloadKind::plan,
                     std::uint16_t bytes = 100) {
    const std::uint64_t sequence = sent.next_sequence(false);
    EXPECT_EQ(sent.note(sequence, {payload, 3, tag}, bytes, now).payload, PayloadKind::none) << "there is room";
    return sequence;
  }
  Verdict ack(std::uint64_t largest, std::uint64_t mask, Nanos now = 0, Nanos delay = 0) {
    return sent.acknowledge({largest, delay, mask}, delay_max, now, outcomes.data(), result);
  }
  void expire(Nanos now) { sent.expire(now, outcomes.data(), result); }
  /// The tags of what was acked, or lost, by the last call.
  [[nodiscard]] std::vector<std::uint16_t> tags(bool acked) const {
    std::vector<std::uint16_t> of;
    for (unsigned i = 0; i < result.outcomes; ++i)
      if (outcomes[i].acked == acked) of.push_back(outcomes[i].packet.tag);
    return of;
  }
};
using Tags = std::vector<std::uint16_t>;

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
      received.note(sequence, AckPolicy::soon, 0);
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
  received.note(1, AckPolicy::none, 100);
  EXPECT_FALSE(received.pending());
  EXPECT_EQ(received.due_at(delay_max), ~Nanos{0});
  received.note(2, AckPolicy::soon, 200);
  EXPECT_TRUE(received.pending());
  EXPECT_FALSE(received.due(200 + delay_max - 1, delay_max));
  EXPECT_TRUE(received.due(200 + delay_max, delay_max));
  EXPECT_EQ(received.due_at(delay_max), 200 + delay_max);
  for (std::uint64_t s = 3; s < 34; ++s) received.note(s, AckPolicy::soon, 200);
  EXPECT_TRUE(received.due(200, delay_max)) << "32 unreported";
  EXPECT_EQ(received.due_at(delay_max), 0U);
  EXPECT_EQ(received.report(1'000).delay, 800U);
  EXPECT_FALSE(received.pending());
}

TEST(ReceivedDatagrams, DatagramsWithoutAckRequestAreReportedAndDueAfterThirtyTwo) {
  ReceivedDatagrams received;
  for (std::uint64_t s = 1; s < 32; ++s) {
    received.note(s, AckPolicy::whenever, 100);
    EXPECT_TRUE(received.pending());
    EXPECT_EQ(received.due_at(delay_max), ~Nanos{0});
  }
  received.note(32, AckPolicy::whenever, 100);
  EXPECT_EQ(received.due_at(delay_max), 0U);
  EXPECT_EQ(received.report(200).mask, (std::uint64_t{1} << 31) - 1);
  received.note(33, AckPolicy::whenever, 300);
  received.note(34, AckPolicy::soon, 400);
  EXPECT_EQ(received.due_at(delay_max), 400 + delay_max) << "from the one that is wanted, not from the one before it";
  static_cast<void>(received.report(500));
  received.note(35, AckPolicy::whenever, 600);
  EXPECT_EQ(received.due_at(delay_max), ~Nanos{0}) << "a report settles all";
}

TEST(ReceivedDatagrams, TheSecondReliableDatagramIsDueAtOnce) {
  ReceivedDatagrams received;
  received.note(1, AckPolicy::reliable, 100);
  received.note(2, AckPolicy::soon, 100);
  EXPECT_FALSE(received.due(100, delay_max)) << "one reliable waits like any";
  received.note(3, AckPolicy::reliable, 100);
  EXPECT_TRUE(received.due(100, delay_max));
  EXPECT_EQ(received.due_at(delay_max), 0U);
  static_cast<void>(received.report(100));
  EXPECT_FALSE(received.due(100 + delay_max, delay_max));
  received.note(4, AckPolicy::reliable, 200);
  EXPECT_FALSE(received.due(200, delay_max)) << "the count begins anew with each report";
}

TEST(SentDatagrams, AckedInOrderOfSendingAndOnceWithWhatTheyCarried) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= 5; ++tag) sender.send(tag, 0, PayloadKind::ordered);
  EXPECT_EQ(sender.sent.bytes_in_flight(), 500U);
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 5U);
  ASSERT_EQ(sender.ack(5, 0b1111), Verdict::ok);
  EXPECT_EQ(sender.tags(true), (Tags{1, 2, 3, 4, 5}));
  EXPECT_EQ(sender.outcomes[0].packet.payload, PayloadKind::ordered);
  EXPECT_EQ(sender.outcomes[0].packet.count, 3U);
  EXPECT_EQ(sender.result.acked_bytes, 500U);
  EXPECT_EQ(sender.result.newest_acked, 5U);
  EXPECT_EQ(sender.result.newest_lost, 0U);
  EXPECT_EQ(sender.sent.bytes_in_flight(), 0U);
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 0U);
  ASSERT_EQ(sender.ack(5, 0b1111), Verdict::ok);
  EXPECT_EQ(sender.result.outcomes + sender.result.newest_acked, 0U) << "a repeated block tells nothing new";
}

TEST(SentDatagrams, EveryFieldComesBackAtItsLargest) {
  Sender sender;
  const std::uint64_t sequence = sender.sent.next_sequence(false);
  static_cast<void>(sender.sent.note(sequence, {PayloadKind::unordered, 31, 0xFFFF}, 1200, 0));
  ASSERT_EQ(sender.ack(sequence, 0), Verdict::ok);
  ASSERT_EQ(sender.result.outcomes, 1U);
  EXPECT_EQ(sender.outcomes[0].packet.payload, PayloadKind::unordered);
  EXPECT_EQ(sender.outcomes[0].packet.count, 31U);
  EXPECT_EQ(sender.outcomes[0].packet.tag, 0xFFFFU);
  EXPECT_EQ(sender.result.acked_bytes, 1200U);
}

TEST(SentDatagrams, LostWhenThreeLaterOnesAreAcked) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= 5; ++tag) sender.send(tag);
  ASSERT_EQ(sender.ack(3, 0), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{3});
  EXPECT_EQ(sender.tags(false), Tags{}) << "1 and 2 may still be on their way";
  ASSERT_EQ(sender.ack(4, 0b1), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{4});
  EXPECT_EQ(sender.tags(false), Tags{1});
  EXPECT_EQ(sender.result.lost_bytes, 100U);
  EXPECT_EQ(sender.result.newest_lost, 1U);
  ASSERT_EQ(sender.ack(4, 0b111), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{2}) << "2 is acked late; 1 was given up and stays so";
  EXPECT_EQ(sender.result.newest_lost, 0U);
}

TEST(SentDatagrams, RefusesLiesAndIsLeftAsItWas) {
  Sender sender;
  sender.send(1);
  sender.send(2);
  EXPECT_EQ(sender.ack(3, 0b11), Verdict::lie) << "never sent";
  EXPECT_EQ(sender.ack(2, 0b10), Verdict::lie) << "sequence 0";
  EXPECT_EQ(sender.result.outcomes, 0U);
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 2U);
  EXPECT_EQ(sender.ack(2, 0b1), Verdict::ok);
  EXPECT_EQ(sender.tags(true), (Tags{1, 2}));
  const std::uint64_t skipping = sender.sent.next_sequence(true);
  static_cast<void>(sender.sent.note(skipping, {PayloadKind::plan, 0, 3}, 100, 0));
  ASSERT_EQ(skipping, 4U);
  EXPECT_EQ(sender.ack(3, 0), Verdict::lie) << "the number left out";
  EXPECT_EQ(sender.ack(4, 0b1), Verdict::lie) << "the number left out, in the mask";
  EXPECT_EQ(sender.ack(4, 0b110), Verdict::ok);
  while (sender.sent.last_sequence() < 3 + 65) sender.send(9);
  EXPECT_EQ(sender.ack(3 + 64, std::uint64_t{1} << 63), Verdict::lie) << "in the mask's last bit";
  EXPECT_EQ(sender.ack(3 + 65, std::uint64_t{1} << 63), Verdict::ok) << "4 is behind that bit now";
}

TEST(SentDatagrams, AckOnlyDatagramsTakeNoPlaceAndInputsNoneInTheWindow) {
  Sender sender;
  sender.send(1, 0, PayloadKind::none, 0);
  EXPECT_EQ(sender.sent.timeout_at(), ~Nanos{0}) << "no ack is awaited";
  const std::uint64_t input = sender.send(2, 0, PayloadKind::input);
  EXPECT_EQ(sender.sent.bytes_in_flight() + sender.sent.datagrams_in_flight(), 0U);
  EXPECT_EQ(sender.sent.timeout_at(), first_timeout) << "but its loss tells of the path";
  ASSERT_EQ(sender.ack(input, 0b1, 40 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.result.outcomes + sender.result.acked_bytes, 0U);
  EXPECT_EQ(sender.result.newest_acked, input);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 40 * millisecond);
  EXPECT_EQ(sender.sent.timeout_at(), ~Nanos{0});
  sender.send(3, 0, PayloadKind::none);
  EXPECT_EQ(sender.sent.bytes_in_flight(), 100U) << "a Ping obeys the window";
  ASSERT_EQ(sender.ack(3, 0), Verdict::ok);
  EXPECT_EQ(sender.result.outcomes, 0U) << "and nothing waits for it";
  EXPECT_EQ(sender.result.acked_bytes, 100U);
}

TEST(SentDatagrams, TheOldestMakesRoomAndIsLost) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= SentDatagrams::capacity; ++tag)
    sender.send(tag, tag * second, tag == 2 ? PayloadKind::input : PayloadKind::ordered);
  const auto push = [&] { return sender.sent.note(sender.sent.next_sequence(false), {}, 10, 200 * second); };
  const SentPacket evicted = push();
  EXPECT_EQ(evicted.payload, PayloadKind::ordered);
  EXPECT_EQ(evicted.count, 3U);
  EXPECT_EQ(evicted.tag, 1U);
  EXPECT_EQ(sender.sent.timeout_at(), 2 * second + first_timeout) << "the next is the oldest";
  EXPECT_EQ(push().payload, PayloadKind::none) << "nothing waits for an input";
  EXPECT_EQ(sender.sent.datagrams_in_flight(), SentDatagrams::capacity);
  EXPECT_EQ(sender.sent.bytes_in_flight(), (SentDatagrams::capacity - 2) * 100 + 2 * 10);
  EXPECT_EQ(push().tag, 3U);
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

TEST(SentDatagrams, OnlyTheLargestOfABlockIsASample) {
  Sender sender;
  sender.send(1, 0);
  sender.send(2, 80 * millisecond);
  ASSERT_EQ(sender.ack(2, 0b1, 120 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 40 * millisecond);
  sender.send(3, 200 * millisecond);
  sender.send(0, 200 * millisecond, PayloadKind::none, 0);
  ASSERT_EQ(sender.ack(4, 0b1, 900 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{3});
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 40 * millisecond) << "an ack-only datagram did not ask for the ack";
}

TEST(SentDatagrams, RoundTripIsRightAcrossTheWrapOfTheKeptTimes) {
  constexpr Nanos wrap = (std::uint64_t{1} << 27) * unit;
  Sender sender;
  sender.send(1, wrap - 10 * millisecond);
  sender.send(2, wrap + 10 * millisecond);
  ASSERT_EQ(sender.ack(1, 0, wrap + 40 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 50 * millisecond);
  const Nanos timeout = sender.sent.timeout_at() - (wrap + 10 * millisecond);
  EXPECT_EQ(timeout / millisecond, 175U) << "50 + 4 * 25 + 25 ms after the second one";
}

TEST(SentDatagrams, TimeoutsDoubleUpToThreeSecondsAndAnAckMakesThemPlain) {
  Sender sender;
  Nanos now = second;
  for (std::uint16_t n = 0; n < 6; ++n) {
    sender.send(n, now);
    const Nanos expected = std::min(first_timeout << n, 3 * second);
    EXPECT_EQ(sender.sent.expirations(), n);
    ASSERT_EQ(sender.sent.timeout_at(), now + expected);
    now += expected;
    sender.expire(now);
    EXPECT_EQ(sender.tags(false), Tags{n});
    EXPECT_EQ(sender.result.lost_bytes, 100U);
    EXPECT_EQ(sender.result.newest_lost, n + 1U);
    EXPECT_EQ(sender.sent.timeout_at(), ~Nanos{0}) << "nothing is in flight";
  }
  sender.send(7, now);
  ASSERT_EQ(sender.ack(7, 0, now + 100 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.sent.expirations(), 0U);
  sender.send(8, now);
  EXPECT_EQ(sender.sent.timeout_at(), now + 300 * millisecond + kept_delay) << "RFC 6298 and the ack delay";
}

TEST(SentDatagrams, ATimeoutIsAtMostTwoRoundTripsWhenTheseAreLong) {
  Sender sender;
  sender.send(1, 0);
  ASSERT_EQ(sender.ack(1, 0, 5 * second), Verdict::ok);
  sender.send(2, 5 * second);
  EXPECT_EQ(sender.sent.timeout_at(), 15 * second);
  sender.expire(15 * second);
  sender.send(3, 15 * second);
  EXPECT_EQ(sender.sent.timeout_at(), 25 * second);
}

TEST(SentDatagrams, AnExpiryTakesDatagramsOlderThanTheTimeoutAndRestartsTheTimer) {
  Sender sender;
  sender.send(1, 0);
  sender.send(2, 100 * millisecond);
  sender.expire(first_timeout);
  EXPECT_EQ(sender.tags(false), Tags{1});
  EXPECT_EQ(sender.sent.timeout_at(), first_timeout + 2 * first_timeout) << "from the expiry, not from 2";
  sender.send(3, 500 * millisecond);
  sender.send(4, 501 * millisecond);
  sender.expire(750 * millisecond);
  EXPECT_EQ(sender.tags(false), (Tags{2, 3})) << "3 is 250 ms old, younger than the doubled timeout";
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 1U);
}

TEST(SentDatagrams, ALateAckOfAnExpiredDatagramGivesOnlyARoundTrip) {
  Sender sender;
  sender.send(1, 0);
  sender.expire(first_timeout);
  sender.send(2, 400 * millisecond);
  ASSERT_EQ(sender.ack(1, 0, second), Verdict::ok);
  EXPECT_EQ(sender.result.outcomes + sender.result.acked_bytes + sender.result.newest_acked, 0U);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), second);
  EXPECT_EQ(sender.sent.expirations(), 1U) << "it was no longer in flight";
  ASSERT_EQ(sender.ack(1, 0, 9 * second), Verdict::ok);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), second) << "once";
  ASSERT_EQ(sender.ack(2, 0b1, 1400 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{2});
  EXPECT_EQ(sender.sent.expirations(), 0U);
}

TEST(SentDatagrams, ATimeoutWasTooEarlyWhenWhatItDeclaredLostIsAckedAndNoneOfItIsMissing) {
  for (const bool one_is_missing : {false, true}) {
    Sender sender;
    for (std::uint16_t tag = 1; tag <= 3; ++tag) sender.send(tag, 0);
    sender.expire(first_timeout);
    EXPECT_FALSE(sender.result.too_early);
    for (std::uint16_t tag = 4; tag <= 6; ++tag) sender.send(tag, first_timeout);
    ASSERT_EQ(sender.ack(6, one_is_missing ? 0b10111 : 0b11111, 2 * first_timeout), Verdict::ok);
    EXPECT_EQ(sender.tags(true).size(), 3U);
    EXPECT_NE(sender.result.too_early, one_is_missing);
    ASSERT_EQ(sender.ack(6, 0b11111, 2 * first_timeout), Verdict::ok);
    EXPECT_FALSE(sender.result.too_early) << "once";
  }
}

/// An ack that is late for another reason than the path: the other side looks once a frame.
TEST(SentDatagrams, TimeoutsAllowForAcksThatAreLate) {
  const auto timeout_after = [](bool unbroken, PayloadKind payload) {
    Sender sender;
    sender.send(1, 0);
    EXPECT_EQ(sender.ack(1, 0, 2 * millisecond), Verdict::ok);
    for (int i = 0; i < 30; ++i) {  // the variation is down
      sender.send(1, second);
      EXPECT_EQ(sender.ack(sender.sent.last_sequence(), 0, second + 2 * millisecond), Verdict::ok);
    }
    sender.send(2, 2 * second, payload);
    sender.send(3, 2 * second + 60 * millisecond);
    const AckBlock block{sender.sent.last_sequence(), 0, 1};
    const Nanos now = 2 * second + 62 * millisecond;
    EXPECT_EQ(sender.sent.acknowledge(block, delay_max, now, sender.outcomes.data(), sender.result), Verdict::ok);
    if (unbroken && sender.result.late != 0) sender.sent.note_late(sender.result.late, now);
    sender.send(4, 3 * second);
    return sender.sent.timeout_at() - 3 * second;
  };
  const Nanos plain = 10 * millisecond + kept_delay;
  EXPECT_EQ(timeout_after(false, PayloadKind::plan), plain) << "the ack of 2 may have been lost";
  EXPECT_EQ(timeout_after(true, PayloadKind::input), plain) << "inputs are acked when there is something to say";
  const Nanos late = 60 * millisecond - kept_delay;
  EXPECT_GE(timeout_after(true, PayloadKind::plan), 2 * millisecond + kept_delay + late * 5 / 4);
  EXPECT_LE(timeout_after(true, PayloadKind::plan), 3 * millisecond + kept_delay + late * 5 / 4);
}

TEST(AckLateness, IsTheLongestOfTheLastTenToTwentySeconds) {
  AckLateness lateness;
  EXPECT_EQ(lateness.allowance(), 0U);
  const Nanos began = 70'000 * second;  // its clock laps after 70,368 s
  for (Nanos now = began; now < began + 1'000 * second; now += second / 10)
    lateness.note(now < began + 5 * second ? 64 * millisecond : 0, now);
  EXPECT_EQ(lateness.allowance(), 0U);
  lateness.note(64 * millisecond, began + 1'000 * second);
  EXPECT_EQ(lateness.allowance(), 80 * millisecond);
  for (Nanos now = began + 1'000 * second; now < began + 1'009 * second; now += second / 10) {
    lateness.note(millisecond, now);
    EXPECT_EQ(lateness.allowance(), 80 * millisecond) << (now - began) / second;
  }
  for (Nanos now = began + 1'009 * second; now < began + 1'025 * second; now += second / 10)
    lateness.note(millisecond, now);
  EXPECT_LE(lateness.allowance(), 2 * millisecond);
  lateness.note(3'600 * second, began + 1'025 * second);
  EXPECT_LE(lateness.allowance(), AckLateness::most * 5 / 4 + millisecond) << "an outage";
}

TEST(SentDatagrams, ExpiredDatagramsMakeRoomUnreported) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= SentDatagrams::capacity; ++tag) sender.send(tag, 0);
  sender.expire(first_timeout);
  EXPECT_EQ(sender.result.outcomes, SentDatagrams::capacity);
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 0U);
  EXPECT_EQ(sender.sent.bytes_in_flight(), 0U);
  sender.send(200, second);  // expects that nothing is said to have made room
  EXPECT_EQ(sender.sent.datagrams_in_flight(), 1U);
  ASSERT_EQ(sender.ack(SentDatagrams::capacity + 1, ~std::uint64_t{0}, second), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{200});
}

TEST(SentDatagrams, TheOldestThatExpiredIsASampleThoughTheQueueCoversLessThanARoundTrip) {
  Sender sender;
  for (std::uint16_t tag = 1; tag <= SentDatagrams::capacity; ++tag) sender.send(tag, tag * millisecond);
  sender.expire(second);
  for (std::uint16_t tag = 200; tag < 264; ++tag) sender.send(tag, second);
  ASSERT_EQ(sender.ack(2, 0b1, 5 * second + millisecond), Verdict::ok);
  EXPECT_EQ(sender.result.outcomes, 0U);
  EXPECT_EQ(sender.sent.round_trip().smoothed(), 5 * second) << "of 1, though 2 was the largest, and is forgotten";
}

TEST(SentDatagrams, WhatExpiredIsNoSampleWhenSomethingInFlightIsAcked) {
  Sender sender;
  sender.send(1, 0);
  sender.expire(second);
  sender.send(2, 8 * second);
  sender.send(0, 8 * second, PayloadKind::none, 0);
  ASSERT_EQ(sender.ack(3, 0b11, 8 * second + 50 * millisecond), Verdict::ok);
  EXPECT_EQ(sender.tags(true), Tags{2});
  EXPECT_FALSE(sender.sent.round_trip().known()) << "the ack of 1 was lost, not slow";
}

TEST(SentDatagrams, AnotherPathBeginsWithTheFirstTimeout) {
  Sender sender;
  sender.send(1, 0);
  ASSERT_EQ(sender.ack(1, 0, 5 * second), Verdict::ok);
  sender.sent.forget_round_trip();
  sender.send(2, 6 * second);
  EXPECT_EQ(sender.sent.timeout_at(), 6 * second + first_timeout);
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

/// What the queue must do, said with a map and without thrift.
template <class Sent>
class Model {
 public:
  struct Flying {
    SentPacket packet;
    std::uint16_t bytes;
    Nanos sent;
    enum { in_flight, expired, settled } state = in_flight;
  };
  struct Told {
    std::vector<std::pair<std::uint16_t, bool>> outcomes;
    std::uint32_t acked_bytes = 0, lost_bytes = 0;
    std::uint64_t newest_acked = 0, newest_lost = 0;
    bool too_early = false;
  };

  static bool waited_for(PayloadKind payload) { return payload != PayloadKind::none && payload != PayloadKind::input; }

  /// The tag of what is evicted; 0: none.
  std::uint16_t note(std::uint64_t sequence, const SentPacket& packet, std::uint16_t bytes, Nanos now) {
    std::uint16_t evicted = 0;
    if (bytes == 0) return evicted;
    if (all_.size() == Sent::capacity) {
      const auto [first, second_one] = std::pair{all_.begin(), std::next(all_.begin())};
      const Flying& oldest = first->second;
      if (oldest.state == Flying::in_flight && waited_for(oldest.packet.payload)) evicted = oldest.packet.tag;
      const bool keeps = oldest.state == Flying::expired && second_one->second.state != Flying::in_flight;
      all_.erase(keeps ? second_one : first);
      forget_settled();
    }
    all_.emplace(sequence, Flying{packet, bytes, now});
    return evicted;
  }
  Told acknowledge(const AckBlock& block, bool unbroken, Nanos now) {
    Told told;
    std::set<std::uint64_t> reported{block.largest};
    for (std::uint64_t bit = 0; bit < 64; ++bit)
      if ((block.mask >> bit & 1) != 0) reported.insert(block.largest - 1 - bit);
    largest_ = std::max(largest_, block.largest);
    Nanos largest_sent = 0, late_sent = 0, oldest_sent = 0;
    bool late = false, missing = false;
    for (auto& [sequence, one] : all_) {
      const bool acked = reported.contains(sequence);
      if (one.state == Flying::settled || (!acked && sequence + 3 > largest_)) continue;
      if (sequence == block.largest) largest_sent = one.sent;
      const bool counts = one.state == Flying::expired && one.packet.payload != PayloadKind::input;
      if (acked && one.state == Flying::expired) late_sent = one.sent;
      if (acked && counts) late = true;
      if (!acked && counts) missing = true;
      if (acked && oldest_sent == 0 && one.packet.payload != PayloadKind::input) oldest_sent = one.sent;
      if (one.state == Flying::in_flight) tell(told, sequence, one, acked);
      one.state = Flying::settled;
    }
    if (told.newest_acked != 0) expirations_ = 0;
    told.too_early = late && !missing;
    if (largest_sent == 0 && told.newest_acked == 0) largest_sent = late_sent;
    if (largest_sent != 0) {
      const Nanos elapsed = now - largest_sent;
      round_trip_.sample(elapsed - std::min({elapsed, block.delay, delay_max}));
    }
    if (oldest_sent != 0 && unbroken && round_trip_.known()) {
      const Nanos waited = now - oldest_sent, expected = round_trip_.smoothed() + kept_delay;
      lateness_.note(std::max(waited, expected) - expected, now);  // of 0 too, which forgets what is long ago
    } else if (oldest_sent != 0 && round_trip_.known()) {
      lateness_.note(0, now);
    }
    forget_settled();
    return told;
  }
  Told expire(Nanos now) {
    Told told;
    for (auto& [sequence, one] : all_) {
      if (one.state != Flying::in_flight || now - one.sent < timeout(0)) continue;
      tell(told, sequence, one, false);
      one.state = Flying::expired;
    }
    expired_at_ = now;
    ++expirations_;
    return told;
  }
  [[nodiscard]] Nanos timeout_at() const {
    for (const auto& [sequence, one] : all_)
      if (one.state == Flying::in_flight) return std::max(one.sent, expired_at_) + timeout(expirations_);
    return ~Nanos{0};
  }
  [[nodiscard]] std::pair<std::uint32_t, unsigned> in_flight() const {
    std::pair<std::uint32_t, unsigned> sum{};
    for (const auto& [sequence, one] : all_) {
      if (one.state != Flying::in_flight || one.packet.payload == PayloadKind::input) continue;
      sum.first += one.bytes;
      ++sum.second;
    }
    return sum;
  }
  [[nodiscard]] unsigned expirations() const { return expirations_; }
  [[nodiscard]] Nanos smoothed() const { return round_trip_.smoothed(); }

 private:
  [[nodiscard]] Nanos timeout(unsigned doublings) const {
    Nanos all = round_trip_.timeout();
    if (round_trip_.known()) all = std::max(all, round_trip_.smoothed() + lateness_.allowance()) + kept_delay;
    for (unsigned i = 0; i < std::min(doublings, 10U); ++i) all *= 2;
    return std::min(all, std::max(3 * second, 2 * round_trip_.smoothed())) / unit * unit;
  }
  void tell(Told& told, std::uint64_t sequence, const Flying& one, bool acked) {
    const std::uint32_t bytes = one.packet.payload == PayloadKind::input ? 0 : one.bytes;
    if (acked) {
      told.acked_bytes += bytes;
      told.newest_acked = std::max(told.newest_acked, sequence);
    } else {
      told.lost_bytes += bytes;
      told.newest_lost = std::max(told.newest_lost, sequence);
    }
    if (waited_for(one.packet.payload)) told.outcomes.emplace_back(one.packet.tag, acked);
  }
  void forget_settled() {
    while (!all_.empty() && all_.begin()->second.state == Flying::settled) all_.erase(all_.begin());
  }

  std::map<std::uint64_t, Flying> all_;
  std::uint64_t largest_ = 0;
  RoundTrip round_trip_;
  AckLateness lateness_;
  Nanos expired_at_ = 0;
  unsigned expirations_ = 0;
};

/// A sender, its model, a receiver and a wire between them that loses, reorders and repeats. Time goes in steps of 16
/// us.
template <class Sent>
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    path_ = unit << random_.below(19);  // up to 4.2 s
    jitter_ = path_ * random_.below(3) / 2;
    interval_ = unit << random_.below(16);
    loss_ = random_.chance(0.3) ? 0 : random_.unit() * 0.4;
    now_ = second + random_.below(4'000'000'000) * unit;
  }

  void step() {
    now_ += (1 + random_.below(2 * interval_ / unit)) * unit;
    if (random_.chance(0.002)) outage_until_ = now_ + random_.below(8) * second / 8 * 8;
    deliver();
    if (now_ >= sent_.timeout_at()) expire();
    if (random_.chance(0.9)) send();
    check();
  }
  /// Until nothing is in flight.
  void drain() {
    for (int i = 0; i < 200 && sent_.timeout_at() != ~Nanos{0}; ++i) {
      now_ = (sent_.timeout_at() + unit - 1) / unit * unit;
      expire();
      check();
    }
    EXPECT_EQ(sent_.timeout_at(), ~Nanos{0});
    EXPECT_EQ(sent_.bytes_in_flight(), 0U);
    EXPECT_EQ(waited_for_.size(), 0U) << "each has had its outcome";
    EXPECT_EQ(sent_bytes_, settled_bytes_);
  }
  std::uint64_t acked = 0, lost = 0, evicted = 0, expired = 0, late_samples = 0;

 private:
  void send() {
    const std::uint64_t sequence = sent_.next_sequence(random_.chance(0.02));
    static constexpr PayloadKind payloads[] = {PayloadKind::none, PayloadKind::plan, PayloadKind::ordered,
                                               PayloadKind::unordered, PayloadKind::input};
    const SentPacket packet{payloads[random_.below(5)], static_cast<std::uint8_t>(random_.below(32)), ++tag_};
    const auto bytes = static_cast<std::uint16_t>(random_.chance(0.1) ? 0 : 1 + random_.below(1200));
    const std::uint32_t before = sent_.bytes_in_flight();
    const SentPacket out = sent_.note(sequence, packet, bytes, now_);
    const std::uint32_t counted = packet.payload == PayloadKind::input ? 0 : bytes;
    sent_bytes_ += counted;
    settled_bytes_ += before + counted - sent_.bytes_in_flight();  // of what made room
    const std::uint16_t tag = out.payload == PayloadKind::none ? 0 : out.tag;
    ASSERT_EQ(tag, model_.note(sequence, packet, bytes, now_));
    if (tag != 0) on_outcome(tag);
    evicted += tag != 0;
    if (bytes != 0 && Model<Sent>::waited_for(packet.payload)) waited_for_.insert(packet.tag);
    if (now_ < outage_until_ || random_.chance(loss_)) return;
    wire_.emplace(arrival(), std::pair{sequence, bytes != 0});
  }
  void deliver() {
    while (!wire_.empty() && wire_.begin()->first <= now_) {
      const auto [at, datagram] = *wire_.begin();
      wire_.erase(wire_.begin());
      received_.note(datagram.first, datagram.second ? AckPolicy::soon : AckPolicy::none, at);
      arrived_.insert(datagram.first);
      if (received_.pending() && random_.chance(0.7)) report(at);
    }
    while (!acks_.empty() && acks_.begin()->first <= now_) {
      const AckBlock block = acks_.begin()->second;
      acks_.erase(acks_.begin());
      const Nanos known = model_.smoothed();
      const bool unbroken = random_.chance(0.5);
      ASSERT_EQ(sent_.acknowledge(block, delay_max, now_, outcomes_.data(), news_), Sent::Verdict::ok);
      if (unbroken && news_.late != 0) sent_.note_late(news_.late, now_);
      compare(model_.acknowledge(block, unbroken, now_));
      late_samples += model_.smoothed() != known && news_.newest_acked < block.largest;
    }
  }
  void report(Nanos at) {
    const AckBlock block = received_.report(at);
    if (random_.chance(loss_)) return;
    for (int copies = random_.chance(0.1) ? 3 : 1; copies != 0; --copies) acks_.emplace(arrival(), block);
  }
  void expire() {
    ++expired;
    sent_.expire(now_, outcomes_.data(), news_);
    ASSERT_NE(news_.newest_lost, 0U) << "an expiry finds something";
    compare(model_.expire(now_));
  }
  void compare(const typename Model<Sent>::Told& told) {
    ASSERT_EQ(news_.outcomes, told.outcomes.size());
    for (unsigned i = 0; i < news_.outcomes; ++i) {
      ASSERT_EQ(outcomes_[i].packet.tag, told.outcomes[i].first);
      ASSERT_EQ(outcomes_[i].acked, told.outcomes[i].second);
      on_outcome(outcomes_[i].packet.tag);
      ++(outcomes_[i].acked ? acked : lost);
    }
    ASSERT_EQ(news_.acked_bytes, told.acked_bytes);
    ASSERT_EQ(news_.lost_bytes, told.lost_bytes);
    ASSERT_EQ(news_.newest_acked, told.newest_acked);
    ASSERT_EQ(news_.newest_lost, told.newest_lost);
    ASSERT_EQ(news_.too_early, told.too_early);
    if (news_.newest_acked != 0) {
      ASSERT_TRUE(arrived_.contains(news_.newest_acked));
    }
    settled_bytes_ += news_.acked_bytes + news_.lost_bytes;
  }
  void on_outcome(std::uint16_t tag) {
    ASSERT_EQ(waited_for_.erase(tag), 1U) << "tag " << tag << " has its outcome twice";
  }
  void check() {
    const auto [bytes, datagrams] = model_.in_flight();
    ASSERT_EQ(sent_.bytes_in_flight(), bytes);
    ASSERT_EQ(sent_.datagrams_in_flight(), datagrams);
    ASSERT_EQ(sent_.expirations(), std::min(model_.expirations(), 255U));
    ASSERT_EQ(sent_.round_trip().smoothed(), model_.smoothed());
    ASSERT_EQ(sent_.timeout_at() / unit, model_.timeout_at() / unit);
    ASSERT_EQ(sent_bytes_, settled_bytes_ + bytes) << "sent is settled or in flight";
  }
  Nanos arrival() { return now_ + (path_ + random_.below(jitter_ + 1)) / unit * unit; }

  base::Prng random_;
  Nanos path_, jitter_, interval_, now_, outage_until_ = 0;
  double loss_;
  Sent sent_;
  Model<Sent> model_;
  std::array<typename Sent::Outcome, Sent::capacity> outcomes_{};
  AckResult news_;
  ReceivedDatagrams received_;
  std::multimap<Nanos, std::pair<std::uint64_t, bool>> wire_;
  std::multimap<Nanos, AckBlock> acks_;
  std::set<std::uint64_t> arrived_;
  std::set<std::uint16_t> waited_for_;
  std::uint16_t tag_ = 0;
  std::uint64_t sent_bytes_ = 0, settled_bytes_ = 0;
};

template <class Sent>
void live_through_histories(std::uint64_t seeds, int steps) {
  std::uint64_t acked = 0, lost = 0, evicted = 0, expired = 0, late_samples = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History<Sent> history(seed);
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) history.step();
    if (!testing::Test::HasFatalFailure()) history.drain();
    if (testing::Test::HasFailure()) return;
    acked += history.acked;
    lost += history.lost;
    evicted += history.evicted;
    expired += history.expired;
    late_samples += history.late_samples;
  }
  EXPECT_GT(acked, 1000U);
  EXPECT_GT(lost, 1000U);
  EXPECT_GT(evicted, 100U);
  EXPECT_GT(expired, 100U);
  EXPECT_GT(late_samples, 10U);
}

TEST(SentDatagrams, AgreeWithTheModelOverAFaultyWire) { live_through_histories<SentDatagrams>(200, 1'000); }
TEST(SentDatagrams, OfAClientAgreeWithTheModelOverAFaultyWire) {
  live_through_histories<ClientSentDatagrams>(60, 4'000);
}

/// A path that loses nothing, 30 datagrams a second, acks held back for up to 25 ms.
struct CleanPath {
  SentDatagrams sent;
  std::array<Outcome, SentDatagrams::capacity> outcomes{};
  unsigned acked = 0, lost = 0, expirations_most = 0;
  Nanos last_loss = 0;

  void run(Nanos round_trip, Nanos until) {
    ReceivedDatagrams received;
    std::multimap<Nanos, std::uint64_t> wire;
    std::multimap<Nanos, AckBlock> acks;
    AckResult result;
    const auto count = [&](Nanos now) {
      for (unsigned i = 0; i < result.outcomes; ++i) ++(outcomes[i].acked ? acked : lost);
      if (result.newest_lost != 0) last_loss = now;
    };
    for (Nanos now = 0; now < until; now += millisecond) {
      if (now % (33 * millisecond) == 0 && sent.datagrams_in_flight() < 112) {
        const std::uint64_t sequence = sent.next_sequence(false);
        static_cast<void>(sent.note(sequence, {PayloadKind::plan, 0, 1}, 100, now));
        wire.emplace(now + round_trip / 2, sequence);
      }
      for (; !wire.empty() && wire.begin()->first <= now; wire.erase(wire.begin()))
        received.note(wire.begin()->second, AckPolicy::soon, wire.begin()->first);
      if (received.due(now, delay_max)) acks.emplace(now + round_trip / 2, received.report(now));
      for (; !acks.empty() && acks.begin()->first <= now; acks.erase(acks.begin())) {
        ASSERT_EQ(sent.acknowledge(acks.begin()->second, delay_max, now, outcomes.data(), result), Verdict::ok);
        if (result.late != 0) sent.note_late(result.late, now);
        count(now);
      }
      if (now < sent.timeout_at()) continue;
      sent.expire(now, outcomes.data(), result);
      count(now);
      expirations_most = std::max(expirations_most, sent.expirations());
    }
  }
};

TEST(SentDatagrams, NoDatagramTimesOutOnAPathWithAKnownRoundTrip) {
  for (const Nanos round_trip : {Nanos{0}, millisecond, 10 * millisecond, 50 * millisecond, 200 * millisecond}) {
    SCOPED_TRACE(testing::Message() << "round trip " << round_trip);
    CleanPath path;
    path.run(round_trip, 60 * second);
    EXPECT_EQ(path.lost, 0U) << "its ack was held back, or on its way";
    EXPECT_GT(path.acked, 1700U);
  }
}

TEST(SentDatagrams, ARoundTripOfFiveSecondsIsMeasuredAndLossesStop) {
  CleanPath path;
  path.run(5 * second, 120 * second);
  EXPECT_GT(path.lost, 0U) << "before the first sample timeouts are too early";
  EXPECT_LT(path.last_loss, 5 * second + 2 * delay_max);
  EXPECT_LE(path.expirations_most, 4U);
  EXPECT_EQ(path.sent.expirations(), 0U);
  EXPECT_GT(path.acked, 2000U);
  EXPECT_NEAR(static_cast<double>(path.sent.round_trip().smoothed()), 5e9, 5e7);
}

TEST(RoundTrip, APeerThatHoldsItsAckBackDoesNotStretchEveryTimeout) {
  RoundTrip held;
  held.sample(3'600 * second);
  EXPECT_EQ(held.smoothed(), RoundTrip::sample_max);
  EXPECT_LE(held.timeout(), 3 * RoundTrip::sample_max);
}

}  // namespace
}  // namespace serried::channel
