#include "port/steering.h"

#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "patience.h"
#include "port/socket.h"
#include "wire/compose.h"

namespace serried::port {
namespace {

constexpr LaneField field{3, 4};

class Steering : public testing::Test {
 protected:
  void open_group(unsigned sockets) {
    SocketConfig config;
    config.address = ipv4_address(127, 0, 0, 1);
    config.sharing = Sharing::first;
    for (unsigned i = 0; i < sockets; ++i) {
      auto socket = Socket::open(config);
      ASSERT_TRUE(socket) << socket.error().message;
      group.push_back(std::move(socket).value());
      config.port_first = group.front()->local().port;
      config.sharing = Sharing::joining;
    }
  }
  void open_clients(unsigned count) {
    SocketConfig config;
    config.address = ipv4_address(127, 0, 0, 1);
    config.socket_count = count;
    auto socket = Socket::open(config);
    ASSERT_TRUE(socket) << socket.error().message;
    clients = std::move(socket).value();
  }
  /// One datagram from a client's socket, whose number decides the kernel's hash.
  void send(unsigned client, std::uint32_t connection_id, std::uint8_t flags, std::size_t bytes = 60) {
    wire::Buffer buffer;
    ASSERT_EQ(clients->acquire({&buffer, 1}), 1U);
    std::fill_n(buffer.data, bytes, std::uint8_t{0xF5});
    if (bytes >= wire::header_bytes) wire::compose_header(buffer.data, {connection_id, 0, flags, 1});
    wire::Path to = group.front()->local();
    to.local_port = clients->local(client).port;
    wire::Batch batch;
    batch.append(buffer.data, bytes, buffer.owner, to);
    clients->transmit(batch, 0);
  }
  /// By socket of the group, when `sent` have come.
  std::vector<unsigned> heard(unsigned sent) {
    std::vector<unsigned> counts(group.size());
    wire::Batch batch;
    unsigned all = 0;
    eventually([&] {
      for (std::size_t i = 0; i < group.size(); ++i)
        for (group[i]->receive(batch, 0); batch.rows != 0; group[i]->receive(batch, 0)) {
          counts[i] += batch.rows;
          all += batch.rows;
          group[i]->release(batch);
        }
      return all >= sent;
    });
    return counts;
  }

  std::vector<std::unique_ptr<Socket>> group;
  std::unique_ptr<Socket> clients;
};

TEST_F(Steering, SealedDatagramsReachTheLaneOfTheirSession) {
  open_group(4);
  open_clients(16);
  const auto steered = group.front()->steer(field, 4);
  ASSERT_TRUE(steered) << steered.error().message;
  for (unsigned client = 0; client < 16; ++client)
    for (unsigned lane = 0; lane < 4; ++lane) {
      send(client, lane << 28 | (client + 1) << 11 | 77, wire::flag::sealed);
      std::vector<unsigned> expected(4);
      expected[lane] = 1;
      ASSERT_EQ(heard(1), expected) << "client " << client << ", lane " << lane;
    }
}

TEST_F(Steering, OthersAreSpreadByTheKernel) {
  open_group(2);
  open_clients(32);
  ASSERT_TRUE(group.front()->steer(field, 2));
  struct Case {
    const char* name;
    std::uint32_t connection_id;
    std::uint8_t flags;
    std::size_t bytes;
  };
  for (const Case& each :
       {Case{"in clear", 0, 0, 1'200}, Case{"a lane that is not there", 0xF000'0801, wire::flag::sealed, 60},
        Case{"too short for a header", 0, 0, 13}}) {
    SCOPED_TRACE(each.name);
    for (unsigned client = 0; client < 32; ++client) send(client, each.connection_id, each.flags, each.bytes);
    const auto counts = heard(32);
    EXPECT_EQ(counts[0] + counts[1], 32U);
    EXPECT_GT(counts[0], 0U);
    EXPECT_GT(counts[1], 0U);
  }
}

TEST_F(Steering, WithoutItTheSourceDecides) {
  open_group(2);
  open_clients(32);
  for (unsigned client = 0; client < 32; ++client) send(client, 0x1000'0801, wire::flag::sealed);
  const auto counts = heard(32);
  EXPECT_GT(counts[0], 0U);
  EXPECT_GT(counts[1], 0U);
}

TEST_F(Steering, ASocketThatStandsAloneCannotBeSteered) {
  open_clients(1);
  EXPECT_FALSE(clients->steer(field, 2));
}

}  // namespace
}  // namespace serried::port
