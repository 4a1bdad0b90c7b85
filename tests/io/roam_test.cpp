/// Clients whose address changes, and datagrams that only look like it.
#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;

class RoamTest : public LaneTest {
 protected:
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

}  // namespace
}  // namespace serried::io
