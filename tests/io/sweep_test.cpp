/// What the sweep over sessions finds due.
#include "io/fixture.h"
#include "message/control.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using SweepTest = LaneTest;

TEST_F(SweepTest, ASilentSessionIsPingedAndThenEnded) {
  Peer& peer = play(1);
  peer.mute = true;
  const std::uint64_t before = received;
  run(4 * second);
  const std::uint64_t quiet = received;
  EXPECT_LE(quiet - before, 2U);
  run(8 * second);
  EXPECT_GE(received - quiet, 6U) << "a Ping a second after five of silence";
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  run(5 * second);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  EXPECT_EQ(lane.counters().timed_out.value(), 1U);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
}

TEST_F(SweepTest, AnAnsweredPingKeepsTheSession) {
  Peer& peer = play(1);
  run(40 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
}

TEST_F(SweepTest, HalfOpenSessionsAreReleasedAfterTenSeconds) {
  Peer& peer = add_peer(claims_for(1));
  step();
  pump(peer);
  peer.mute = true;
  run(20 * millisecond);
  EXPECT_EQ(handshake.counters().accepted.value(), 1U);
  run(9 * second);
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
  run(2 * second);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
}

}  // namespace
}  // namespace serried::io
