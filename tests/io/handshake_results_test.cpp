/// What comes back from the handshake lane.
#include "io/fixture.h"

namespace serried::io {
namespace {

using message::DenyReason;
using message::DisconnectReason;
using metrics::Drop;
using peer::State;

using HandshakeResultsTest = LaneTest;

TEST_F(HandshakeResultsTest, ASpentTokenIsDenied) {
  const crypt::TokenClaims claims = claims_for(1);
  Peer& first = add_peer(claims);
  run(50 * millisecond);
  EXPECT_EQ(first.session.state(), State::entering);
  Peer& second_one = add_peer(claims);
  run(4 * second);
  EXPECT_EQ(second_one.session.state(), State::closed);
  EXPECT_EQ(second_one.session.deny_reason(), message::DenyReason::token_used);
  EXPECT_EQ(first.session.state(), State::entering);
}

TEST_F(HandshakeResultsTest, ANewSessionOfAPlayerSupersedesTheOldOne) {
  Peer& old = play(7);
  Peer& fresh = connect(7);
  run(500 * millisecond);
  EXPECT_EQ(old.session.state(), State::closed);
  EXPECT_EQ(fresh.session.state(), State::entering);
  EXPECT_EQ(handshake.counters().superseded.value(), 1U);
  link::SessionEvent leave;
  ASSERT_EQ(link.session_events.pop(&leave, 1), 1U);
  EXPECT_EQ(leave.kind(), link::SessionEvent::Kind::leave);
  EXPECT_EQ(leave.connection_id(), joined[&old].connection_id());
  link::SessionEvent join;
  ASSERT_EQ(link.session_events.pop(&join, 1), 1U);
  EXPECT_EQ(join.kind(), link::SessionEvent::Kind::join) << "the old one leaves before the new one joins";
}

TEST_F(HandshakeResultsTest, BadTokensAreDeniedWithTheirReason) {
  crypt::TokenClaims expired = claims_for(1);
  expired.issued = expired.not_before = test_unix_start - 1'000;
  expired.expiry = test_unix_start - 100;
  crypt::TokenClaims foreign = claims_for(2);
  foreign.audience = 99;
  crypt::TokenClaims older = claims_for(3);
  older.issued = test_unix_start - 100;  // beyond the tolerance of clocks
  Peer& a = add_peer(expired);
  Peer& b = add_peer(foreign);
  Peer& c = add_peer(older);
  Peer& d = add_peer(claims_for(4));
  d.options.token_secret = crypt::Secret{};  // overheard the token, does not have its secret
  ASSERT_TRUE(d.session.start(d.options, now));
  run(4 * second);
  EXPECT_EQ(a.session.deny_reason(), message::DenyReason::token_expired);
  EXPECT_EQ(b.session.deny_reason(), message::DenyReason::wrong_server);
  EXPECT_EQ(c.session.deny_reason(), message::DenyReason::token_used) << "issued before the server started";
  EXPECT_EQ(d.session.deny_reason(), message::DenyReason::token_invalid);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  expect_balanced();
}

}  // namespace
}  // namespace serried::io
