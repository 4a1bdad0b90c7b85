/// What time brings: pings, silence, acks that are due, slots that come back.
#include "io/fixture.h"

namespace serried::io {
namespace {

using HousekeepingTest = LaneTest;

TEST_F(HousekeepingTest, AcksAreSentAloneWithinTheirDelay) {
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

TEST_F(HousekeepingTest, InputsWithoutOtherTrafficAreAckedOnceEveryThirtyTwo) {
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

TEST_F(HousekeepingTest, ASessionThatItsShardRefusesIsDisconnected) {
  Peer& peer = connect(1);
  link::SessionEvent join;
  ASSERT_EQ(link.session_events.pop(&join, 1), 1U);
  ASSERT_TRUE(link.notices.push({join.connection_id(), join.session()}));
  run(500 * millisecond);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  link::SessionEvent none;
  EXPECT_EQ(link.session_events.pop(&none, 1), 0U) << "the shard that refused needs no Leave";
}

}  // namespace
}  // namespace serried::io
