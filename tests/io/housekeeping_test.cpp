/// What time brings: pings, silence, acks that are due, slots that come back.
#include "io/fixture.h"

namespace serried::io {
namespace {

using UpkeepTest = LaneTest;

TEST_F(UpkeepTest, ASilentSessionIsPingedAndThenEnded) {
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

TEST_F(UpkeepTest, AnAnsweredPingKeepsTheSession) {
  Peer& peer = play(1);
  run(40 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
}

TEST_F(UpkeepTest, AcksAreSentAloneWithinTheirDelay) {
  Peer& peer = play(1);
  run(100 * millisecond);
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = received;
    // Input, and something beside it.
    send(peer, {.body = body_with([](base::ByteWriter& out) {
                  message::encode(out, message::Input{});
                  message::encode(out, message::Pong{});
                })});
    run(20 * millisecond);
    EXPECT_EQ(received, before) << "an ack waits for company";
    run(10 * millisecond);
    EXPECT_EQ(received, before + 1);
  }
}

TEST_F(UpkeepTest, InputsWithoutOtherTrafficAreAckedOnceEveryThirtyTwo) {
  Peer& peer = play(1);
  run(100 * millisecond);
  const std::uint64_t before = received;
  for (int i = 0; i < 31; ++i) {
    peer.session.submit({});
    run(16 * millisecond);
  }
  EXPECT_EQ(received, before);
  peer.session.submit({});
  run(16 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_GT(peer.session.rtt(), 0U);
}

TEST_F(UpkeepTest, HalfOpenSessionsAreReleasedAfterTenSeconds) {
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

TEST_F(UpkeepTest, SlotsOfEndedSessionsAreReused) {
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

TEST_F(UpkeepTest, ASessionThatItsShardRefusesIsDisconnected) {
  Peer& peer = connect(1);
  link::SessionEvent join;
  ASSERT_EQ(link.session_events.pop(&join, 1), 1U);
  ASSERT_TRUE(link.notices.push({link::Notice::Kind::world_full, join.connection_id, join.session, 0}));
  run(500 * millisecond);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  link::SessionEvent none;
  EXPECT_EQ(link.session_events.pop(&none, 1), 0U) << "the shard that refused needs no Leave";
}

TEST_F(UpkeepTest, ADrainDoesNotWaitForSessionsThatNeverOpened) {
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
