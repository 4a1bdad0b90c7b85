#include "io/io_lane.h"

#include <functional>
#include <string>

#include "io/fixture.h"
#include "message/type.h"

namespace serried::io {
namespace {

using metrics::Drop;

struct Crafted {
  Drop reason;
  std::function<void(class IoLaneTest&)> send;
};

class IoLaneTest : public LaneTest {
 public:
  Peer& victim() { return *peers[0]; }
  using LaneTest::Forge;
  using LaneTest::forge;
  using LaneTest::forged_sequence;
  using LaneTest::send;
  using LaneTest::send_raw;

  std::vector<std::uint8_t> clear(std::size_t bytes, const wire::Header& header) {
    std::vector<std::uint8_t> datagram(bytes);
    wire::compose_header(datagram.data(), header);
    wire::stamp_one(datagram, wire::CrcSeed{test_protocol});
    return datagram;
  }
  static std::vector<std::uint8_t> framed(std::uint8_t type, std::vector<std::uint8_t> content) {
    std::vector<std::uint8_t> body{static_cast<std::uint8_t>(content.size() + 1), type};
    body.insert(body.end(), content.begin(), content.end());
    return body;
  }
  static std::vector<std::uint8_t> padded(std::size_t bytes) { return std::vector<std::uint8_t>(bytes, 0x55); }
};

/// Send one crafted datagram per reason. Expect exactly that counter to move by one, and the books to balance.
TEST_F(IoLaneTest, EachDropReasonMovesItsCounterAlone) {
  using wire::flag::sealed;
  const std::vector<Crafted> table{
      {Drop::short_datagram, [](IoLaneTest& t) { t.send_raw(IoLaneTest::padded(17), 20'000); }},
      {Drop::short_datagram,
       [](IoLaneTest& t) {
         t.send_raw(t.clear(33, {1, 0, sealed, 1}), 20'000);
       }},
      {Drop::long_datagram, [](IoLaneTest& t) { t.send_raw(IoLaneTest::padded(1'201), 20'000); }},
      {Drop::bad_flags, [](IoLaneTest& t) { t.send(t.victim(), {.flags = sealed | wire::flag::rekey}); }},
      {Drop::bad_flags, [](IoLaneTest& t) { t.send(t.victim(), {.flags = wire::flag::encrypted}); }},
      {Drop::bad_flags,
       [](IoLaneTest& t) {
         t.send_raw(t.clear(1'200, {7, 0, 0, 0}), 20'000);
       }},
      {Drop::bad_channel, [](IoLaneTest& t) { t.send(t.victim(), {.channel = 3}); }},
      {Drop::bad_crc, [](IoLaneTest& t) { t.send(t.victim(), {.break_crc = true}); }},
      {Drop::bad_connect,
       [](IoLaneTest& t) {
         t.send_raw(t.clear(1'199, {0, 0, 0, 0}), 20'000);
       }},
      {Drop::bad_connect,
       [](IoLaneTest& t) {
         t.send_raw(t.clear(1'200, {0, 0, 0, 0}), 20'000);
       }},
      {Drop::unknown_session, [](IoLaneTest& t) { t.send(t.victim(), {.connection_id = 0xABCD}); }},
      {Drop::bad_tag, [](IoLaneTest& t) { t.send(t.victim(), {.break_tag = true}); }},
      {Drop::replay_old, [](IoLaneTest& t) { t.send(t.victim(), {.sequence = 1}); }},
      {Drop::replay_seen, [](IoLaneTest& t) { t.send(t.victim(), {.sequence = 100'001}); }},
      {Drop::bad_tag, [](IoLaneTest& t) { t.send(t.victim(), {.flags = sealed | wire::flag::key_phase}); }},
      {Drop::bad_fragment, [](IoLaneTest& t) { t.send(t.victim(), {.flags = sealed | wire::flag::fragment}); }},
      {Drop::bad_packed,
       [](IoLaneTest& t) {
         t.send(t.victim(), {.flags = sealed | wire::flag::compressed, .body = IoLaneTest::padded(30)});
       }},
      {Drop::bad_framing,
       [](IoLaneTest& t) {
         t.send(t.victim(), {.body = {200, 1, 2, 3}});
       }},
      {Drop::bad_message,
       [](IoLaneTest& t) {
         t.send(t.victim(), {.body = IoLaneTest::framed(0x81, {1, 2, 3})});
       }},
      {Drop::unknown_message, [](IoLaneTest& t) { t.send(t.victim(), {.body = IoLaneTest::framed(0x3F, {})}); }},
      {Drop::unknown_message, [](IoLaneTest& t) { t.send(t.victim(), {.body = IoLaneTest::framed(0x46, padded(6))}); }},
  };
  play(1);
  victim().mute = true;
  send(victim(), {});  // moves the window to the forged sequences
  run(50 * millisecond);
  for (const Crafted& crafted : table) {
    SCOPED_TRACE(std::string(metrics::drop_name(crafted.reason)));
    std::array<std::uint64_t, metrics::drop_count> before;
    for (std::size_t i = 0; i < metrics::drop_count; ++i) before[i] = lane.counters().drops.value(static_cast<Drop>(i));
    crafted.send(*this);
    run(20 * millisecond);
    for (std::size_t i = 0; i < metrics::drop_count; ++i) {
      const auto drop = static_cast<Drop>(i);
      EXPECT_EQ(lane.counters().drops.value(drop) - before[i], drop == crafted.reason ? 1U : 0U)
          << metrics::drop_name(drop);
    }
    expect_balanced();
  }
  EXPECT_EQ(lane.counters().sessions.value(), 1U) << "none of it may end the session";
}

TEST_F(IoLaneTest, ASessionAboveItsRateIsLimitedAndOthersAreNot) {
  Peer& fast = play(1);
  Peer& calm = play(2);
  fast.mute = true;
  for (int i = 0; i < 400; ++i) send(fast, {.sequence = 1'000 + static_cast<std::uint64_t>(i)});
  run(100 * millisecond);
  EXPECT_GT(lane.counters().drops.value(Drop::session_rate), 300U);
  EXPECT_EQ(calm.session.state(), peer::State::playing);
  expect_balanced();
}

TEST_F(IoLaneTest, ForeignSourcesAreOpenedWithinABudget) {
  Peer& peer = play(1);
  peer.mute = true;
  const std::uint64_t before = lane.counters().delivered.value();
  send(peer, {.from = 20'500});
  run(2 * millisecond);
  EXPECT_EQ(lane.counters().delivered.value(), before + 1) << "an authentic datagram from elsewhere is believed";
  for (int burst = 0; burst < 40; ++burst)
    for (int i = 0; i < 10; ++i) send(peer, {.break_tag = true, .from = 20'500});
  lane.poll(now);
  for (int i = 0; i < 10; ++i) lane.poll(now);
  EXPECT_GT(lane.counters().drops.value(Drop::foreign_source) + lane.counters().drops.value(Drop::session_rate), 0U);
  expect_balanced();
}

TEST_F(IoLaneTest, AnAckOfWhatWasNeverSentEndsTheSession) {
  Peer& peer = play(1);
  peer.mute = true;
  std::vector<std::uint8_t> body(11);
  body[0] = 0x7F;  // largest 127: not sent yet
  send(peer, {.flags = wire::flag::sealed | wire::flag::acknowledgment, .body = body});
  run(500 * millisecond);
  EXPECT_EQ(lane.counters().drops.value(Drop::bad_ack), 1U);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  link::SessionEvent leave;
  ASSERT_EQ(link.session_events.pop(&leave, 1), 1U);
  EXPECT_EQ(leave.kind(), link::SessionEvent::Kind::leave);
  expect_balanced();
}

TEST_F(IoLaneTest, RandomBytesDoNotEndASession) {
  base::Prng random{99};
  Peer& peer = play(1);
  const auto babble = [&] {
    std::vector<std::uint8_t> bytes(1 + random.below(1'400));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    if (bytes.size() <= 1'200 && random.chance(0.5)) {
      if (bytes.size() >= 18 && random.chance(0.7)) {
        wire::compose_header(
            bytes.data(),
            {random.chance(0.5) ? peer.session.connection_id() : 0, static_cast<std::uint8_t>(random.below(4)),
             static_cast<std::uint8_t>(random.chance(0.5) ? 3 : random.next()), random.below(1'000)});
      }
      if (bytes.size() > 4) wire::stamp_one(bytes, wire::CrcSeed{test_protocol});
    }
    send_raw(bytes, static_cast<std::uint16_t>(20'000 + random.below(3)));
  };
  for (int i = 0; i < 3'000; ++i) {
    babble();
    if (i % 20 == 0) step();
  }
  run(100 * millisecond);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  expect_balanced();
}

TEST_F(IoLaneTest, OnePollTakesAtMostFourBursts) {
  constexpr std::uint64_t sent = 5 * wire::Batch::capacity, taken = 4 * wire::Batch::capacity;
  const std::vector<std::uint8_t> bytes(5);
  for (std::uint64_t i = 0; i < sent; ++i) send_raw(bytes, 20'000);
  lane.poll(now);
  EXPECT_EQ(lane.counters().drops.value(metrics::Drop::short_datagram), taken);
  lane.poll(now);
  EXPECT_EQ(lane.counters().drops.value(metrics::Drop::short_datagram), sent);
}

TEST_F(IoLaneTest, EveryFlippedBitOfADatagramIsRefused) {
  Peer& peer = play(1);
  peer.mute = true;
  const std::uint64_t inputs = lane.counters().delivered.value();
  const std::vector<std::uint8_t> good = forge(peer, {.body = padded(40)});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<std::uint8_t> bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    send_raw(bad, peer.port);
    if (bit % 32 == 0) step();
    std::vector<std::uint8_t> with_crc = bad;  // an attacker can make the CRC right, not the tag
    wire::stamp_one(with_crc, wire::CrcSeed{test_protocol});
    if (bit < (good.size() - wire::crc_bytes) * 8) send_raw(with_crc, peer.port);
    if (bit % 32 == 0) step();
  }
  run(200 * millisecond);
  EXPECT_EQ(lane.counters().delivered.value(), inputs);
  expect_balanced();
}

/// At every state of a session: what its client would send, cut short at every length and with every bit flipped, CRC
/// made right again. Expect it to be dropped, the state to stay, and the handshake to go on afterwards.
class IoLaneStates : public IoLaneTest, public testing::WithParamInterface<peer::State> {};

TEST_P(IoLaneStates, ModifiedDatagramsChangeNoState) {
  Peer& peer = add_peer(claims_for(1));
  for (int i = 0; i < 200 && peer.session.state() != GetParam(); ++i) {
    step();
    link::SessionEvent join;
    if (link.session_events.pop(&join, 1) == 1) joined[&peer] = join;
    if (joined.contains(&peer)) publish(peer, 1);
  }
  ASSERT_EQ(peer.session.state(), GetParam());
  peer.mute = true;
  std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
  std::size_t size = 0;
  for (int i = 0; i < 400 && size == 0; ++i) {  // until it has something to say, again
    now += millisecond;
    if (peer.session.state() == peer::State::playing) peer.session.submit({});
    size = peer.session.send(bytes, now);
  }
  ASSERT_GT(size, 0U);
  const std::vector<std::uint8_t> good{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
  const std::uint64_t delivered = lane.counters().delivered.value();
  const std::uint64_t sessions = handshake.counters().accepted.value();
  const wire::CrcSeed seed{test_protocol};
  unsigned sent = 0;
  const auto send_bent = [&](std::vector<std::uint8_t> bent) {
    if (bent.size() > wire::crc_bytes && sent % 2 == 0) wire::stamp_one(bent, seed);
    send_raw(bent, peer.port);
    if (++sent % 16 == 0) step();
  };
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    send_bent({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut)});
  for (std::size_t bit = 0; bit < std::min<std::size_t>(good.size() - wire::crc_bytes, 200) * 8; ++bit) {
    std::vector<std::uint8_t> bent = good;
    bent[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    send_bent(bent);
  }
  run(20 * millisecond);
  EXPECT_EQ(lane.counters().delivered.value(), delivered);
  EXPECT_EQ(handshake.counters().accepted.value(), sessions);
  expect_balanced();

  peer.mute = false;
  for (int i = 0; i < 4'000 && peer.session.state() != peer::State::playing; ++i) {
    step();
    link::SessionEvent join;
    if (link.session_events.pop(&join, 1) == 1) joined[&peer] = join;
    if (joined.contains(&peer)) publish(peer, 1);
  }
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text() << ' ' << drops_text();
}

INSTANTIATE_TEST_SUITE_P(IoLane, IoLaneStates,
                         testing::Values(peer::State::connecting, peer::State::challenged, peer::State::testing,
                                         peer::State::entering, peer::State::playing),
                         [](const auto& instance) { return std::string(peer::state_name(instance.param)); });

TEST_F(IoLaneTest, DrainDisconnectsAllSessions) {
  Peer& one = play(1);
  Peer& two = play(2);
  lane.begin_drain();
  for (int i = 0; i < 1'000 && !lane.drained(); ++i) step();
  EXPECT_TRUE(lane.drained());
  for (Peer* peer : {&one, &two}) {
    EXPECT_EQ(peer->session.state(), peer::State::closed);
    EXPECT_EQ(peer->session.end(), peer::End::disconnected) << peer->session.end_text();
  }
}

/// What a client with good keys may say, in an order that no client says it.
std::vector<std::uint8_t> mischief(base::Prng& rng) {
  std::vector<std::uint8_t> body(wire::body_bytes_max);
  base::ByteWriter out{body};
  for (std::uint64_t left = rng.below(6); left-- > 0;) {
    message::Input input;
    input.sequence = static_cast<std::uint16_t>(rng.next());
    switch (rng.below(9)) {
      case 0:
        message::encode(out, message::Ping{rng.next(), 0});
        break;
      case 1:
        message::encode(out, message::Type::crypto_test, message::CryptoTest{});
        break;
      case 2:
      case 3:
        message::encode(out, message::EnterToWorld{rng.chance(0.5)});
        break;
      case 4:
      case 5:
        message::encode(out, input);
        break;
      case 6:
        message::encode(out, message::Pong{});
        break;
      case 7:
        if (rng.chance(0.05)) message::encode(out, message::Disconnect{message::DisconnectReason::user, {}});
        break;
      default:
        for (std::uint64_t bytes = rng.below(40); bytes-- > 0;) out.write(static_cast<std::uint8_t>(rng.next()));
    }
  }
  body.resize(out.size());
  return body;
}

TEST_F(IoLaneTest, MemoryIsReturnedAfterRandomMessagesOfAuthenticClients) {
  constexpr std::uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Prng rng(seed);
  std::map<std::uint32_t, int> in_world;  // by connection: joins less leaves
  const auto drain_rings = [&] {
    link::SessionEvent command;
    while (link.session_events.pop(&command, 1) == 1)
      in_world[command.connection_id()] += command.kind() == link::SessionEvent::Kind::join ? 1 : -1;
    link::InputRow row;
    while (link.inputs.pop(&row, 1) == 1) {
    }
  };
  for (std::uint64_t round = 0; round < 60; ++round) {
    // The same players again and again, so that sessions supersede one another at every state.
    Peer& peer = add_peer(claims_for(1 + rng.below(4)));
    for (std::uint64_t steps = rng.below(8); steps-- > 0;) step();
    peer.mute = true;
    if (peer.session.state() < peer::State::testing) continue;
    for (int burst = 0; burst < 4; ++burst) {
      for (std::uint64_t left = rng.below(12); left-- > 0;) {
        Peer& who = rng.chance(0.7) ? peer : *peers[rng.below(peers.size())];
        if (who.session.state() < peer::State::testing || who.session.state() >= peer::State::closing) continue;
        const bool acks = rng.chance(0.05);
        send(who, {.flags = static_cast<std::uint8_t>(acks ? 0x23 : 0x03), .body = mischief(rng)});
      }
      if (rng.chance(0.5)) {
        step();
      } else {  // the handshake lane is behind: whatever it works on may be gone when it answers
        now += millisecond;
        lane.poll(now);
      }
      drain_rings();
    }
    if (rng.chance(0.2)) run(2 * second);  // attempts are forgotten, silence is probed
  }
  for (auto& peer : peers) peer->mute = true;
  run(20 * second);
  drain_rings();
  EXPECT_GT(lane.counters().joined.value(), 5U);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  for (const auto& [connection, balance] : in_world) EXPECT_EQ(balance, 0) << "a viewer was left behind";
  EXPECT_EQ(handshake_link.free.size(), handshake_link.jobs.size()) << "a job did not come home";
  const std::uint64_t superseded = handshake.counters().superseded.value();
  for (std::uint64_t player = 1; player <= 4; ++player) connect(player);
  EXPECT_EQ(handshake.counters().superseded.value(), superseded) << "the handshake lane kept a session that is gone";
  expect_balanced();
}

}  // namespace
}  // namespace serried::io
