#include "port/ethdev_queues.h"

#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rte_dev.h>

#include "port/eal.h"
#include "shared_eal.h"

namespace serried::port {
namespace {

std::unique_ptr<EthdevDevice> open(const std::string& device, const char* address, std::uint16_t first,
                                   std::uint16_t last, unsigned queue_count = 4) {
  EthdevConfig config;
  config.device = device;
  config.queues = queue_count;
  config.host.has_ipv4 = true;
  config.host.ipv4 = parse_local_address(address).value();
  config.host.port_first = first;
  config.host.port_last = last;
  config.rx_descriptors = config.tx_descriptors = 256;
  config.buffers = 2'048;
  auto opened = EthdevDevice::open(config);
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
  return opened ? std::move(opened).value() : nullptr;
}

/// Send from many ports to a peer with four lanes. Expect each source at one lane, all lanes busy, and every answer
/// heard whatever lane gives it.
TEST(EthdevQueues, SourcesAreSpreadOverThePeersQueues) {
  ASSERT_TRUE(shared_eal_runs());
  const auto pair = make_ring_pair("queues", 4, 256);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto server = open(pair.value().first, "10.1.0.1/24", 4'000, 4'000);
  const auto client = open(pair.value().second, "10.1.0.2/24", 5'000, 5'063);
  ASSERT_TRUE(server != nullptr && client != nullptr);
  EthdevQueues queues{*client};
  wire::Path to = server->lane(0).local();

  std::vector<std::set<std::uint16_t>> heard(4);
  for (int round = 0; round < 2; ++round) {
    wire::Batch batch;
    for (std::uint16_t port = 5'000; port < 5'064; ++port) {
      wire::Buffer buffer;
      ASSERT_EQ(queues.acquire({&buffer, 1}), 1U);
      std::memcpy(buffer.data, "hello", 5);
      to.local_port = port;
      batch.append(buffer.data, 5, buffer.owner, to);
    }
    queues.transmit(batch, second);
    EXPECT_EQ(batch.rows, 0U);
    for (unsigned lane = 0; lane < 4; ++lane) {
      server->lane(lane).receive(batch, second);
      for (unsigned row = 0; row < batch.rows; ++row) heard[lane].insert(batch.path[row].port);
      server->lane((lane + 1) % 4).transmit(batch, second);  // another lane answers
    }
  }
  std::size_t sources = 0;
  for (const auto& ports : heard) {
    EXPECT_GT(ports.size(), 4U);
    sources += ports.size();
  }
  EXPECT_EQ(sources, 64U) << "a source came to two lanes";

  unsigned answers = 0;
  wire::Batch batch;
  for (queues.receive(batch, second); batch.rows != 0; queues.receive(batch, second)) {
    answers += batch.rows;
    queues.release(batch);
  }
  EXPECT_EQ(answers, 128U);
  EXPECT_EQ(queues.counters().tx_packets.value(), 128U);
  EXPECT_EQ(queues.counters().rx_packets.value(), 128U);
  for (unsigned lane = 0; lane < 4; ++lane)
    EXPECT_EQ(client->lane(lane).outstanding() + server->lane(lane).outstanding(), 0U);
}

/// A lane with a queue on each of two devices, and at the far end of either wire a device with one queue.
class TwoDevicesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(shared_eal_runs());
    static int number = 0;
    for (unsigned i = 0; i < 2; ++i) {
      const auto pair = make_ring_pair("two" + std::to_string(number++), 1, 256);
      ASSERT_TRUE(pair) << pair.error().message;
      const std::string net = "10.1." + std::to_string(i) + ".";
      near_[i] = open(pair.value().first, (net + "1/24").c_str(), 4'000, 4'000, 1);
      far_[i] = open(pair.value().second, (net + "2/24").c_str(), 5'000, 5'063, 1);
      ASSERT_TRUE(near_[i] != nullptr && far_[i] != nullptr);
    }
    const std::array devices{near_[0].get(), near_[1].get()};
    lane_.emplace(devices, 0U);
  }
  void TearDown() override {
    if (!lane_) return;
    EXPECT_EQ(lane_->outstanding(), 0U);
    for (const auto& far : far_) EXPECT_EQ(far->lane(0).outstanding(), 0U);
  }

  template <class P>
  static void append(wire::Batch& batch, P& from, const std::string& text, const wire::Path& to) {
    wire::Buffer buffer;
    ASSERT_EQ(from.acquire({&buffer, 1}), 1U);
    std::memcpy(buffer.data, text.data(), text.size());
    batch.append(buffer.data, text.size(), buffer.owner, to);
  }
  static std::string text(const wire::Batch& batch, unsigned row) {
    return {reinterpret_cast<const char*>(batch.data[row]), batch.length[row]};
  }
  /// To the lane, by one device.
  void say(unsigned device, const std::string& word) {
    wire::Batch batch;
    append(batch, far_[device]->lane(0), word, near_[device]->lane(0).local());
    far_[device]->lane(0).transmit(batch, second);
  }
  /// All that has come to the far end of one device.
  std::multiset<std::string> heard(unsigned device) {
    std::multiset<std::string> words;
    wire::Batch batch;
    far_[device]->lane(0).receive(batch, second);
    for (unsigned row = 0; row < batch.rows; ++row) {
      EXPECT_EQ(batch.path[row].address, near_[device]->lane(0).local().address) << "from the device's own address";
      words.insert(text(batch, row));
    }
    far_[device]->lane(0).release(batch);
    return words;
  }
  /// Where the far end of a device is reached.
  wire::Path path_to(unsigned device) {
    wire::Path path = far_[device]->lane(0).local();
    path.device = static_cast<std::uint8_t>(device);
    return path;
  }

  std::unique_ptr<EthdevDevice> near_[2], far_[2];
  std::optional<EthdevQueues> lane_;
};

/// Say a word by each device. Expect one burst of both, whose paths name them.
TEST_F(TwoDevicesTest, WhatIsReceivedNamesItsDevice) {
  say(0, "zero");
  say(1, "one");
  wire::Batch batch;
  lane_->receive(batch, second);
  ASSERT_EQ(batch.rows, 2U);
  EXPECT_EQ(batch.live_rows, 2U);
  std::set<std::string> words;
  for (unsigned row = 0; row < batch.rows; ++row) {
    EXPECT_EQ(text(batch, row), batch.path[row].device == 0 ? "zero" : "one");
    words.insert(text(batch, row));
  }
  EXPECT_EQ(words.size(), 2U);
  lane_->release(batch);
  EXPECT_EQ(lane_->counters().rx_packets.value(), 2U);
  lane_->receive(batch, second);
  EXPECT_EQ(batch.rows, 0U);
}

/// Fill one device's ring while a word now and then comes by the other. Expect full bursts, so that a lane goes on, and
/// the word in the next of them.
TEST_F(TwoDevicesTest, AFewOfOneDeviceDoNotHoldUpTheOther) {
  for (const unsigned busy : {0U, 1U}) {
    for (unsigned i = 0; i < 2 * wire::Batch::capacity; ++i) say(busy, "many");
    unsigned many = 0, few = 0;
    wire::Batch batch;
    for (int burst = 0; burst < 2; ++burst) {
      say(1 - busy, "few");
      lane_->receive(batch, second);
      EXPECT_EQ(batch.rows, wire::Batch::capacity);
      for (unsigned row = 0; row < batch.rows; ++row) ++(batch.path[row].device == busy ? many : few);
      lane_->release(batch);
    }
    EXPECT_GE(few, 1U);
    lane_->receive(batch, second);
    EXPECT_EQ(many + few + batch.rows, 2 * wire::Batch::capacity + 2);
    lane_->release(batch);
  }
}

/// Send a burst whose rows go by either device, among them one that is not live. Expect each at its own far end, in
/// one set of counters, and all buffers back, though all came out of the first device's pool.
TEST_F(TwoDevicesTest, EachRowLeavesByTheDeviceOfItsPath) {
  wire::Batch batch;
  for (unsigned i = 0; i < 60; ++i) append(batch, *lane_, "word" + std::to_string(i), path_to(i % 3 == 0 ? 0 : 1));
  append(batch, *lane_, "not live", path_to(1));
  --batch.live_rows;
  lane_->transmit(batch, second);
  EXPECT_EQ(batch.rows, 0U);
  const auto zero = heard(0), one = heard(1);
  EXPECT_EQ(zero.size(), 20U);
  EXPECT_EQ(one.size(), 40U);
  for (unsigned i = 0; i < 60; ++i)
    EXPECT_EQ((i % 3 == 0 ? zero : one).count("word" + std::to_string(i)), 1U) << "word " << i;

  say(0, "zero");
  say(1, "one");
  lane_->receive(batch, second);
  lane_->transmit(batch, second);  // along the paths that they came by
  EXPECT_EQ(heard(0), (std::multiset<std::string>{"zero"}));
  EXPECT_EQ(heard(1), (std::multiset<std::string>{"one"}));
  const PortCounters& counters = lane_->counters();
  EXPECT_EQ(counters.tx_packets.value(), 62U);
  EXPECT_EQ(counters.rx_packets.value(), 2U);
  EXPECT_EQ(counters.rx_frames.value(), 2U);
  for (const auto& near : near_) EXPECT_EQ(&near->lane(0).counters(), &counters);
}

/// Send to devices that are not there. Expect them dropped and counted, and the rest of the burst sent.
TEST_F(TwoDevicesTest, ADeviceThatIsNotThereIsACountedDrop) {
  wire::Batch batch;
  wire::Path nowhere = path_to(1);
  for (const std::uint8_t device : {std::uint8_t{2}, std::uint8_t{255}}) {
    nowhere.device = device;
    append(batch, *lane_, "lost", nowhere);
  }
  append(batch, *lane_, "sent", path_to(1));
  lane_->transmit(batch, second);
  EXPECT_EQ(lane_->counters().drops.value(metrics::Drop::no_next_hop), 2U);
  EXPECT_EQ(lane_->counters().tx_packets.value(), 1U);
  EXPECT_EQ(heard(0).size(), 0U);
  EXPECT_EQ(heard(1), (std::multiset<std::string>{"sent"}));
}

/// Two lanes on two devices, each at home on one of them. Expect either to receive from its home alone, to send by
/// both, and all of its buffers to be of its home's pool.
TEST(EthdevQueues, ALaneReceivesAtHomeAndSendsEverywhere) {
  in_fresh_process([] {
    ASSERT_TRUE(shared_eal_runs());
    ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null1", "size=64"), 0);
    std::vector<std::unique_ptr<EthdevDevice>> opened;
    std::vector<EthdevDevice*> devices;
    for (unsigned i = 0; i < 2; ++i) {
      EthdevConfig config;
      config.device = "net_null" + std::to_string(i);
      config.queues = 2;
      config.uses = {i == 0 ? QueueUse::home : QueueUse::send, i == 1 ? QueueUse::home : QueueUse::send};
      config.host.has_ipv4 = true;
      config.host.ipv4 = parse_local_address("10.1.0.1/24").value();
      config.host.port_first = 4'000;
      config.rx_descriptors = config.tx_descriptors = 256;
      config.buffers = 2'048;
      auto device = EthdevDevice::open(config);
      ASSERT_TRUE(device) << device.error().message;
      opened.push_back(std::move(device).value());
      devices.push_back(opened.back().get());
    }
    for (unsigned lane = 0; lane < 2; ++lane) {
      EthdevQueues queues{devices, lane};
      Ethdev &home = devices[lane]->lane(lane), &away = devices[1 - lane]->lane(lane);
      EXPECT_EQ(&queues.counters(), &home.counters());
      EXPECT_EQ(&away.counters(), &home.counters());
      wire::Batch batch;
      queues.receive(batch, second);
      EXPECT_EQ(queues.counters().rx_frames.value(), std::uint64_t{wire::Batch::capacity}) << "a burst of one queue";
      const unsigned in_rings = home.outstanding();
      wire::Path to = home.local();
      for (std::uint8_t device = 0; device < 2; ++device) {
        wire::Buffer buffer;
        ASSERT_EQ(queues.acquire({&buffer, 1}), 1U);
        EXPECT_EQ(home.outstanding(), in_rings + 1);
        std::memcpy(buffer.data, "hello", 5);
        to.device = device;
        batch.append(buffer.data, 5, buffer.owner, to);
        queues.transmit(batch, second);
      }
      EXPECT_EQ(queues.counters().tx_packets.value(), 2U);
      EXPECT_EQ(queues.outstanding(), in_rings);
      EXPECT_EQ(away.outstanding(), 0U) << "it has no pool";
    }
    // Each may still hold what is of the other: closed together, freed together.
    for (const auto& device : opened) device->close();
    for (unsigned lane = 0; lane < 2; ++lane) EXPECT_EQ(devices[lane]->lane(lane).outstanding(), 0U);
  });
}

/// One device alone. Expect bursts to pass as they are.
TEST_F(TwoDevicesTest, OneDeviceAloneNeedsNoSorting) {
  const std::array devices{near_[1].get()};
  EthdevQueues alone{devices, 0U};
  say(1, "one");
  wire::Batch batch;
  alone.receive(batch, second);
  ASSERT_EQ(batch.rows, 1U);
  EXPECT_EQ(batch.path[0].device, 0);
  alone.transmit(batch, second);
  EXPECT_EQ(heard(1), (std::multiset<std::string>{"one"}));
  EXPECT_EQ(alone.counters().tx_packets.value(), 1U);
}

}  // namespace
}  // namespace serried::port
