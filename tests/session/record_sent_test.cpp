#include "session/record_sent.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(RecordSent, SequencesRiseFromOneAndSkipNowAndThen) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  std::uint64_t previous = 0, skipped = 0, sent = 0;
  for (std::uint64_t round = 0; round < 400; ++round) {
    Burst burst;
    SendBatchInfo info{};
    for (int i = 0; i < 8; ++i) {
      const unsigned row = burst.add(0, 0, guard::path_of(1, 1000));
      burst.batch.session[row] = slot;
      burst.batch.flags[row] = wire::flag::acknowledgment;
    }
    record_sent(burst.batch, table, info, round * 977, 0);
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

TEST(RecordSent, RemembersThePacketForTheAck) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  Burst burst;
  SendBatchInfo info{};
  const unsigned row = burst.add(0, 0, guard::path_of(1, 1000));
  burst.batch.session[row] = slot;
  info.packet[row] = {channel::PayloadKind::plan, 0, 77};
  info.ack_eliciting[row] = true;
  record_sent(burst.batch, table, info, 1, 0);
  channel::SentDatagrams& sent = table.outbound(slot).sent;
  EXPECT_EQ(sent.bytes_in_flight(), burst.batch.length[row]);
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes{};
  channel::AckResult result;
  ASSERT_EQ(sent.acknowledge({burst.batch.sequence[row], 0, 0}, 0, 0, outcomes.data(), result),
            channel::SentDatagrams::Verdict::ok);
  ASSERT_EQ(result.outcomes, 1U);
  EXPECT_EQ(outcomes[0].packet.tag, 77);
  EXPECT_EQ(outcomes[0].packet.payload, channel::PayloadKind::plan);
  EXPECT_EQ(sent.bytes_in_flight(), 0U);
}

TEST(RecordSent, OfRecordedPeersNoAckIsWaitedFor) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  std::uint64_t previous = 0;
  for (unsigned round = 0; round < 2 * channel::SentDatagrams::capacity; ++round) {
    Burst burst;
    SendBatchInfo info{};
    const unsigned row = burst.add(0, 0, guard::path_of(1, 1000));
    burst.batch.session[row] = slot;
    info.packet[row] = {channel::PayloadKind::plan, 0, 77};
    info.ack_eliciting[row] = true;
    record_sent<Peers::recorded>(burst.batch, table, info, round, 0);
    EXPECT_GT(burst.batch.sequence[row], previous);
    previous = burst.batch.sequence[row];
    EXPECT_EQ(info.lost_count, 0U);
  }
  EXPECT_EQ(table.outbound(slot).sent.bytes_in_flight(), 0U);
  EXPECT_EQ(table.outbound(slot).sent.timeout_at(), ~Nanos{0});
}

TEST(RecordSent, TheChannelFollowsFromThePayloadAndThePhaseFromTheKey) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  table.outbound(slot).key_phase_flag = wire::flag::key_phase;
  Burst burst;
  SendBatchInfo info{};
  constexpr std::array payloads{channel::PayloadKind::none, channel::PayloadKind::plan, channel::PayloadKind::ordered,
                                channel::PayloadKind::unordered};
  std::size_t bytes = 0;
  for (const channel::PayloadKind payload : payloads) {
    const unsigned row = burst.add(0, 0, guard::path_of(1, 1000));
    burst.batch.session[row] = slot;
    burst.batch.flags[row] = wire::flag::fragment;
    info.packet[row] = {payload, 1, 3};
    info.ack_eliciting[row] = true;
    bytes += burst.batch.length[row];
  }
  record_sent(burst.batch, table, info, 1, 0);
  constexpr std::array<std::uint8_t, 4> channels{0, 0, 1, 2};
  for (unsigned row = 0; row < payloads.size(); ++row) {
    EXPECT_EQ(burst.batch.channel[row], channels[row]);
    EXPECT_EQ(burst.batch.flags[row], wire::flag::sealed | wire::flag::key_phase | wire::flag::fragment);
  }
  EXPECT_EQ(table.outbound(slot).sealed_bytes, bytes);
}

/// More than a server's window lets out: what waits for an answer about a datagram pushed out of the queue must hear of
/// it.
TEST(RecordSent, WhatHasToMakeRoomIsNamedAsLost) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  constexpr std::array payloads{channel::PayloadKind::plan, channel::PayloadKind::ordered, channel::PayloadKind::none};
  const auto send_one = [&](const channel::SentPacket& packet) {
    Burst burst;
    SendBatchInfo info{};
    const unsigned row = burst.add(0, 0, guard::path_of(1, 1000));
    burst.batch.session[row] = slot;
    info.packet[row] = packet;
    info.ack_eliciting[row] = true;
    record_sent(burst.batch, table, info, 1, 0);
    return info;
  };
  for (unsigned n = 0; n < channel::SentDatagrams::capacity; ++n)
    EXPECT_EQ(send_one({payloads[n % 3], 1, static_cast<std::uint16_t>(n)}).lost_count, 0U);
  for (unsigned n = 0; n < 12; ++n) {
    const SendBatchInfo info = send_one({});
    if (payloads[n % 3] == channel::PayloadKind::none) {
      EXPECT_EQ(info.lost_count, 0U) << "nothing waits for it";
      continue;
    }
    ASSERT_EQ(info.lost_count, 1U);
    EXPECT_EQ(info.lost[0].session, slot);
    EXPECT_EQ(info.lost[0].packet.payload, payloads[n % 3]);
    EXPECT_EQ(info.lost[0].packet.tag, n);
  }
}

}  // namespace
}  // namespace serried::session
