/// Control messages of channel 0, and their answers.
#include "io/fixture.h"
#include "message/control.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using SessionMessagesTest = LaneTest;

TEST_F(SessionMessagesTest, SeveralPingsInOneDatagramGetOnePong) {
  Peer& peer = play(1);
  const std::uint64_t before = received;
  send(peer, {.body = body_of(60, [](base::ByteWriter& out, unsigned i) {
                message::encode(out, message::Ping{i, 0});
              })});
  run(5 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message) + lane.counters().drops.value(Drop::message_rate),
            59U);
}

TEST_F(SessionMessagesTest, SeveralCryptoTestsInOneDatagramGetOneAnswer) {
  Peer& peer = play(1);
  const std::uint64_t before = received;
  send(peer, {.body = body_of(30, [](base::ByteWriter& out, unsigned) {
                message::encode(out, message::Type::crypto_test, message::CryptoTest{});
              })});
  run(5 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message), 29U);
}

TEST_F(SessionMessagesTest, ADisconnectEndsTheSessionAtOnce) {
  Peer& peer = play(1);
  peer.session.close(now);
  run(200 * millisecond);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  link::SessionEvent leave;
  ASSERT_EQ(link.session_events.pop(&leave, 1), 1U);
  EXPECT_EQ(leave.kind(), link::SessionEvent::Kind::leave);
}

}  // namespace
}  // namespace serried::io
