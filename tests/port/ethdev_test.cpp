#include "port/ethdev.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "port/eal.h"

namespace serried::port {
namespace {

const Address left_ipv4 = ipv4_address(10, 1, 0, 1), right_ipv4 = ipv4_address(10, 1, 0, 2);

bool start_once() {
  static const bool started = [] {
    const auto done = start_eal({"--no-huge", "--no-pci", "-m", "256", "--no-shconf", "--lcores", "0", "--log-level",
                                 "error", "--vdev", "net_null0,size=64"});
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return static_cast<bool>(done);
  }();
  return started;
}

/// Ends EAL when all tests are through.
class Eal : public testing::Environment {
 public:
  void TearDown() override { stop_eal(); }
};
[[maybe_unused]] const auto* const eal = testing::AddGlobalTestEnvironment(new Eal);

EthdevConfig config_of(const std::string& device, const char* ipv4, const char* ipv6, std::uint16_t port) {
  EthdevConfig config;
  config.device = device;
  config.host.has_ipv4 = config.host.has_ipv6 = true;
  config.host.ipv4 = parse_local_address(ipv4).value();
  config.host.ipv6 = parse_local_address(ipv6).value();
  config.host.port_first = port;
  config.rx_descriptors = config.tx_descriptors = 256;
  config.buffers = 2048;
  return config;
}

std::unique_ptr<EthdevDevice> open(const EthdevConfig& config) {
  auto device = EthdevDevice::open(config);
  EXPECT_TRUE(device) << (device ? "" : device.error().message);
  return device ? std::move(device.value()) : nullptr;
}

void append(wire::Batch& batch, Ethdev& from, const std::string& text, const wire::Path& to) {
  wire::Buffer buffer;
  ASSERT_EQ(from.acquire({&buffer, 1}), 1U);
  std::memcpy(buffer.data, text.data(), text.size());
  batch.append(buffer.data, text.size(), buffer.owner, to);
}

/// A server that learns, and a client that speaks first and asks for addresses, on one wire.
class RingPairTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start_once());
    static int number = 0;
    const auto pair = make_ring_pair("p" + std::to_string(number++), queues_, 256);
    ASSERT_TRUE(pair) << pair.error().message;
    EthdevConfig server = config_of(pair.value().first, "10.1.0.1/24", "fd00::1/64", 4000);
    EthdevConfig client = config_of(pair.value().second, "10.1.0.2/24", "fd00::2/64", 5000);
    client.host.port_last = 5009;
    client.host.next_hop = NextHop::arp;
    server.queues = client.queues = queues_;
    server.host.vlan = client.host.vlan = vlan_;
    server_ = open(server);
    client_ = open(client);
    ASSERT_TRUE(server_ != nullptr && client_ != nullptr);
  }
  void expect_identity(const Ethdev& lane) {
    const PortCounters& c = lane.counters();
    EXPECT_EQ(c.received_frames.value(),
              c.delivered_datagrams.value() + c.host_frames.value() + c.drops.total(observe::DropUnit::frame));
  }
  unsigned queues_ = 1;
  std::uint16_t vlan_ = 0;
  std::unique_ptr<EthdevDevice> server_, client_;
};

class TaggedRingPairTest : public RingPairTest {
 protected:
  TaggedRingPairTest() { vlan_ = 42; }
};
class TwoQueueTest : public RingPairTest {
 protected:
  TwoQueueTest() { queues_ = 2; }
};

void resolve_and_echo(Ethdev& client, Ethdev& server, bool ipv6, std::uint16_t vlan) {
  wire::Batch batch;
  wire::Path to = server.local(ipv6);
  to.link = {};
  to.vlan = 0;
  to.local_port = 5003;
  append(batch, client, "first", to);
  client.transmit(batch, second);  // nobody knows where to: the question leaves in its place
  EXPECT_EQ(client.counters().drops.value(observe::Drop::no_next_hop), ipv6 ? 2U : 1U);
  server.receive(batch, second);
  EXPECT_EQ(batch.rows, 0U);
  client.receive(batch, second);
  EXPECT_EQ(batch.rows, 0U);

  append(batch, client, "again", to);
  append(batch, client, std::string(1200, 'x'), to);
  client.transmit(batch, second + 1);
  server.receive(batch, second + 1);
  ASSERT_EQ(batch.live_rows, 2U);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(batch.data[0]), batch.length[0]), "again");
  EXPECT_EQ(batch.length[1], 1200);
  EXPECT_EQ(batch.path[0].address, client.local(ipv6).address);
  EXPECT_EQ(batch.path[0].port, 5003);
  EXPECT_EQ(batch.path[0].local_port, 4000);
  EXPECT_EQ(batch.path[0].vlan, vlan);
  EXPECT_EQ(batch.path[0].link, client.local().link);
  batch.data[0] += 2;  // what is sent may lie anywhere in its buffer
  batch.length[0] = 3;
  server.transmit(batch, second + 1);
  client.receive(batch, second + 1);
  ASSERT_EQ(batch.live_rows, 2U);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(batch.data[0]), batch.length[0]), "ain");
  EXPECT_EQ(batch.path[0].local_port, 5003);
  client.release(batch);
}

TEST_F(RingPairTest, ResolvesAndEchoesOverBothFamilies) {
  for (const bool ipv6 : {false, true}) resolve_and_echo(client_->lane(0), server_->lane(0), ipv6, 0);
  expect_identity(client_->lane(0));
  expect_identity(server_->lane(0));
  EXPECT_EQ(server_->lane(0).counters().host_frames.value(), 2U);
  EXPECT_EQ(server_->lane(0).counters().sent_host_frames.value(), 2U);
  EXPECT_EQ(client_->lane(0).counters().sent_host_frames.value(), 2U);
  EXPECT_EQ(client_->lane(0).outstanding() + server_->lane(0).outstanding(), 0U);
}

TEST_F(TaggedRingPairTest, ResolvesAndEchoesTagged) {
  for (const bool ipv6 : {false, true}) resolve_and_echo(client_->lane(0), server_->lane(0), ipv6, 42);
  expect_identity(server_->lane(0));
}

TEST_F(TwoQueueTest, WhatOneLaneLearnsTheOtherKnows) {
  wire::Batch batch;
  wire::Path to = server_->lane(0).local();
  append(batch, client_->lane(0), "x", to);
  client_->lane(0).transmit(batch, second);
  server_->lane(0).receive(batch, second);
  client_->lane(0).receive(batch, second);  // the answer comes to queue 0
  append(batch, client_->lane(1), "y", to);
  client_->lane(1).transmit(batch, second);
  server_->lane(1).receive(batch, second);
  EXPECT_EQ(batch.live_rows, 1U);
  server_->lane(1).release(batch);
  EXPECT_FALSE(server_->report().notes.empty());  // two queues, and no RSS: said
}

TEST_F(RingPairTest, AFullTransmitRingIsCountedAndFreed) {
  Ethdev& server = server_->lane(0);
  wire::Path to = client_->lane(0).local();
  for (int burst = 0; burst < 8; ++burst) {
    wire::Batch batch;
    for (int row = 0; row < 64; ++row) append(batch, server, "x", to);
    server.transmit(batch, 0);
    EXPECT_EQ(batch.rows, 0U);
  }
  const PortCounters& c = server.counters();
  EXPECT_EQ(c.sent_datagrams.value(), 255U);  // a ring of 256 holds one less
  EXPECT_EQ(c.drops.value(observe::Drop::transmit_full), 512U - 255U);
  EXPECT_EQ(server.outstanding(), 255U);
  unsigned received = 0;
  for (wire::Batch batch;; client_->lane(0).release(batch)) {
    client_->lane(0).receive(batch, 0);
    received += batch.rows;
    if (batch.rows == 0) break;
  }
  EXPECT_EQ(received, 255U);
  EXPECT_EQ(server.outstanding(), 0U);
}

TEST_F(RingPairTest, QuestionsAreAskedOnceASecond) {
  Ethdev& client = client_->lane(0);
  wire::Batch batch;
  for (Nanos now = second; now < 4 * second; now += 100 * millisecond) {
    append(batch, client, "x", endpoint(ipv4_address(10, 1, 0, 77), 4000));
    client.transmit(batch, now);
  }
  EXPECT_EQ(client.counters().sent_host_frames.value(), 3U);
  EXPECT_EQ(client.counters().drops.value(observe::Drop::no_next_hop), 30U);
  append(batch, client, "x", endpoint(ipv4_address(192, 0, 2, 1), 4000));  // off the link, and no gateway
  client.transmit(batch, 4 * second);
  EXPECT_EQ(client.counters().sent_host_frames.value(), 3U);
  EXPECT_EQ(client.outstanding(), 3U);
}

TEST_F(RingPairTest, RunsOutOfBuffersAndRecovers) {
  Ethdev& client = client_->lane(0);
  std::vector<wire::Buffer> all(4096);
  const unsigned taken = client.acquire(all);
  EXPECT_EQ(taken, client_->report().buffers);
  EXPECT_EQ(client.acquire({all.data() + taken, 1}), 0U);
  for (unsigned i = 0; i < taken; ++i) client.release(all[i]);
  EXPECT_EQ(client.outstanding(), 0U);
  client_->poll_missed();
  EXPECT_TRUE(client_->link_up());
}

/// net_null makes frames of zeros for ever: none is ours, each is counted.
TEST(Ethdev, CountsEveryFrameOfTheNullDevice) {
  ASSERT_TRUE(start_once());
  auto device = open(config_of("net_null0", "10.1.0.1/24", "fd00::1/64", 4000));
  ASSERT_TRUE(device != nullptr);
  wire::Batch batch;
  for (int i = 0; i < 100; ++i) {
    device->lane(0).receive(batch, 0);
    EXPECT_EQ(batch.rows, 0U);
  }
  const PortCounters& c = device->lane(0).counters();
  EXPECT_GT(c.received_frames.value(), 1000U);
  EXPECT_EQ(c.received_frames.value(), c.drops.value(observe::Drop::foreign_frame));
  EXPECT_FALSE(device->report().text().empty());
}

TEST(Ethdev, MistakesGetOneClearSentence) {
  ASSERT_TRUE(start_once());
  const auto fault = [](const auto& change) {
    EthdevConfig config = config_of("net_null0", "10.1.0.1/24", "fd00::1/64", 4000);
    change(config);
    const auto device = EthdevDevice::open(config);
    return device ? std::string("none") : device.error().message;
  };
  EXPECT_NE(fault([](auto& c) { c.device = "net_nowhere"; }).find("there is no ethdev \"net_nowhere\""),
            std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.has_ipv4 = c.host.has_ipv6 = false; }).find("needs an IPv4"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.port_first = 0; }).find("UDP ports"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.vlan = 5000; }).find("VLAN 5000"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.host.next_hop = NextHop::static_mac; }).find("MAC is missing"), std::string::npos);
  EXPECT_NE(fault([](auto& c) { c.mtu = 576; }).find("MTU 576"), std::string::npos);
  EXPECT_NE(fault([](auto& c) {
              c.host.next_hop = NextHop::arp;
              c.host.ipv4.prefix_bits = 32;
              c.host.ipv6.prefix_bits = 128;
            }).find("prefix"),
            std::string::npos);
  const auto again = start_eal({"--no-huge"});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("runs already"), std::string::npos);
}

}  // namespace
}  // namespace serried::port
