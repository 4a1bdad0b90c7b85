/// Handshakes: what a Connect costs, what it leaves behind, and what loss and repetition do to it.
#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;
using peer::State;

using ConnectTest = LaneTest;

TEST_F(ConnectTest, AConnectWithoutCookieLeavesNoState) {
  Peer& peer = add_peer(claims_for(1));
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  const std::size_t size = peer.session.send(bytes, now);
  ASSERT_EQ(size, wire::datagram_bytes_max);
  peer.mute = true;
  for (int i = 0; i < 50; ++i) {
    send_raw({bytes.data(), size}, peer.port);
    lane.poll(now);
  }
  EXPECT_EQ(lane.counters().cookies.value(), 50U);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  EXPECT_EQ(handshake_link.requests.size(), 0U);
  EXPECT_LE(server->counters().tx_bytes.value(), server->counters().rx_bytes.value()) << "amplification";
  expect_balanced();
}

TEST_F(ConnectTest, AHandshakeEndsInAnEstablishedSession) {
  Peer& peer = play(42);
  EXPECT_EQ(joined[&peer].join().player_id, 42U);
  EXPECT_EQ(lane.counters().established.value(), 1U);
  EXPECT_EQ(handshake.counters().confirmed.value(), 1U);
  expect_balanced();
}

TEST_F(ConnectTest, HandshakesCompleteUnderLossDuplicationAndReordering) {
  prepare = [](peer::SessionOptions& options) { options.connect_timeout = 60 * second; };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    rig.network.set_profile({.loss = 0.3, .duplicate = 0.3, .delay_min = 0, .delay_max = 60 * millisecond});
    Peer& peer = add_peer(claims_for(seed));
    for (int i = 0; i < 50'000 && peer.session.state() != State::entering; ++i) step();
    EXPECT_EQ(peer.session.state(), State::entering) << "player " << seed << ": " << peer.session.end_text();
  }
  rig.network.set_profile({});
  run(200 * millisecond);
  EXPECT_EQ(lane.counters().established.value(), 20U);
  expect_balanced();
}

TEST_F(ConnectTest, AttemptsSessionsAndTheHandshakeRingAreBounded) {
  // The handshake lane does not run: six of eight jobs are lent out, then Connects are dropped and counted.
  for (std::uint64_t id = 1; id <= 30; ++id) add_peer(claims_for(id));
  for (int i = 0; i < 100; ++i) {
    now += millisecond;
    for (auto& peer : peers) pump(*peer);
    lane.poll(now);
    receive();
  }
  EXPECT_GT(lane.counters().drops.value(Drop::handshake_ring_full), 0U);
  EXPECT_EQ(handshake_link.requests.size(), 6U);
  run(4 * second);
  for (auto& peer : peers) EXPECT_EQ(peer->session.state(), State::entering) << peer->session.end_text();
  expect_balanced();
}

struct FewSessions : LaneTest {
  FewSessions() : LaneTest(config()) {}
  static IoConfig config() {
    IoConfig config = default_config();
    config.sessions_max = 3;
    config.cookie_rate_per_s = 40;
    return config;
  }
};

TEST_F(FewSessions, AConnectToAFullServerIsDenied) {
  for (std::uint64_t id = 1; id <= 3; ++id) connect(id);
  Peer& fourth = add_peer(claims_for(4));
  run(5 * second);
  EXPECT_EQ(fourth.session.deny_reason(), message::DenyReason::full);
  EXPECT_GT(fourth.session.retry_after_ms(), 0U);
  EXPECT_GT(lane.counters().drops.value(Drop::sessions_full), 0U);
  expect_balanced();
}

TEST_F(FewSessions, AnswersToConnectsStayWithinTheirBudget) {
  Peer& peer = add_peer(claims_for(1));
  peer.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  ASSERT_EQ(peer.session.send(bytes, now), bytes.size());
  for (int i = 0; i < 100; ++i) {
    send_raw(bytes, peer.port);
    lane.poll(now);
  }
  EXPECT_EQ(lane.counters().cookies.value(), 40U);
  EXPECT_EQ(lane.counters().drops.value(Drop::cookie_budget), 60U);
  expect_balanced();
}

TEST_F(ConnectTest, ARepeatedConnectGetsTheSameAnswer) {
  Peer& peer = add_peer(claims_for(1));
  step();  // Connect, Cookie
  std::array<std::uint8_t, wire::datagram_bytes_max> connect;
  ASSERT_EQ(peer.session.send(connect, now), connect.size());
  peer.mute = true;
  send_raw(connect, peer.port);
  step();
  const std::vector<std::uint8_t> accepted = last_datagram;
  ASSERT_GT(accepted.size(), 100U);
  send_raw(connect, peer.port);
  step();
  EXPECT_EQ(last_datagram, accepted);
  EXPECT_EQ(handshake.counters().accepted.value(), 1U);
  peer.mute = false;
  run(20 * millisecond);
  EXPECT_EQ(peer.session.state(), State::entering);
  const std::uint64_t before = received;
  const std::uint64_t known = lane.counters().drops.value(Drop::attempt_known);
  peer.mute = true;
  send_raw(connect, peer.port);
  lane.poll(now);
  receive();
  EXPECT_EQ(lane.counters().drops.value(Drop::attempt_known), known + 1) << "an established attempt gets nothing";
  EXPECT_EQ(received, before);
}

TEST_F(FewSessions, ReturnedCookiesAreCheckedDuringAFloodOfConnects) {
  Peer& honest = add_peer(claims_for(1));
  step();  // Connect, Cookie
  Peer& flood = add_peer(claims_for(2));
  flood.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  ASSERT_EQ(flood.session.send(bytes, now), bytes.size());
  for (int i = 0; i < 50 && honest.session.state() != State::entering; ++i) {
    for (int n = 0; n < 50; ++n) send_raw(bytes, flood.port);
    lane.poll(now);
    step();
  }
  EXPECT_EQ(honest.session.state(), State::entering) << drops_text();
  EXPECT_GT(lane.counters().drops.value(Drop::cookie_budget), 0U);
  expect_balanced();
}

TEST_F(FewSessions, TheBudgetIsSpreadEvenlyOverTimeUnderAFlood) {
  Peer& peer = add_peer(claims_for(1));
  peer.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  ASSERT_EQ(peer.session.send(bytes, now), bytes.size());
  const auto flood = [&](int milliseconds) {
    const std::uint64_t before = lane.counters().cookies.value();
    for (int i = 0; i < milliseconds; ++i) {
      for (int n = 0; n < 8; ++n) send_raw(bytes, peer.port);
      step();
    }
    return lane.counters().cookies.value() - before;
  };
  flood(100);
  // A client that repeats at fixed times must not always meet the spent part of the same second.
  for (int tenth = 0; tenth < 12; ++tenth) EXPECT_NEAR(static_cast<double>(flood(100)), 4.0, 1.0);
}

TEST_F(ConnectTest, AHandshakeCompletesWhenTheClockStartsAtZero) {
  now = 0;
  const Peer& peer = add_peer(claims_for(1));
  run(100 * millisecond);
  EXPECT_EQ(peer.session.state(), State::entering) << drops_text();
}

TEST_F(ConnectTest, ConnectsLeaveJobsFreeForConfirmations) {
  Peer& almost = add_peer(claims_for(1));
  for (int i = 0; i < 200 && almost.session.state() != State::testing; ++i) step();
  ASSERT_EQ(almost.session.state(), State::testing);
  almost.mute = true;
  for (std::uint64_t id = 2; id <= 20; ++id) add_peer(claims_for(id));
  for (int i = 0; i < 100; ++i) {  // the handshake lane is behind
    now += millisecond;
    for (auto& peer : peers)
      if (!peer->mute) pump(*peer);
    lane.poll(now);
    receive();
  }
  EXPECT_GT(lane.counters().drops.value(Drop::handshake_ring_full), 0U);
  pump(almost);
  lane.poll(now);
  EXPECT_EQ(lane.counters().drops.value(Drop::confirm_deferred), 0U);
  run(20 * millisecond);
  EXPECT_EQ(almost.session.state(), State::entering);
}

TEST_F(ConnectTest, OneTokenCannotFillTheTableOfAttempts) {
  const crypt::TokenClaims claims = claims_for(1);
  for (int i = 0; i < 30; ++i) {
    add_peer(claims);
    for (int n = 0; n < 10; ++n) {
      step();
      for (auto& peer : peers) peer->mute |= peer->session.state() == State::testing;  // never finishes
    }
  }
  EXPECT_LE(lane.counters().sessions.value(), 8U);
  EXPECT_EQ(connect(2).session.state(), State::entering) << "others get in";
  for (auto& peer : peers) peer->mute = true;
  run(11 * second);
  Peer& later = add_peer(claims);
  run(50 * millisecond);
  EXPECT_EQ(later.session.state(), State::entering) << "the limit is for a while only";
  expect_balanced();
}

/// The state behind four outputs in a row of base::Prng, as it was before the second of them: what a stranger computes.
std::array<std::uint64_t, 4> state_behind(const std::array<std::uint64_t, 4>& outputs) {
  std::array<std::uint64_t, 4> word;  // output = rotl(word * 5, 7) * 9, and this is its inverse
  for (std::size_t i = 0; i < 4; ++i) word[i] = std::rotr(outputs[i] * 0x8E38E38E38E38E39U, 7) * 0xCCCCCCCCCCCCCCCDU;
  const std::uint64_t third = word[0] ^ word[1] ^ word[0] << 17;
  const std::uint64_t first = word[1] ^ word[2] ^ third;
  const std::uint64_t first_next = word[2] ^ word[3] ^ third ^ first ^ word[1] << 17;
  return {first, word[1], third, first_next ^ first ^ word[1]};
}

/// The outputs that follow: base::Prng again, from a given state.
std::uint64_t output_of(std::array<std::uint64_t, 4>& state) {
  const std::uint64_t result = std::rotl(state[1] * 5, 7) * 9;
  const std::uint64_t shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = std::rotl(state[3], 45);
  return result;
}

TEST_F(ConnectTest, SessionIdsCannotBePredictedFromCookies) {
  Peer& stranger = add_peer(claims_for(1));
  stranger.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  ASSERT_EQ(stranger.session.send(bytes, now), bytes.size());
  std::array<std::uint64_t, 4> nonces;
  for (auto& nonce : nonces) {
    send_raw(bytes, stranger.port);
    lane.poll(now);
    receive();
    nonce = base::load<std::uint64_t>(last_datagram.data() + wire::header_bytes + 2 + 8);  // behind size, type and echo
  }
  auto state = state_behind(nonces);
  for (std::size_t i = 1; i < 4; ++i) ASSERT_EQ(output_of(state), nonces[i]) << "the stranger can foresee nonces";
  const std::uint32_t id = connect(2).session.connection_id();
  for (int i = 0; i < 16; ++i) EXPECT_NE(session::make_id(0, session::slot_of(id), output_of(state)), id);
}

}  // namespace
}  // namespace serried::io
