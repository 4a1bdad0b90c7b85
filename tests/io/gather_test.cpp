/// What sessions have to say, and what becomes of it when they are gone.
#include "io/fixture.h"

namespace serried::io {
namespace {

using GatherTest = LaneTest;

TEST_F(GatherTest, BodiesOfEndedSessionsAreDroppedAndTheirBuffersReturned) {
  Peer& peer = play(1);
  peer.session.close(now);
  run(500 * millisecond);
  ASSERT_EQ(lane.counters().sessions.value(), 0U);
  for (std::uint16_t plan = 1; plan <= 20; ++plan) publish(peer, plan);
  run(10 * millisecond);
  EXPECT_EQ(lane.counters().drops.value(metrics::Drop::session_gone), 20U);
}

TEST_F(GatherTest, APendingAckIsPutBeforeTheNextBody) {
  Peer& peer = play(1);
  run(100 * millisecond);
  const Nanos before_rtt = peer.session.rtt();
  peer.session.submit({});
  step();
  const std::uint64_t before = received;
  publish(peer, 9);
  run(60 * millisecond);
  EXPECT_EQ(received, before + 1) << "one datagram carried body and ack; no ack-only one followed";
  EXPECT_NE(peer.session.rtt(), before_rtt);
}

/// A shard hears of a window in bytes, and hands over more small plans than the queue of what is in flight holds.
TEST_F(GatherTest, PlansDisplacedFromTheInFlightQueueAreReportedLost) {
  Peer& peer = play(1);
  run(100 * millisecond);
  take_over(peer);
  step();
  discard_rows();
  constexpr std::uint16_t first = 100, plans = 150, evicted = plans - channel::SentDatagrams::capacity;
  for (std::uint16_t sent = 0; sent < plans; step())
    for (int i = 0; i < 50; ++i) publish(peer, static_cast<std::uint16_t>(first + sent++));
  EXPECT_EQ(lane.counters().retransmission_timeouts.value(), 0U) << "not what this is about";
  std::vector<std::uint16_t> lost;
  for (link::InputRow row; link.inputs.pop(&row, 1) == 1;)
    for (std::uint32_t mask = row.plan_lost_mask; mask != 0; mask &= mask - 1)
      lost.push_back(static_cast<std::uint16_t>(row.plan_lost - std::countr_zero(mask)));
  ASSERT_EQ(lost.size(), evicted);
  for (std::uint16_t i = 0; i < evicted; ++i) EXPECT_EQ(lost[i], first + i);
}

TEST_F(GatherTest, EveryBufferLentIsReturnedWhenTheRingOverflows) {
  Peer& peer = play(1);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 60; ++i) publish(peer, 3);
    step();
  }
  EXPECT_EQ(peer.session.state(), peer::State::playing);
}

}  // namespace
}  // namespace serried::io
