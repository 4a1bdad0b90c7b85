#include "port/ethdev.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <rte_dev.h>

#include "frames.h"
#include "port/eal.h"
#include "shared_eal.h"

namespace serried::port {
namespace {

EthdevConfig ethdev_config(const std::string& device, const char* ipv4, const char* ipv6, std::uint16_t port) {
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
    ASSERT_TRUE(shared_eal_runs());
    static int number = 0;
    const auto pair = make_ring_pair("p" + std::to_string(number++), queues_, 256);
    ASSERT_TRUE(pair) << pair.error().message;
    EthdevConfig server = ethdev_config(pair.value().first, "10.1.0.1/24", "fd00::1/64", 4000);
    EthdevConfig client = ethdev_config(pair.value().second, "10.1.0.2/24", "fd00::2/64", 5000);
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
    EXPECT_EQ(c.rx_frames.value(),
              c.rx_packets.value() + c.rx_host_frames.value() + c.drops.total(metrics::DropUnit::frame));
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
  client.transmit(batch, second);  // the destination is not known: the question leaves in its place
  EXPECT_EQ(client.counters().drops.value(metrics::Drop::no_next_hop), ipv6 ? 2U : 1U);
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
  EXPECT_EQ(server_->lane(0).counters().rx_host_frames.value(), 2U);
  EXPECT_EQ(server_->lane(0).counters().tx_host_frames.value(), 2U);
  EXPECT_EQ(client_->lane(0).counters().tx_host_frames.value(), 2U);
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
  EXPECT_EQ(c.tx_packets.value(), 255U);  // a ring of 256 holds one less
  EXPECT_EQ(c.drops.value(metrics::Drop::transmit_full), 512U - 255U);
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
  EXPECT_EQ(client.counters().tx_host_frames.value(), 3U);
  EXPECT_EQ(client.counters().drops.value(metrics::Drop::no_next_hop), 30U);
  append(batch, client, "x", endpoint(ipv4_address(192, 0, 2, 1), 4000));  // off the link, and no gateway
  client.transmit(batch, 4 * second);
  EXPECT_EQ(client.counters().tx_host_frames.value(), 3U);
  EXPECT_EQ(client.outstanding(), 3U);
}

TEST_F(RingPairTest, RunsOutOfBuffersAndRecovers) {
  Ethdev& client = client_->lane(0);
  std::vector<wire::Buffer> all(4096);
  const unsigned taken = client.acquire(all);
  EXPECT_EQ(taken, client_->report().buffers.at(0));
  EXPECT_EQ(client.acquire({all.data() + taken, 1}), 0U);
  for (unsigned i = 0; i < taken; ++i) client.release(all[i]);
  EXPECT_EQ(client.outstanding(), 0U);
  client_->poll_missed(second);
  EXPECT_TRUE(client_->link_up());
}

/// net_null makes frames of zeros for ever: none is ours, each is counted.
TEST(Ethdev, CountsEveryFrameOfTheNullDevice) {
  ASSERT_TRUE(shared_eal_runs());
  auto device = open(ethdev_config("net_null0", "10.1.0.1/24", "fd00::1/64", 4000));
  ASSERT_TRUE(device != nullptr);
  wire::Batch batch;
  for (int i = 0; i < 100; ++i) {
    device->lane(0).receive(batch, 0);
    EXPECT_EQ(batch.rows, 0U);
  }
  const PortCounters& c = device->lane(0).counters();
  EXPECT_GT(c.rx_frames.value(), 1000U);
  EXPECT_EQ(c.rx_frames.value(), c.drops.value(metrics::Drop::foreign_frame));
  EXPECT_FALSE(device->report().text().empty());
}

/// Files as net_pcap reads and writes them: a header of 24 bytes, then each frame behind 16, both little-endian here.
class PcapTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(shared_eal_runs());
    static int number = 0;
    device_ = "net_pcap_test" + std::to_string(number++);
    const std::string stem = testing::TempDir() + "serried_" + std::to_string(getpid()) + "_" + device_;
    in_ = stem + "_in.pcap";
    out_ = stem + "_out.pcap";
  }
  void TearDown() override {
    std::remove(in_.c_str());
    std::remove(out_.c_str());
  }

  void write(const std::vector<frames::Bytes>& all) {
    const std::uint32_t header[] = {0xA1B2C3D4, 2 | 4 << 16, 0, 0, 65535, 1};
    std::ofstream file(in_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(header), sizeof(header));
    for (const frames::Bytes& frame : all) {
      const auto bytes = static_cast<std::uint32_t>(frame.size());
      const std::uint32_t record[] = {1, 0, bytes, bytes};
      file.write(reinterpret_cast<const char*>(record), sizeof(record));
      file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(bytes));
    }
    ASSERT_TRUE(file.flush());
  }

  std::vector<frames::Bytes> read_sent() {
    std::vector<frames::Bytes> all;
    std::ifstream file(out_, std::ios::binary);
    std::uint32_t header[6] = {}, record[4] = {};
    file.read(reinterpret_cast<char*>(header), sizeof(header));
    EXPECT_TRUE(header[0] == 0xA1B2C3D4 || header[0] == 0xA1B23C4D) << header[0];  // with us, or with ns
    while (file.read(reinterpret_cast<char*>(record), sizeof(record))) {
      EXPECT_LE(record[2], 65535U);
      all.emplace_back(record[2]);
      EXPECT_TRUE(file.read(reinterpret_cast<char*>(all.back().data()), record[2]));
    }
    return all;
  }

  /// The device, as the host of frames.h.
  std::unique_ptr<EthdevDevice> open_on(const std::vector<frames::Bytes>& all, std::uint16_t mtu = 1500) {
    write(all);
    const std::string arguments = "rx_pcap=" + in_ + ",tx_pcap=" + out_;
    EXPECT_EQ(rte_eal_hotplug_add("vdev", device_.c_str(), arguments.c_str()), 0);
    EthdevConfig config;
    config.device = device_;
    config.host = frames::config_of();
    config.rx_descriptors = config.tx_descriptors = 256;
    config.buffers = 2048;
    config.mtu = mtu;
    return open(config);
  }

  std::string device_, in_, out_;
};

/// A whole capture: each frame ends as the host alone says, and is counted so; what was asked is answered in the same
/// words; the datagrams go back where they came from.
TEST_F(PcapTest, ACaptureIsTreatedAsItsTableSays) {
  frames::Bytes junk(700, 0x5A);
  std::vector<frames::Bytes> capture, expected;
  std::map<std::string, std::uint64_t> verdicts;
  Neighbors neighbors(64, 1);
  Host alone(frames::config_of(), neighbors);
  for (const frames::Case& one : frames::cases()) {
    capture.push_back(one.frame);
    ++verdicts[one.verdict];
    if (const frames::Bytes answer = frames::feed(alone, one.frame).answer; !answer.empty()) expected.push_back(answer);
  }
  capture.push_back(junk);
  ++verdicts["foreign_frame"];
  ASSERT_EQ(verdicts["datagram"], 8U);
  ASSERT_EQ(expected.size(), 5U);  // two pings, an ARP request, two solicitations
  auto device = open_on(capture);
  ASSERT_TRUE(device != nullptr);
  EXPECT_EQ(device->report().driver, "net_pcap");
  EXPECT_EQ(device->report().mac, frames::own_mac);
  Ethdev& lane = device->lane(0);

  std::uint64_t bytes = 0, echoed = 0;
  for (const frames::Bytes& frame : capture) bytes += frame.size();
  for (int polls = 0; polls < 10; ++polls) {
    wire::Batch batch;
    lane.receive(batch, second);
    for (unsigned row = 0; row < batch.rows; ++row) {
      EXPECT_EQ(batch.data[row][0], 1);
      EXPECT_EQ(batch.path[row].port, 5000);
      EXPECT_EQ(batch.path[row].link, frames::peer_mac);
    }
    echoed += batch.live_rows;
    lane.transmit(batch, second);
  }
  const PortCounters& c = lane.counters();
  EXPECT_EQ(c.rx_frames.value(), capture.size());
  EXPECT_EQ(c.rx_bytes.value(), bytes);
  EXPECT_EQ(c.rx_packets.value(), verdicts["datagram"]);
  EXPECT_EQ(c.rx_host_frames.value(), verdicts["host"]);
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto drop = static_cast<metrics::Drop>(i);
    EXPECT_EQ(c.drops.value(drop), verdicts[std::string(metrics::drop_name(drop))]) << metrics::drop_name(drop);
  }
  EXPECT_EQ(c.tx_host_frames.value(), expected.size());
  EXPECT_EQ(c.tx_packets.value(), echoed);
  EXPECT_EQ(lane.outstanding(), 0U);
  device.reset();  // closes the files

  const std::vector<frames::Bytes> sent = read_sent();
  ASSERT_EQ(sent.size(), expected.size() + echoed);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), sent.begin()));
  HostConfig peer = frames::config_of();
  peer.mac = frames::peer_mac;
  peer.ipv4.address = frames::peer_ipv4;
  peer.ipv6.address = frames::peer_ipv6;
  peer.port_first = peer.port_last = 5000;
  Host there(peer, neighbors);
  for (std::size_t i = expected.size(); i < sent.size(); ++i) {
    const frames::Outcome outcome = frames::feed(there, sent[i]);
    EXPECT_EQ(outcome.verdict, "datagram");
    EXPECT_EQ(outcome.examined.path.link, frames::own_mac);
  }
}

TEST_F(PcapTest, AnArpRequestInTheCaptureIsAnswered) {
  auto device = open_on({frames::arp_frame(true, {10, 0, 0, 3}), frames::arp_frame(true, {10, 0, 0, 1})});
  ASSERT_TRUE(device != nullptr);
  wire::Batch batch;
  device->lane(0).receive(batch, second);
  EXPECT_EQ(batch.rows, 0U);
  device.reset();
  const std::vector<frames::Bytes> sent = read_sent();
  ASSERT_EQ(sent.size(), 1U);
  wire::EthernetHeader link;
  wire::ArpPacket arp;
  ASSERT_TRUE(wire::read_ethernet(sent[0], link));
  ASSERT_TRUE(wire::read_arp(std::span(sent[0]).subspan(link.bytes), arp));
  EXPECT_EQ(link.destination, frames::peer_mac);
  EXPECT_FALSE(arp.request);
  EXPECT_EQ(arp.sender_mac, frames::own_mac);
  EXPECT_EQ(arp.sender_ip, (std::array<std::uint8_t, 4>{10, 0, 0, 1}));
  EXPECT_EQ(arp.target_mac, frames::peer_mac);
}

/// A frame longer than an mbuf comes in several, whatever the MTU: no datagram of ours is so long. All its mbufs go
/// back.
TEST_F(PcapTest, AFrameInSeveralMbufsIsBad) {
  for (const std::uint16_t mtu : {std::uint16_t{1500}, std::uint16_t{9000}}) {
    SCOPED_TRACE(mtu);
    const frames::Bytes jumbo = frames::udp_frame(false, 0, 8000), own = frames::udp_frame(false);
    SetUp();
    auto device = open_on({jumbo, own}, mtu);
    ASSERT_TRUE(device != nullptr);
    wire::Batch batch;
    device->lane(0).receive(batch, second);
    EXPECT_EQ(batch.rows, 1U);
    device->lane(0).release(batch);
    const PortCounters& c = device->lane(0).counters();
    EXPECT_EQ(c.rx_frames.value(), 2U);
    EXPECT_EQ(c.rx_bytes.value(), jumbo.size() + own.size());
    EXPECT_EQ(c.drops.value(metrics::Drop::bad_frame), 1U);
    EXPECT_EQ(device->lane(0).outstanding(), 0U);
    device.reset();
    TearDown();
  }
}

}  // namespace
}  // namespace serried::port
