/// Clients whose address changes, and datagrams that only look like it.
#include "io/fixture.h"
#include "io/foresight.h"

namespace serried::io {
namespace {

using metrics::Drop;

class RoamTest : public LaneTest {
 protected:
  using LaneTest::LaneTest;
  /// The next datagram of a client, not yet sent.
  std::vector<std::uint8_t> next_datagram(Peer& peer) {
    peer.session.submit({});
    std::vector<std::uint8_t> bytes(wire::datagram_bytes_max);
    bytes.resize(peer.session.send(bytes, now));
    EXPECT_FALSE(bytes.empty());
    return bytes;
  }
  Heard& heard(std::uint16_t port) { return heard_at[{remote.get(), port}]; }
  /// What the lane lets the shard hand over beyond what it has taken: the window, when nothing is in flight.
  std::uint32_t window(Peer& peer) {
    discard_rows();
    peer.session.submit({});
    run(3 * millisecond);
    link::InputRow row;
    std::uint32_t limit = 0;
    while (link.inputs.pop(&row, 1) == 1) limit = row.send_limit;
    return limit - charged;
  }
  void publish_counted(Peer& peer, std::uint16_t plan) {
    publish(peer, plan);
    charged += charge;
  }
  static constexpr std::uint32_t charge = link::OutRow::datagram_overhead + 2 + message::delta_header_bytes;
  std::uint32_t charged = charge;  ///< the first by play()
};

TEST_F(RoamTest, ASessionFollowsItsClientToAnotherPort) {
  Peer& peer = play(1);
  run(100 * millisecond);
  peer.port = 20'500;
  peer.session.submit({});
  run(10 * millisecond);
  EXPECT_EQ(lane.counters().roamed.value(), 1U);
  const std::uint64_t before = heard(20'500).datagrams;
  publish(peer, 5);
  run(5 * millisecond);
  EXPECT_EQ(heard(20'500).datagrams, before + 1);
  run(30 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  expect_balanced();
}

TEST_F(RoamTest, ASessionFollowsItsClientToAnotherHost) {
  Peer& peer = play(1);
  peer.host = elsewhere.get();
  peer.session.submit({});
  run(10 * millisecond);
  EXPECT_EQ(lane.counters().roamed.value(), 1U);
  run(30 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(RoamTest, ACopyFromAnotherAddressCausesProbesAndNoMove) {
  Peer& peer = play(1);
  run(100 * millisecond);
  std::uint64_t copied = 0;
  for (int i = 0; i < 10; ++i) {
    const auto bytes = next_datagram(peer);
    send_raw(bytes, 20'600);  // ahead of its original
    copied += bytes.size();
    step();
    send_raw(bytes, peer.port);
    run(30 * millisecond);
    EXPECT_LE(heard(20'600).bytes, 3 * copied);
  }
  EXPECT_EQ(drops(Drop::replay_seen), 10U) << "the originals";
  run(4 * second);
  EXPECT_GT(heard(20'600).datagrams, 0U);
  EXPECT_LE(heard(20'600).bytes, 3 * copied);
  const std::uint64_t pings = heard(20'600).datagrams;
  run(2 * second);
  EXPECT_EQ(heard(20'600).datagrams, pings) << "the probe is over";
  EXPECT_EQ(lane.counters().roamed.value(), 0U);
  const std::uint64_t before = heard(peer.port).datagrams;
  publish(peer, 5);
  run(5 * millisecond);
  EXPECT_EQ(heard(peer.port).datagrams, before + 1);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(RoamTest, ACopyOfAnOlderDatagramCausesNoProbe) {
  Peer& peer = play(1);
  const auto held_back = next_datagram(peer);
  peer.session.submit({});
  run(50 * millisecond);
  send_raw(held_back, 20'600);
  run(second);
  EXPECT_EQ(heard(20'600).datagrams, 0U);
}

TEST_F(RoamTest, EightWrongIdsEndTheProbe) {
  const auto pings_after = [&](Peer& peer, std::uint16_t port, int wrong) {
    take_over(peer);
    // Large enough that bytes are no limit to the Pings.
    send(peer, {.body = std::vector<std::uint8_t>(1'000), .from = port});
    run(2 * millisecond);
    for (int i = 0; i < wrong; ++i)
      send(peer, {.body = body_with([](base::ByteWriter& out) {
                    message::encode(out, message::Pong{1, 2, 3});
                  }),
                  .from = port});
    run(3'500 * millisecond);
    return heard(port).datagrams;
  };
  EXPECT_GE(pings_after(play(1), 20'700, 7), 10U);
  EXPECT_LE(pings_after(play(2), 20'701, 8), 2U);
  EXPECT_EQ(lane.counters().roamed.value(), 0U);
}

TEST_F(RoamTest, AProbedAddressGetsAtMostThreeTimesWhatItSent) {
  Peer& peer = play(1);
  take_over(peer);
  std::uint64_t sent = 0;
  for (int i = 0; i < 20; ++i) {
    const auto bytes = forge(peer, {});  // the smallest there is
    sent += bytes.size();
    send_raw(bytes, 20'800);
    run(210 * millisecond);
    EXPECT_LE(heard(20'800).bytes, 3 * sent);
  }
}

TEST_F(RoamTest, AClientThatAlternatesBetweenTwoAddressesStaysConnected) {
  Peer& peer = play(1);
  for (int i = 0; i < 20; ++i) {
    peer.port = i % 2 == 0 ? 20'500 : 20'000;
    for (int k = 0; k < 10; ++k) {
      peer.session.submit({});
      run(30 * millisecond);
    }
    discard_rows();
  }
  EXPECT_EQ(lane.counters().roamed.value(), 20U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(RoamTest, ASecondMoveDuringAProbeIsProbedAtOnce) {
  Peer& peer = play(1);
  take_over(peer);
  send(peer, {.body = std::vector<std::uint8_t>(1'000), .from = 20'700});  // probed for three seconds
  run(1'050 * millisecond);
  for (std::uint16_t i = 0; i < 5; ++i) {
    const auto port = static_cast<std::uint16_t>(20'701 + i);
    send(peer, {.from = port});
    run(2 * millisecond);
    EXPECT_EQ(heard(port).datagrams, 1U) << "address " << i;
    run(210 * millisecond);
  }
}

TEST_F(RoamTest, TheCongestionWindowIsResetOnlyForAnotherIp) {
  Peer& peer = play(1);
  run(100 * millisecond);
  EXPECT_EQ(window(peer), channel::Congestion::window_first);
  server->set_outbound({.loss = 1});
  for (std::uint16_t plan = 2; plan < 5; ++plan) publish_counted(peer, plan);
  run(3 * second);
  server->set_outbound({});
  run(second);
  const std::uint32_t reduced = window(peer);
  EXPECT_EQ(reduced, channel::Congestion::window_first / 2);
  peer.port = 20'500;
  peer.session.submit({});
  run(100 * millisecond);
  ASSERT_EQ(lane.counters().roamed.value(), 1U);
  EXPECT_EQ(window(peer), reduced) << "another port of the same host is the same path";
  peer.host = elsewhere.get();
  peer.session.submit({});
  run(100 * millisecond);
  ASSERT_EQ(lane.counters().roamed.value(), 2U);
  EXPECT_EQ(window(peer), channel::Congestion::window_first);
}

/// Forged datagrams in the names of sessions whose ids the attacker knows, from addresses everywhere.
class RoamFlood : public RoamTest {
 protected:
  RoamFlood() : RoamTest(config()) {}
  using RoamTest::RoamTest;
  static IoConfig config() {
    IoConfig config = default_config();
    config.attempts_max = 64;
    return config;
  }
  static constexpr unsigned own = 60, hosts = 64, a_millisecond = 200;

  /// A NAT forgets the honest player's port in the middle of it. When has the session moved?
  Nanos moved_after(bool own_are_silent) {
    Peer& honest = play(1);
    std::vector<Peer*> attackers;
    for (std::uint64_t id = 2; id < 2 + own; ++id) attackers.push_back(&play(id));
    std::vector<std::unique_ptr<port::LoopPort>> from;
    for (unsigned i = 0; i < hosts; ++i)
      from.push_back(
          rig.network
              .open({.address = port::ipv4_address(static_cast<std::uint8_t>(20 + i), 1, 1, 1), .port_first = 6'000})
              .value());
    for (Peer* attacker : attackers) static_cast<void>(sending_key(*attacker));
    // Opened last: what is due at the same time arrives in the order of the ports, so behind the flood.
    const auto rebound = rig.network.open({.address = port::ipv4_address(10, 0, 0, 2), .port_first = 22'000}).value();
    base::Prng random{3};
    unsigned turn = 0;
    const auto one = [&] {
      // One session after the other begins, so that not all of them run out of what they may at the same moment.
      const unsigned begun = std::min(turn / 8 + 1, own);
      for (unsigned i = 0; i < a_millisecond; ++i)
        send_raw(forge(*attackers[random.below(begun)], {.break_tag = true}), 6'000, from[random.below(hosts)].get());
      if (turn++ % 16 == 0) {
        honest.session.submit({});
        if (!own_are_silent)
          for (Peer* attacker : attackers) attacker->session.submit({});
      }
      step();
      test::receive_all(*rebound, now,
                        [&](std::span<std::uint8_t> bytes, const wire::Path& path) { deliver(*rebound, bytes, path); });
      discard_rows();
    };
    for (Peer* attacker : attackers) attacker->mute = own_are_silent;
    for (int i = 0; i < 1'000; ++i) one();
    honest.host = rebound.get();
    honest.port = 22'000;
    const Nanos began = now;
    while (lane.counters().roamed.value() == 0 && now < began + 3 * second) one();
    EXPECT_EQ(honest.session.state(), peer::State::playing);
    EXPECT_GT(drops(Drop::foreign_source), 0U);
    return now - began;
  }
};

TEST_F(RoamFlood, APlayerIsFollowedWhenTheAttackersSessionsAreHeard) {
  EXPECT_LE(moved_after(false), 600 * millisecond) << drops_text();
}
TEST_F(RoamFlood, APlayerIsFollowedWhenTheAttackersSessionsAreSilent) {
  EXPECT_LE(moved_after(true), 600 * millisecond) << drops_text();
}

/// So many addresses that none of them fails often, and sessions that may say so much that all of the lane's budget
/// goes to them, but for what is kept for the silent.
struct RoamFloodOfAll : RoamFlood {
  RoamFloodOfAll() : RoamFlood(config()) {}
  static IoConfig config() {
    IoConfig config = RoamFlood::config();
    config.parameters.input_rate_max_hz = 1'000;
    config.abuse_guard.foreign_failures_per_s = config.abuse_guard.foreign_network_failures_per_s = 0;
    return config;
  }
};

TEST_F(RoamFloodOfAll, ASilentPlayerIsFollowedAllTheSame) {
  const Nanos after = moved_after(false);
  EXPECT_GE(after, 200 * millisecond) << "the flood did not reach the budget";
  EXPECT_LE(after, 600 * millisecond) << drops_text();
}

/// An attacker with a login of its own, who wants what the server sends it to go to another host.
class RoamAttack : public RoamTest {
 protected:
  static constexpr std::uint16_t victim = 20'900;  ///< a port of `elsewhere` that the attacker cannot hear
  /// What begins four cookies in a row.
  std::array<std::uint64_t, 4> collect_cookies() {
    Peer& own = add_peer(claims_for(99));
    own.mute = own.deaf = true;
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    EXPECT_EQ(own.session.send(bytes, now), bytes.size());
    std::array<std::uint64_t, 4> beginnings{};
    for (auto& beginning : beginnings) {
      send_raw(bytes, own.port);
      lane.poll(now);
      receive();
      beginning = cookie_beginning(last_datagram);
      now += second;
    }
    return beginnings;
  }
  void say(Peer& peer, const std::vector<std::uint64_t>& ids) {
    peer.host = elsewhere.get();
    send(peer, {.body = body_of(static_cast<unsigned>(ids.size()),
                                [&](base::ByteWriter& out, unsigned i) {
                                  message::encode(out, message::Pong{ids[i], 2, 3});
                                }),
                .from = victim});
  }
};

TEST_F(RoamAttack, ASessionDoesNotMoveToAnAddressThatNeverSawTheProbe) {
  Peer& peer = play(1);
  take_over(peer);
  Foresight foresight{collect_cookies()};
  say(peer, {1});  // in the victim's name: makes the server probe it
  run(2 * millisecond);
  for (int datagram = 0; datagram < 4; ++datagram) {
    std::vector<std::uint64_t> guesses(40);
    for (auto& guess : guesses) guess = foresight.next();
    say(peer, guesses);
    run(2 * millisecond);
  }
  EXPECT_EQ(lane.counters().roamed.value(), 0U);
}

TEST_F(RoamAttack, OnePongOfADatagramCounts) {
  Peer& peer = play(1);
  take_over(peer);
  say(peer, {1});
  run(2 * millisecond);
  std::vector<std::uint8_t> probe = last_datagram;
  const wire::Header header = wire::read_header(probe.data());
  ASSERT_TRUE(crypt::open_in_place(peer.session.opening_key(header.flags), header.connection_id, header.sequence,
                                   probe.data(), 0,
                                   probe.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes));
  base::ByteReader body{std::span{probe}.subspan(
      wire::header_bytes, probe.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes)};
  channel::AckBlock acks;
  if ((header.flags & wire::flag::acknowledgment) != 0) {
    ASSERT_TRUE(channel::read_ack_block(body, acks));
  }
  message::Framed framed;
  message::Ping ping;
  ASSERT_TRUE(message::next(body, framed));
  ASSERT_TRUE(message::decode(framed.content, ping));
  const std::uint64_t id = ping.id;
  const std::uint64_t refused = drops(Drop::unexpected_message);
  say(peer, {1, 2, id});
  run(2 * millisecond);
  EXPECT_EQ(lane.counters().roamed.value(), 0U) << "the first counts";
  EXPECT_EQ(drops(Drop::unexpected_message), refused + 3) << "one wrong, two too many";
  say(peer, {id, 1});
  run(2 * millisecond);
  EXPECT_EQ(lane.counters().roamed.value(), 1U);
}

}  // namespace
}  // namespace serried::io
