#include "port/loop.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace serried::port {
namespace {

const Address server_address = ipv4_address(10, 0, 0, 1);
const Address client_address = ipv4_address(10, 0, 0, 2);

struct Wire {
  explicit Wire(const LoopNetworkConfig& config = {}) : network(config) {
    server = std::move(network.open({server_address, 4000, 0, 1024}).value());
    client = std::move(network.open({client_address, 5000, 5009, 1024}).value());
  }
  LoopNetwork network;
  std::unique_ptr<LoopPort> server, client;
};

void append(LoopPort& port, wire::Batch& batch, const std::string& text, const wire::Path& to) {
  wire::Buffer buffer;
  ASSERT_EQ(port.acquire({&buffer, 1}), 1U);
  std::memcpy(buffer.data, text.data(), text.size());
  batch.append(buffer.data, text.size(), buffer.owner, to);
}

void send(LoopPort& port, const std::string& text, const wire::Path& to, Nanos now) {
  wire::Batch batch;
  append(port, batch, text, to);
  port.transmit(batch, now);
  EXPECT_EQ(batch.rows, 0U);
}

/// Everything that is due, as text.
std::vector<std::string> drain(LoopPort& port, Nanos now) {
  std::vector<std::string> texts;
  for (wire::Batch batch;; port.release(batch)) {
    port.receive(batch, now);
    if (batch.rows == 0) return texts;
    for (unsigned row = 0; row < batch.rows; ++row)
      texts.emplace_back(reinterpret_cast<const char*>(batch.data[row]), batch.length[row]);
  }
}

bool balanced(const LoopNetwork& network) {
  const LoopCounters& c = network.counters();
  return c.sent + c.duplicated == c.delivered + c.lost + c.overflowed + c.unroutable + c.missed + network.in_flight();
}

TEST(Loop, CarriesADatagramThereAndBack) {
  Wire wire;
  send(*wire.client, "hello", endpoint(server_address, 4000, 5003), 100);
  wire::Batch batch;
  wire.server->receive(batch, 100);
  ASSERT_EQ(batch.rows, 1U);
  ASSERT_EQ(batch.live_rows, 1U);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(batch.data[0]), batch.length[0]), "hello");
  EXPECT_EQ(batch.path[0].address, client_address);
  EXPECT_EQ(batch.path[0].port, 5003);
  EXPECT_EQ(batch.path[0].local_port, 4000);

  batch.data[0][0] = 'j';
  wire.server->transmit(batch, 200);  // the received buffer, along the received path
  EXPECT_EQ(drain(*wire.client, 200), std::vector<std::string>{"jello"});
  EXPECT_EQ(wire.server->outstanding(), 0U);
  EXPECT_EQ(wire.client->outstanding(), 0U);
  EXPECT_EQ(wire.server->counters().tx_packets.value(), 1U);
  EXPECT_EQ(wire.server->counters().rx_packets.value(), 1U);
}

TEST(Loop, HoldsDatagramsUntilTheyAreDue) {
  LoopNetworkConfig config;
  config.profile.delay_min = config.profile.delay_max = 5 * millisecond;
  Wire wire(config);
  send(*wire.client, "late", endpoint(server_address, 4000), 0);
  EXPECT_EQ(wire.network.next_due(), 5 * millisecond);
  EXPECT_TRUE(drain(*wire.server, 5 * millisecond - 1).empty());
  EXPECT_EQ(drain(*wire.server, 5 * millisecond).size(), 1U);
  EXPECT_EQ(wire.network.next_due(), ~Nanos{0});
}

TEST(Loop, DropsRowsThatLeftLiveAndReleasesTheirBuffers) {
  Wire wire;
  wire::Batch batch;
  append(*wire.client, batch, "a", endpoint(server_address, 4000));
  append(*wire.client, batch, "b", endpoint(server_address, 4000));
  metrics::DropCounters drops;
  batch.filter(drops, [](unsigned row) { return row == 0 ? metrics::Drop::bad_crc : metrics::Drop::none; });
  wire.client->transmit(batch, 0);
  EXPECT_EQ(drain(*wire.server, 0), std::vector<std::string>{"b"});
  EXPECT_EQ(wire.client->outstanding(), 0U);
}

std::vector<std::string> history(std::uint64_t seed, LoopCounters* counters = nullptr) {
  LoopNetworkConfig config;
  config.seed = seed;
  config.profile = {0.1, 0.1, 0.1, millisecond, 20 * millisecond, false};
  Wire wire(config);
  std::vector<std::string> seen;
  for (Nanos now = 0; now < second; now += millisecond) {
    if (now < 900 * millisecond)
      send(*wire.client, "datagram " + std::to_string(now), endpoint(server_address, 4000), now);
    for (auto& text : drain(*wire.server, now)) seen.push_back(std::to_string(now) + text);
    EXPECT_TRUE(balanced(wire.network));
  }
  EXPECT_EQ(wire.network.in_flight(), 0U);
  EXPECT_EQ(wire.server->outstanding() + wire.client->outstanding(), 0U);
  if (counters != nullptr) *counters = wire.network.counters();
  return seen;
}

TEST(Loop, OneSeedOneHistory) {
  LoopCounters counters;
  const auto first = history(7, &counters);
  EXPECT_EQ(first, history(7));
  EXPECT_NE(first, history(8));
  EXPECT_GT(counters.lost, 40U);
  EXPECT_LT(counters.lost, 180U);
  EXPECT_GT(counters.duplicated, 40U);
  EXPECT_GT(counters.flipped, 40U);
  EXPECT_EQ(counters.delivered, first.size());
}

TEST(Loop, FateDoesNotDependOnPollingOrder) {
  const auto run = [](bool server_first) {
    LoopNetworkConfig config;
    config.profile = {0.3, 0, 0, 0, 3 * millisecond, false};
    Wire wire(config);
    std::vector<std::string> seen;
    for (Nanos now = 0; now < 100 * millisecond; now += millisecond) {
      const auto one = [&] { send(*wire.server, std::to_string(now) + "s", endpoint(client_address, 5000), now); };
      const auto two = [&] { send(*wire.client, std::to_string(now) + "c", endpoint(server_address, 4000), now); };
      if (server_first) one();
      two();
      if (!server_first) one();
      for (auto& text : drain(*wire.server, now)) seen.push_back(text);
      for (auto& text : drain(*wire.client, now)) seen.push_back(text);
    }
    return seen;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Loop, JitterReordersUnlessInOrderIsSet) {
  for (const bool in_order : {false, true}) {
    LoopNetworkConfig config;
    config.profile.delay_max = 50 * millisecond;
    config.profile.in_order = in_order;
    Wire wire(config);
    for (unsigned i = 0; i < 100; ++i) {
      send(*wire.client, std::string(1, static_cast<char>(i)), endpoint(server_address, 4000), i * millisecond);
    }
    const auto texts = drain(*wire.server, second);
    ASSERT_EQ(texts.size(), 100U);
    EXPECT_EQ(std::is_sorted(texts.begin(), texts.end()), in_order);
  }
}

TEST(Loop, ProfilesAreOfADirectionAndChangeAtRunTime) {
  Wire wire;
  wire.client->set_outbound({1.0});
  send(*wire.client, "x", endpoint(server_address, 4000), 0);
  send(*wire.server, "y", endpoint(client_address, 5000), 0);
  EXPECT_TRUE(drain(*wire.server, second).empty());
  EXPECT_EQ(drain(*wire.client, second).size(), 1U);
  wire.client->set_outbound({});
  wire.client->set_inbound({1.0});
  send(*wire.client, "x", endpoint(server_address, 4000), 0);
  send(*wire.server, "y", endpoint(client_address, 5000), 0);
  EXPECT_EQ(drain(*wire.server, second).size(), 1U);
  EXPECT_TRUE(drain(*wire.client, second).empty());
  EXPECT_EQ(wire.network.counters().lost, 2U);
}

TEST(Loop, FlipChangesOneBit) {
  LoopNetworkConfig config;
  config.profile.flip = 1;
  Wire wire(config);
  const std::string zeros(40, '\0');
  for (int i = 0; i < 50; ++i) send(*wire.client, zeros, endpoint(server_address, 4000), 0);
  for (const auto& text : drain(*wire.server, 0)) {
    int bits = 0;
    for (const char byte : text) bits += __builtin_popcount(static_cast<unsigned char>(byte));
    EXPECT_EQ(bits, 1);
  }
}

TEST(Loop, AFullWireCountsWhatItLoses) {
  LoopNetworkConfig config;
  config.in_flight_max = 3;
  Wire wire(config);
  for (int i = 0; i < 5; ++i) send(*wire.client, "x", endpoint(server_address, 4000), 0);
  EXPECT_EQ(wire.network.counters().overflowed, 2U);
  EXPECT_EQ(drain(*wire.server, 0).size(), 3U);
  send(*wire.client, "x", endpoint(server_address, 4000), 0);
  EXPECT_EQ(drain(*wire.server, 0).size(), 1U);
  EXPECT_TRUE(balanced(wire.network));
}

TEST(Loop, AReceiverWithoutBuffersMisses) {
  Wire wire;
  std::vector<wire::Buffer> all(2000);
  const unsigned taken = wire.server->acquire(all);
  EXPECT_EQ(taken, 1024U);
  send(*wire.client, "x", endpoint(server_address, 4000), 0);
  EXPECT_TRUE(drain(*wire.server, 0).empty());
  const PortCounters& counters = wire.server->counters();
  EXPECT_EQ(counters.drops.value(metrics::Drop::nic_missed), 1U);
  EXPECT_EQ(counters.rx_frames.value(), counters.drops.total(metrics::DropUnit::frame));
  for (unsigned i = 0; i < taken; ++i) wire.server->release(all[i]);
  EXPECT_EQ(wire.server->outstanding(), 0U);
  EXPECT_TRUE(balanced(wire.network));
}

TEST(Loop, RoamingLosesWhatWasOnItsWayToTheOldAddress) {
  LoopNetworkConfig config;
  config.profile.delay_min = config.profile.delay_max = millisecond;
  Wire wire(config);
  send(*wire.server, "old", endpoint(client_address, 5000), 0);
  ASSERT_TRUE(wire.client->rebind(ipv4_address(10, 0, 0, 99), 7000));
  EXPECT_TRUE(drain(*wire.client, millisecond).empty());
  EXPECT_EQ(wire.network.counters().unroutable, 1U);
  send(*wire.client, "new", endpoint(server_address, 4000), millisecond);
  wire::Batch batch;
  wire.server->receive(batch, 2 * millisecond);
  ASSERT_EQ(batch.rows, 1U);
  EXPECT_EQ(batch.path[0].port, 7000);
  EXPECT_EQ(batch.path[0].address, ipv4_address(10, 0, 0, 99));
  wire.server->release(batch);
  EXPECT_TRUE(balanced(wire.network));
}

TEST(Loop, RefusesWhatItDoesNotOwnOrCannotCarry) {
  Wire wire;
  send(*wire.client, "x", endpoint(server_address, 4000, 6000), 0);  // 6000 is not one of its ports
  EXPECT_EQ(wire.client->counters().drops.value(metrics::Drop::no_next_hop), 1U);
  send(*wire.client, "x", endpoint(server_address, 4001), 0);  // no port there
  EXPECT_EQ(wire.network.counters().unroutable, 1U);
  EXPECT_TRUE(balanced(wire.network));
}

TEST(Loop, ATakenAddressIsAClearError) {
  Wire wire;
  const auto again = wire.network.open({server_address, 4000, 4001});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("10.0.0.1:4000 is taken"), std::string::npos) << again.error().message;
  EXPECT_FALSE(wire.network.open({server_address, 0}));
}

TEST(Loop, SharedPortsSplitSourcesAndKeepEachOnOne) {
  LoopNetwork network({});
  auto one = std::move(network.open({server_address, 4000, 0, 512, true}).value());
  auto two = std::move(network.open({server_address, 4000, 0, 512, true}).value());
  auto client = std::move(network.open({client_address, 5000, 5099, 512}).value());
  for (int round = 0; round < 2; ++round)
    for (std::uint16_t port = 5000; port < 5100; ++port) send(*client, "x", endpoint(server_address, 4000, port), 0);
  std::vector<int> seen_by_one(65536), seen_by_two(65536);
  const auto count = [](LoopPort& port, std::vector<int>& seen) {
    unsigned total = 0;
    for (wire::Batch batch;; port.release(batch)) {
      port.receive(batch, 0);
      if (batch.rows == 0) return total;
      for (unsigned row = 0; row < batch.rows; ++row, ++total) ++seen[batch.path[row].port];
    }
  };
  const unsigned first = count(*one, seen_by_one), second_share = count(*two, seen_by_two);
  EXPECT_EQ(first + second_share, 200U);
  EXPECT_GT(first, 40U);
  EXPECT_GT(second_share, 40U);
  for (std::uint16_t port = 5000; port < 5100; ++port) EXPECT_TRUE(seen_by_one[port] == 0 || seen_by_two[port] == 0);
}

TEST(Loop, ScatteredDatagramsOfOneSourceComeToAllPortsAndARunRepeatsItself) {
  const auto run = [] {
    LoopNetwork network({.scatter = true});
    std::vector<std::unique_ptr<LoopPort>> lanes;
    for (int i = 0; i < 4; ++i) lanes.push_back(network.open({server_address, 4000, 0, 512, true}).value());
    auto client = network.open({client_address, 5000, 0, 512}).value();
    for (int i = 0; i < 100; ++i) send(*client, std::to_string(i), endpoint(server_address, 4000), 0);
    std::vector<std::vector<std::string>> seen;
    for (auto& lane : lanes) seen.push_back(drain(*lane, 0));
    return seen;
  };
  const auto seen = run();
  std::size_t total = 0;
  for (const auto& of_one : seen) {
    EXPECT_GT(of_one.size(), 10U);
    total += of_one.size();
  }
  EXPECT_EQ(total, 100U);
  EXPECT_EQ(seen, run());
}

}  // namespace
}  // namespace serried::port
