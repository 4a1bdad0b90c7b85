/// Datagrams that come to one io lane and belong to another: the two stages and the rings between them.
#include "io/handover.h"

#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;
using session::make_id;

/// The state of one io lane of several, without a port: bursts are made by hand.
struct OneOfSeveral {
  OneOfSeveral(unsigned lane, const HandoverMesh& mesh)
      : link(64, 64),
        handshake(4, 16),
        state(config_of(lane), {&link}, handshake, crypt::CookieJar{root}, entropy.entropy()) {
    state.handover.links = mesh.links_of(lane);
  }
  static IoConfig config_of(unsigned lane) {
    IoConfig config;
    config.lane = lane;
    config.sessions_max = 16;
    config.chunks = 64;
    config.small_blocks = 2;
    config.large_blocks = 1;
    return config;
  }
  [[nodiscard]] std::uint64_t drops(Drop reason) const { return state.counters.drops.value(reason); }

  SeededEntropy entropy{3};
  crypt::Secret root;
  link::IoShardLink link;
  link::HandshakeLink handshake;
  IoState state;
};

class Handover : public testing::Test {
 protected:
  void make_lanes(unsigned count, unsigned waiting = HandoverMesh::waiting_max) {
    mesh = std::make_unique<HandoverMesh>(count, waiting);
    for (unsigned i = 0; i < count; ++i) lanes.push_back(std::make_unique<OneOfSeveral>(i, *mesh));
  }
  /// A burst of sealed datagrams with these connection ids, each with bytes, path and header fields of its own.
  wire::Batch& burst_of(const std::vector<std::uint32_t>& ids) {
    batch.clear();
    bytes.clear();
    for (const std::uint32_t id : ids) {
      auto& datagram = bytes.emplace_back(40 + number % 1'160);
      for (std::size_t i = 0; i < datagram.size(); ++i) datagram[i] = static_cast<std::uint8_t>(number + i);
      const unsigned row = batch.append(datagram.data(), datagram.size(), &owner, path_of(number));
      batch.connection_id[row] = id;
      batch.sequence[row] = number;
      batch.channel[row] = static_cast<std::uint8_t>(number % 3);
      batch.flags[row] = wire::flag::sealed;
      ++number;
    }
    return batch;
  }
  static wire::Path path_of(std::uint64_t number) {
    wire::Path path = port::endpoint(port::ipv4_address(10, 0, 0, 9), static_cast<std::uint16_t>(2'000 + number));
    path.vlan = 7;
    path.link = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)};
    path.local_port = 40'000;
    path.local_address = 3;
    return path;
  }
  /// Row `row` of a burst that was taken over is datagram `n` as burst_of made it.
  static void expect_datagram(const wire::Batch& taken, unsigned row, std::uint64_t n) {
    EXPECT_EQ(taken.sequence[row], n);
    EXPECT_EQ(taken.path[row], path_of(n));
    EXPECT_EQ(taken.channel[row], n % 3);
    EXPECT_EQ(taken.flags[row], wire::flag::sealed);
    EXPECT_EQ(taken.owner[row], nullptr);
    EXPECT_EQ(taken.verdict[row], Drop::none);
    ASSERT_EQ(taken.length[row], 40 + n % 1'160);
    for (std::size_t i = 0; i < taken.length[row]; ++i)
      ASSERT_EQ(taken.data[row][i], static_cast<std::uint8_t>(n + i)) << "byte " << i;
  }

  static unsigned of_slot(const wire::Batch& taken, std::uint32_t slot) {
    unsigned count = 0;
    for (unsigned row = 0; row < taken.rows; ++row)
      count += session::slot_of(taken.connection_id[row]) == slot ? 1U : 0U;
    return count;
  }

  std::unique_ptr<HandoverMesh> mesh;
  std::vector<std::unique_ptr<OneOfSeveral>> lanes;
  wire::Batch batch;
  std::vector<std::vector<std::uint8_t>> bytes;
  std::uint64_t number = 0;
  int owner = 0;
};

TEST_F(Handover, OwnDatagramsStayAndOthersReachTheirLane) {
  make_lanes(3);
  const std::uint32_t own = make_id(0, 5, 9), second = make_id(1, 2, 4), third = make_id(2, 2, 4);
  hand_over(lanes[0]->state, burst_of({second, own, third, second, own, second}));
  ASSERT_EQ(batch.live_rows, 2U);
  EXPECT_EQ(batch.live[0], 1);
  EXPECT_EQ(batch.live[1], 4);
  EXPECT_EQ(batch.rows, 6U) << "their buffers are the receiving port's to free";
  EXPECT_EQ(lanes[0]->state.counters.handed_over.value(), 4U);

  wire::Batch taken;
  ASSERT_EQ(take_over(lanes[1]->state, taken), 3U);
  ASSERT_EQ(taken.live_rows, 3U);
  for (const auto& [row, n] : {std::pair{0U, 0U}, {1U, 3U}, {2U, 5U}}) {
    EXPECT_EQ(taken.connection_id[row], second);
    expect_datagram(taken, row, n);
  }
  give_back(lanes[1]->state, taken);
  EXPECT_EQ(taken.rows, 0U);
  EXPECT_EQ(take_over(lanes[1]->state, taken), 0U);
  EXPECT_EQ(lanes[1]->state.counters.taken_over.value(), 3U);

  ASSERT_EQ(take_over(lanes[2]->state, taken), 1U);
  expect_datagram(taken, 0, 2);
  give_back(lanes[2]->state, taken);
  EXPECT_EQ(lanes[0]->state.counters.drops.total(metrics::DropUnit::datagram), 0U);
}

TEST_F(Handover, ALaneThatIsNotThereHasNoSessions) {
  make_lanes(2);
  hand_over(lanes[0]->state, burst_of({make_id(7, 1, 1), make_id(0, 1, 1), make_id(15, 1, 1), make_id(2, 1, 1)}));
  EXPECT_EQ(batch.live_rows, 1U);
  EXPECT_EQ(lanes[0]->drops(Drop::unknown_session), 3U);
  for (const unsigned row : {0U, 2U, 3U}) EXPECT_EQ(batch.verdict[row], Drop::unknown_session);
  EXPECT_EQ(lanes[0]->state.counters.handed_over.value(), 0U);
}

TEST_F(Handover, AServerOfOneLaneHandsNothingOver) {
  make_lanes(1);
  hand_over(lanes[0]->state, burst_of({make_id(3, 1, 1), make_id(0, 1, 1)}));
  EXPECT_EQ(batch.live_rows, 2U) << "admit knows which sessions there are";
  wire::Batch taken;
  EXPECT_EQ(take_over(lanes[0]->state, taken), 0U);
}

TEST_F(Handover, AFullRingDropsTheNewestAndCountsThem) {
  make_lanes(2, 15);
  const std::vector<std::uint32_t> ids(20, make_id(1, 1, 1));
  hand_over(lanes[0]->state, burst_of(ids));
  EXPECT_EQ(lanes[0]->state.counters.handed_over.value(), 15U);
  EXPECT_EQ(lanes[0]->drops(Drop::handover_ring_full), 5U);
  for (unsigned row = 0; row < 20; ++row)
    EXPECT_EQ(batch.verdict[row], row < 15 ? Drop::none : Drop::handover_ring_full);
  hand_over(lanes[0]->state, burst_of(ids));
  EXPECT_EQ(lanes[0]->drops(Drop::handover_ring_full), 25U);

  wire::Batch taken;
  ASSERT_EQ(take_over(lanes[1]->state, taken), 15U);
  // What is being worked on still has its place: nothing overwrites it.
  hand_over(lanes[0]->state, burst_of(ids));
  EXPECT_EQ(lanes[0]->drops(Drop::handover_ring_full), 45U);
  for (unsigned row = 0; row < 15; ++row) expect_datagram(taken, row, row);
  give_back(lanes[1]->state, taken);
  hand_over(lanes[0]->state, burst_of(ids));
  EXPECT_EQ(lanes[0]->state.counters.handed_over.value(), 30U);
}

TEST_F(Handover, RingsWrapAndKeepEveryDatagram) {
  make_lanes(2, 100);
  wire::Batch taken;
  std::uint64_t expected = 0;
  for (int round = 0; round < 200; ++round) {
    hand_over(lanes[0]->state, burst_of(std::vector<std::uint32_t>(1 + round % 64, make_id(1, 1, 1))));
    while (take_over(lanes[1]->state, taken) != 0) {
      for (unsigned row = 0; row < taken.rows; ++row) expect_datagram(taken, row, expected++);
      give_back(lanes[1]->state, taken);
    }
  }
  EXPECT_EQ(expected, number);
}

TEST_F(Handover, AFloodedRingLeavesRoomForTheOthers) {
  make_lanes(4);
  for (int i = 0; i < 4; ++i) hand_over(lanes[0]->state, burst_of(std::vector<std::uint32_t>(64, make_id(3, 0, 1))));
  hand_over(lanes[1]->state, burst_of({make_id(3, 1, 1)}));
  hand_over(lanes[2]->state, burst_of({make_id(3, 2, 1)}));
  wire::Batch taken;
  ASSERT_EQ(take_over(lanes[3]->state, taken), 64U) << "what the others leave is the flooded one's";
  EXPECT_EQ(of_slot(taken, 1), 1U);
  EXPECT_EQ(of_slot(taken, 2), 1U);
  give_back(lanes[3]->state, taken);

  // With two flooded rings the third one has its part too.
  for (int i = 0; i < 4; ++i) hand_over(lanes[1]->state, burst_of(std::vector<std::uint32_t>(64, make_id(3, 1, 1))));
  hand_over(lanes[2]->state, burst_of(std::vector<std::uint32_t>(64, make_id(3, 2, 1))));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(take_over(lanes[3]->state, taken), 64U);
    for (const std::uint32_t slot : {0U, 1U, 2U}) EXPECT_GE(of_slot(taken, slot), 21U) << "burst " << i;
    give_back(lanes[3]->state, taken);
  }
}

TEST_F(Handover, WhatIsLeftAtTheEndIsAccountedFor) {
  make_lanes(2);
  hand_over(lanes[0]->state, burst_of(std::vector<std::uint32_t>(50, make_id(1, 1, 1))));
  hand_over(lanes[0]->state, burst_of(std::vector<std::uint32_t>(50, make_id(1, 1, 1))));
  discard_handed(lanes[1]->state);
  EXPECT_EQ(lanes[1]->state.counters.taken_over.value(), 100U);
  EXPECT_EQ(lanes[1]->drops(Drop::session_ending), 100U);
  wire::Batch taken;
  EXPECT_EQ(take_over(lanes[1]->state, taken), 0U);
}

TEST_F(Handover, SixteenLanesHaveRoomForABurstOfEach) {
  const HandoverMesh many{16};
  const HandoverLinks links = many.links_of(15);
  ASSERT_EQ(links.to.size(), 16U);
  for (unsigned lane = 0; lane < 15; ++lane) {
    EXPECT_EQ(many.links_of(lane).to[15], links.from[lane]) << "a pair shares one ring a direction";
    EXPECT_GE(links.to[lane]->free(), 2 * wire::Batch::capacity);
  }
  EXPECT_EQ(links.to[15], nullptr);
  EXPECT_EQ(links.from[15], nullptr);
}

/// Fill the ring to a lane with forgeries, and let datagrams of its own come. Expect one poll to look at all of its own
/// and at four bursts of the others, and every datagram to be accounted for when the lanes close.
TEST_F(Handover, AFloodHasNoMoreThanItsShareOfAPoll) {
  make_lanes(2);
  port::LoopNetwork network({.seed = 1});
  const auto server = network.open({.address = port::ipv4_address(10, 0, 0, 1), .port_first = 40'000}).value();
  const auto client = network.open({.address = port::ipv4_address(10, 0, 0, 2), .port_first = 20'000}).value();
  OneOfSeveral& parts = *lanes[1];
  IoLane<port::LoopPort> lane(OneOfSeveral::config_of(1), *server, {&parts.link}, parts.handshake,
                              crypt::CookieJar{parts.root}, parts.entropy.entropy());
  lane.attach(mesh->links_of(1));

  constexpr unsigned flood = HandoverMesh::waiting_max, own = 100, bursts = 4;
  for (unsigned i = 0; i < flood; i += 64)
    hand_over(lanes[0]->state, burst_of(std::vector<std::uint32_t>(std::min(64U, flood - i), make_id(1, 1, 1))));
  ASSERT_EQ(lanes[0]->state.counters.handed_over.value(), flood);
  for (unsigned i = 0; i < own; ++i) {
    wire::Buffer buffer;
    ASSERT_EQ(client->acquire({&buffer, 1}), 1U);
    const std::span<std::uint8_t> datagram{buffer.data, 60};
    std::fill(datagram.begin(), datagram.end(), std::uint8_t{7});
    wire::compose_header(buffer.data, {make_id(1, 3, 3), 0, wire::flag::sealed, i + 1});
    wire::stamp_one(datagram, wire::CrcSeed{OneOfSeveral::config_of(1).protocol_id});
    wire::Batch one;
    one.append(buffer.data, datagram.size(), buffer.owner, server->local());
    client->transmit(one, 0);
  }

  const IoCounters& counters = lane.counters();
  EXPECT_GT(lane.poll(second), 0U);
  EXPECT_EQ(server->counters().rx_packets.value(), own);
  EXPECT_EQ(counters.taken_over.value(), bursts * wire::Batch::capacity);
  EXPECT_EQ(counters.drops.value(Drop::unknown_session), own + bursts * wire::Batch::capacity);
  lane.close();
  EXPECT_EQ(counters.taken_over.value(), flood);
  EXPECT_EQ(counters.drops.value(Drop::session_ending), flood - bursts * wire::Batch::capacity);
  EXPECT_EQ(own + flood, counters.drops.total(metrics::DropUnit::datagram));
  EXPECT_EQ(server->outstanding(), 0U);
}

/// Say where the rings of each lane are to be made. Expect to be asked once a lane, and for those that it reads.
TEST(HandoverMesh, RingsAreMadeForTheLaneThatReadsThem) {
  std::vector<unsigned> asked;
  const HandoverMesh mesh{3, 100, [&](unsigned lane, const std::function<void()>& make) {
                            asked.push_back(lane);
                            make();
                          }};
  EXPECT_EQ(asked, (std::vector<unsigned>{0, 1, 2}));
  for (unsigned lane = 0; lane < 3; ++lane) {
    const HandoverLinks links = mesh.links_of(lane);
    ASSERT_EQ(links.from.size(), 3U);
    for (unsigned other = 0; other < 3; ++other) {
      EXPECT_EQ(links.from[other] != nullptr, other != lane);
      EXPECT_EQ(links.from[other], mesh.links_of(other).to[lane]);
    }
  }
  const HandoverMesh none{2, 100, [](unsigned lane, const std::function<void()>& make) {
                            if (lane == 1) make();
                          }};
  EXPECT_EQ(none.links_of(0).from[1], nullptr);
  EXPECT_NE(none.links_of(1).from[0], nullptr);
}

}  // namespace
}  // namespace serried::io
