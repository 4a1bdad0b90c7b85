#include "port/ethdev_queues.h"

#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "port/eal.h"
#include "shared_eal.h"

namespace serried::port {
namespace {

std::unique_ptr<EthdevDevice> open(const std::string& device, const char* address, std::uint16_t first,
                                   std::uint16_t last) {
  EthdevConfig config;
  config.device = device;
  config.queues = 4;
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

}  // namespace
}  // namespace serried::port
