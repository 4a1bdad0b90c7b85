/// What sessions have to say, and what becomes of it when they are gone.
#include "lane/fixture.h"

namespace serried::lane {
namespace {

using GatherTest = LaneTest;

TEST_F(GatherTest, BodiesOfSessionsThatEndedAreCountedAndTheirBuffersComeHome) {
  Peer& peer = play(1);
  peer.session.close(now);
  run(500 * millisecond);
  ASSERT_EQ(lane.counters().sessions.value(), 0U);
  for (std::uint16_t plan = 1; plan <= 20; ++plan) publish(peer, plan);
  run(10 * millisecond);
  EXPECT_EQ(lane.counters().drops.value(observe::Drop::session_gone), 20U);
}

TEST_F(GatherTest, AcksRideOnWhatGoesOutAnyway) {
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

TEST_F(GatherTest, EveryBufferLentIsReturnedWhenTheRingOverflows) {
  Peer& peer = play(1);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 60; ++i) publish(peer, 3);
    step();
  }
  EXPECT_EQ(peer.session.state(), client::State::playing);
}

}  // namespace
}  // namespace serried::lane
