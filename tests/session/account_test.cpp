#include "session/account.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(Account, SequencesRiseFromOneAndSkipNowAndThen) {
  Table table{0, 4};
  channel::Pools pools{8, 1, 0};
  const std::uint32_t slot = open_session(table, 1);
  std::uint64_t previous = 0, skipped = 0, sent = 0;
  for (std::uint64_t round = 0; round < 400; ++round) {
    Burst burst;
    Freight freight{};
    for (int i = 0; i < 8; ++i) {
      const unsigned row = burst.add(0, 0, path_of(1, 1000));
      burst.batch.session[row] = slot;
      burst.batch.flags[row] = wire::flag::acknowledgment;
    }
    account(burst.batch, table, pools, freight, round * 977, 0);
    for (unsigned row = 0; row < 8; ++row) {
      const std::uint64_t sequence = burst.batch.sequence[row];
      ASSERT_GT(sequence, previous);
      ASSERT_LE(sequence, previous + 2);
      skipped += sequence - previous - 1;
      previous = sequence;
      ++sent;
      EXPECT_EQ(burst.batch.connection_id[row], table.admission(slot).connection_id);
      EXPECT_EQ(burst.batch.flags[row], wire::flag::acknowledgment | wire::flag::sealed);
    }
  }
  EXPECT_GT(skipped, 0U) << "no trap was ever set";
  EXPECT_LT(skipped, sent / 50);
}

TEST(Account, RemembersTheFreightForTheAck) {
  Table table{0, 4};
  channel::Pools pools{8, 1, 0};
  const std::uint32_t slot = open_session(table, 1);
  Burst burst;
  Freight freight{};
  const unsigned row = burst.add(0, 0, path_of(1, 1000));
  burst.batch.session[row] = slot;
  freight.flight[row] = {channel::Cargo::plan, 0, 77};
  freight.wants_ack[row] = true;
  account(burst.batch, table, pools, freight, 1, 0);
  channel::SentDatagrams& sent = table.outbound(slot).sent;
  EXPECT_EQ(sent.bytes_in_flight(), burst.batch.length[row]);
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes{};
  channel::AckNews news;
  ASSERT_EQ(sent.acknowledge({burst.batch.sequence[row], 0, 0}, 0, 0, outcomes.data(), news),
            channel::SentDatagrams::Verdict::ok);
  ASSERT_EQ(news.outcomes, 1U);
  EXPECT_EQ(outcomes[0].flight.tag, 77);
  EXPECT_EQ(outcomes[0].flight.cargo, channel::Cargo::plan);
  EXPECT_EQ(sent.bytes_in_flight(), 0U);
}

TEST(Account, TheChannelFollowsFromTheCargoAndThePhaseFromTheKey) {
  Table table{0, 4};
  channel::Pools pools{8, 1, 0};
  const std::uint32_t slot = open_session(table, 1);
  table.outbound(slot).key_phase_flag = wire::flag::key_phase;
  Burst burst;
  Freight freight{};
  constexpr std::array cargos{channel::Cargo::none, channel::Cargo::plan, channel::Cargo::ordered,
                              channel::Cargo::unordered};
  std::size_t bytes = 0;
  for (const channel::Cargo cargo : cargos) {
    const unsigned row = burst.add(0, 0, path_of(1, 1000));
    burst.batch.session[row] = slot;
    burst.batch.flags[row] = wire::flag::fragment;
    freight.flight[row] = {cargo, 1, 3};
    freight.wants_ack[row] = true;
    bytes += burst.batch.length[row];
  }
  account(burst.batch, table, pools, freight, 1, 0);
  constexpr std::array<std::uint8_t, 4> channels{0, 0, 1, 2};
  for (unsigned row = 0; row < cargos.size(); ++row) {
    EXPECT_EQ(burst.batch.channel[row], channels[row]);
    EXPECT_EQ(burst.batch.flags[row], wire::flag::sealed | wire::flag::key_phase | wire::flag::fragment);
  }
  EXPECT_EQ(table.outbound(slot).sealed_bytes, bytes);
}

/// More than a server's window ever lets out: what is pushed out of the queue must not be forgotten.
TEST(Account, AReliableDatagramThatHasToMakeRoomIsSentAgain) {
  Table table{0, 4};
  channel::Pools pools{64, 1, 0};
  const std::uint32_t slot = open_session(table, 1);
  channel::Reliable& reliable = table.reliable(slot);
  reliable.open(1'000);
  const std::array<std::uint8_t, 3> content{1, 2, 3};
  ASSERT_EQ(reliable.send(pools, wire::Channel::reliable_ordered, message::Type::disconnect, content,
                          channel::Urgency::immediate, 0),
            channel::Queued::yes);
  std::array<std::uint8_t, 1'100> body;
  base::ByteWriter out{body};
  const auto composed = reliable.compose(pools, out, 0);
  ASSERT_EQ(composed.flight.cargo, channel::Cargo::ordered);
  EXPECT_EQ(reliable.due_at(), ~Nanos{0}) << "all is in flight";

  for (unsigned n = 0; n <= channel::SentDatagrams::capacity; ++n) {
    Burst burst;
    Freight freight{};
    const unsigned row = burst.add(0, 0, path_of(1, 1000));
    burst.batch.session[row] = slot;
    if (n == 0) freight.flight[row] = composed.flight;
    freight.wants_ack[row] = true;
    account(burst.batch, table, pools, freight, 1, 0);
  }
  EXPECT_EQ(reliable.due_at(), 0U) << "lost, and due again";
  reliable.clear(pools);
}

}  // namespace
}  // namespace serried::session
