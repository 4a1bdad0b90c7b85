/// What every authentic datagram does to its session.
#include "io/fixture.h"

namespace serried::io {
namespace {

using RecordReceivedTest = LaneTest;

TEST_F(RecordReceivedTest, EveryAuthenticDatagramRefreshesItsSessionAndIsAcked) {
  Peer& peer = play(1);
  peer.mute = true;
  const crypt::Secret unused = sending_key(peer);
  static_cast<void>(unused);
  run(100 * millisecond);
  const std::uint64_t before = received;
  send(peer, {.body = {2, 0x3F, 0}});  // one message, of an unknown type
  run(30 * millisecond);
  EXPECT_EQ(received, before + 1);
}

TEST_F(RecordReceivedTest, AckOnlyDatagramsAreNotAcked) {
  Peer& peer = play(1);
  peer.mute = true;
  const crypt::Secret unused = sending_key(peer);
  static_cast<void>(unused);
  run(100 * millisecond);
  const std::uint64_t before = received;
  std::vector<std::uint8_t> block(11);
  block[0] = 1;
  for (int i = 0; i < 10; ++i) send(peer, {.flags = wire::flag::sealed | wire::flag::acknowledgment, .body = block});
  run(100 * millisecond);
  EXPECT_EQ(received, before);
}

TEST_F(RecordReceivedTest, ATruncatedAckBlockIsAProtocolError) {
  Peer& peer = play(1);
  peer.mute = true;
  send(peer, {.flags = wire::flag::sealed | wire::flag::acknowledgment, .body = {1, 0, 0}});
  run(500 * millisecond);
  EXPECT_EQ(lane.counters().drops.value(metrics::Drop::bad_ack), 1U);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
}

}  // namespace
}  // namespace serried::io
