/// Handshakes: what a Connect costs, what it leaves behind, and what loss and repetition do to it.
#include "io/fixture.h"
#include "io/foresight.h"

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
  EXPECT_GT(handshake.counters().denied_full.value(), 0U);
  expect_balanced();
}

TEST_F(FewSessions, APlayerWhoseClientDiedTakesTheOwnPlaceOfAFullServer) {
  for (std::uint64_t id = 1; id <= 3; ++id) connect(id);
  for (int turn = 0; turn < 10; ++turn) {
    SCOPED_TRACE(turn);
    peers.back()->mute = peers.back()->deaf = true;
    connect(3);
    run(400 * millisecond);
    EXPECT_EQ(lane.counters().sessions.value(), 3U) << "and the old session is gone";
  }
  EXPECT_EQ(handshake.counters().superseded.value(), 10U);
  EXPECT_EQ(peers[0]->session.state(), State::entering) << "others stay";
  EXPECT_EQ(peers[1]->session.state(), State::entering);
  Peer& stranger = add_peer(claims_for(4));
  run(5 * second);
  EXPECT_EQ(stranger.session.deny_reason(), message::DenyReason::full);
  expect_balanced();
}

TEST_F(FewSessions, APlayerHoldsOnePlaceOfAFullServerHoweverOftenAHandshakeBegins) {
  for (std::uint64_t id = 1; id <= 3; ++id) connect(id);
  for (int i = 0; i < 8; ++i) {
    Peer& again = add_peer(claims_for(3));
    for (int n = 0; n < 300; ++n) {
      step();
      again.mute |= again.session.state() == State::testing;  // never finishes
    }
    EXPECT_LE(lane.counters().sessions.value(), 4U);
  }
  EXPECT_EQ(peers[0]->session.state(), State::entering);
  EXPECT_EQ(peers[1]->session.state(), State::entering);
  run(11 * second);
  EXPECT_EQ(connect(4).session.state(), State::entering) << "the place is free when its holder does not come";
}

struct OneSpare : LaneTest {
  OneSpare() : LaneTest(config()) {}
  static IoConfig config() {
    IoConfig config = default_config();
    config.sessions_max = 3;
    config.sessions_spare = 1;
    return config;
  }
};

TEST_F(OneSpare, APlayerForWhomThereIsNoPlaceKeepsTheOldSession) {
  for (std::uint64_t id = 1; id <= 3; ++id) connect(id);
  peers[2]->mute = peers[2]->deaf = true;
  connect(3);  // the spare place; that of the old session is not free yet
  ASSERT_EQ(lane.counters().sessions.value(), 4U);
  Peer& early = add_peer(claims_for(2));
  run(50 * millisecond);
  EXPECT_EQ(early.session.deny_reason(), message::DenyReason::full);
  early.mute = true;
  run(400 * millisecond);
  EXPECT_EQ(peers[1]->session.state(), State::entering) << peers[1]->session.end_text();
  EXPECT_EQ(handshake.counters().superseded.value(), 1U);
  connect(2);
  run(400 * millisecond);
  EXPECT_EQ(peers[1]->session.state(), State::closed);
  EXPECT_EQ(lane.counters().sessions.value(), 3U);
  expect_balanced();
}

TEST_F(FewSessions, StrangersWithoutAGoodTokenHoldNoPlace) {
  for (std::uint64_t id = 1; id <= 2; ++id) connect(id);
  const crypt::Secret guessed{};
  for (std::uint64_t id = 10; id < 14; ++id) {
    Peer& stranger = add_peer(claims_for(id));
    stranger.options.token_secret = guessed;
    ASSERT_TRUE(stranger.session.start(stranger.options, now));
  }
  for (int i = 0; i < 50; ++i) {  // their cookies come back, the handshake lane is behind
    now += millisecond;
    for (auto& peer : peers) pump(*peer);
    lane.poll(now);
    receive();
  }
  EXPECT_EQ(handshake_link.requests.size(), 4U);
  EXPECT_EQ(lane.counters().sessions.value(), 2U);
  EXPECT_EQ(connect(3).session.state(), State::entering);
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

TEST_F(ConnectTest, CookiesForetellNothing) {
  Peer& stranger = add_peer(claims_for(1));
  stranger.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  ASSERT_EQ(stranger.session.send(bytes, now), bytes.size());
  const auto next_beginning = [&] {
    now += second;
    send_raw(bytes, stranger.port);
    lane.poll(now);
    receive();
    return cookie_beginning(last_datagram);
  };
  std::array<std::uint64_t, 4> beginnings;
  for (auto& beginning : beginnings) beginning = next_beginning();
  Foresight foresight{beginnings};
  EXPECT_NE(foresight.next(), next_beginning());
  const std::uint32_t id = connect(2).session.connection_id();
  for (int i = 0; i < 16; ++i) EXPECT_NE(session::make_id(0, session::slot_of(id), foresight.next()), id);
}

/// A flood of Connects that bring cookies which are none, in virtual time. It comes ahead of what honest clients send.
struct CookieFlood : LaneTest {
  CookieFlood() : LaneTest(config()) {}
  static IoConfig config() {
    IoConfig config = default_config();
    config.abuse_guard.address_per_s = 256;  // as a server has them without being told otherwise
    config.abuse_guard.prefix_per_s = 2'048;
    return config;
  }
  static constexpr unsigned a_millisecond = 80;

  /// A Connect of an attacker at this address and port.
  struct Hostile {
    std::unique_ptr<port::LoopPort> host;
    Peer peer;
    std::array<std::uint8_t, wire::datagram_bytes_max> connect{};
    bool has_cookie = false;
  };
  void add_hostile(unsigned count, const std::function<port::Address(unsigned)>& address) {
    for (unsigned i = 0; i < count; ++i) {
      auto hostile = std::make_unique<Hostile>();
      hostile->host = rig.network.open({.address = address(i), .port_first = 6'000, .buffers = 256}).value();
      rig.introduce(hostile->peer, claims_for(1'000 + i), rig.address());
      ASSERT_TRUE(hostile->peer.session.start(hostile->peer.options, now));
      ASSERT_EQ(hostile->peer.session.send(hostile->connect, now), hostile->connect.size());
      flood.push_back(std::move(hostile));
    }
  }
  /// Each asks for a cookie and keeps it, so that what it sends looks as near to a good one as it can.
  void collect_cookies() {
    for (auto& hostile : flood) send_raw(hostile->connect, 6'000, hostile->host.get());
    step();
    for (auto& hostile : flood) keep_cookie(*hostile);
  }
  void keep_cookie(Hostile& hostile) {
    test::receive_all(*hostile.host, now, [&](std::span<const std::uint8_t> bytes, const wire::Path&) {
      std::copy_n(bytes.begin() + wire::header_bytes + 2 + 8, 48, cookie_in(hostile).begin());
      hostile.has_cookie = true;
    });
  }
  static std::span<std::uint8_t, 48> cookie_in(Hostile& hostile) {
    return std::span{hostile.connect}.subspan<wire::header_bytes + 3 + 4 + 32, 48>();
  }
  void send_garbage(Hostile& hostile) {
    const auto cookie = cookie_in(hostile);
    for (std::size_t i = hostile.has_cookie ? 16 : 0; i < cookie.size(); ++i)
      cookie[i] = static_cast<std::uint8_t>(random.next());
    wire::stamp_one(hostile.connect, wire::CrcSeed{test_protocol});
    send_raw(hostile.connect, 6'000, hostile.host.get());
  }
  /// A second of it, in which ten log in; each has to be in after its first two Connects were answered, without
  /// repeating one: a repeat comes after 250 ms.
  void expect_logins_answered() {
    run(10 * millisecond);  // the lane has all its buffers
    std::size_t turn = 0;
    for (int i = 0; i < 1'000; ++i) {
      if (i < 500 && i % 50 == 0) add_peer(claims_for(static_cast<std::uint64_t>(i + 1)));
      for (unsigned k = 0; k < a_millisecond; ++k) send_garbage(*flood[turn++ % flood.size()]);
      step();
      for (auto& hostile : flood) test::receive_all(*hostile->host, now, [](auto&&...) {});
      for (std::size_t who = 0; who < peers.size(); ++who)
        if (i == static_cast<int>(50 * who) + 100) {
          EXPECT_EQ(peers[who]->session.state(), State::entering) << who << ' ' << drops_text();
        }
    }
    EXPECT_EQ(peers.size(), 10U);
    expect_balanced();
  }

  /// Three seconds in which each of those beside the players bends the newest cookie it has been given and returns it:
  /// so many at once, and then one each 50 ms. Ten log in meanwhile, without repeating a Connect.
  void expect_logins_beside(unsigned at_once) {
    collect_cookies();
    for (auto& hostile : flood)
      for (unsigned i = 0; i < at_once; ++i) send_garbage(*hostile);
    for (int i = 0; i < 3'000; ++i) {
      if (i < 2'500 && i % 250 == 0) add_peer(claims_for(static_cast<std::uint64_t>(i + 1)));
      for (auto& hostile : flood) {
        keep_cookie(*hostile);
        if (i % 50 == 0) send_garbage(*hostile);
      }
      step();
      for (std::size_t who = 0; who < peers.size(); ++who)
        if (i == static_cast<int>(250 * who) + 100) {
          EXPECT_EQ(peers[who]->session.state(), State::entering) << who << ' ' << drops_text();
        }
    }
    EXPECT_EQ(peers.size(), 10U);
    expect_balanced();
  }

  std::vector<std::unique_ptr<Hostile>> flood;
  base::Prng random{17};
};

port::Address neighbour(unsigned i) { return port::ipv4_address(192, 0, 2, static_cast<std::uint8_t>(1 + i)); }
port::Address anywhere(unsigned i) {
  return port::ipv4_address(static_cast<std::uint8_t>(20 + i), static_cast<std::uint8_t>(7 * i), 1, 1);
}

TEST_F(CookieFlood, OfOneAddress) {
  add_hostile(1, neighbour);
  expect_logins_answered();
}
TEST_F(CookieFlood, OfOneAddressThatHasACookie) {
  add_hostile(1, neighbour);
  collect_cookies();
  expect_logins_answered();
}
TEST_F(CookieFlood, OfOneNetwork) {
  add_hostile(200, neighbour);
  expect_logins_answered();
}
TEST_F(CookieFlood, OfOneNetworkThatHasCookies) {
  add_hostile(200, neighbour);
  collect_cookies();
  expect_logins_answered();
}
TEST_F(CookieFlood, OfAddressesEverywhere) {
  add_hostile(200, anywhere);
  expect_logins_answered();
}
TEST_F(CookieFlood, OfAddressesEverywhereThatHaveCookies) {
  add_hostile(200, anywhere);
  collect_cookies();
  expect_logins_answered();
}

TEST_F(CookieFlood, OfOneBehindThePlayersOwnNat) {
  add_hostile(1, [](unsigned) { return port::ipv4_address(10, 0, 0, 2); });
  expect_logins_beside(40);
}
TEST_F(CookieFlood, OfSixteenInThePlayersOwnNetwork) {
  add_hostile(16, [](unsigned i) { return port::ipv4_address(10, 0, 0, static_cast<std::uint8_t>(100 + i)); });
  expect_logins_beside(16);
}

TEST_F(CookieFlood, InThePlayersOwnName) {
  // A forger that writes a newcomer's address, and has not seen its cookie, keeps it from nothing.
  auto forger = rig.network.open({.address = port::ipv4_address(10, 0, 0, 2), .port_first = 6'000, .buffers = 256});
  auto hostile = std::make_unique<Hostile>();
  hostile->host = std::move(forger).value();
  rig.introduce(hostile->peer, claims_for(1'000), rig.address());
  ASSERT_TRUE(hostile->peer.session.start(hostile->peer.options, now));
  ASSERT_EQ(hostile->peer.session.send(hostile->connect, now), hostile->connect.size());
  flood.push_back(std::move(hostile));
  Peer& peer = add_peer(claims_for(1));
  step();  // Connect, Cookie
  peer.mute = true;
  const auto flood_for = [&](int milliseconds) {
    for (int i = 0; i < milliseconds; ++i) {
      for (unsigned k = 0; k < a_millisecond; ++k) send_garbage(*flood.front());
      step();
    }
  };
  flood_for(1'000);
  peer.mute = false;
  flood_for(50);
  EXPECT_EQ(peer.session.state(), State::entering) << drops_text();
}

}  // namespace
}  // namespace serried::io
