/// How sessions end, and what is left of them.
#include "io/fixture.h"
#include "message/control.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using TeardownTest = LaneTest;

TEST_F(TeardownTest, SlotsOfEndedSessionsAreReused) {
  for (std::uint64_t player = 1; player <= 200; ++player) {
    Peer& peer = play(player);
    peer.session.close(now);
    run(400 * millisecond);  // an attempt is remembered for ten seconds, and 32 fit
    link::SessionEvent leave;
    ASSERT_EQ(link.session_events.pop(&leave, 1), 1U);
    peers.clear();
  }
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  EXPECT_EQ(lane.counters().established.value(), 200U);
  expect_balanced();
}

TEST_F(TeardownTest, ADrainDoesNotWaitForSessionsThatNeverOpened) {
  Peer& peer = add_peer(claims_for(1));
  for (int i = 0; i < 200 && peer.session.state() != peer::State::testing; ++i) step();
  peer.mute = true;
  lane.begin_drain();
  run(500 * millisecond);
  EXPECT_TRUE(lane.drained());
  EXPECT_EQ(peer.session.end(), peer::End::disconnected);
}

}  // namespace
}  // namespace serried::io
