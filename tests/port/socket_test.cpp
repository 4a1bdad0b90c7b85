#include "port/socket.h"

#include <cstring>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "patience.h"

namespace serried::port {
namespace {

const Address loopback4 = ipv4_address(127, 0, 0, 1);
const Address loopback6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

std::unique_ptr<Socket> open(const Address& address, bool joins = true, unsigned count = 1) {
  SocketConfig config;
  config.address = address;
  config.socket_count = count;
  config.gro = config.gso = joins;
  auto socket = Socket::open(config);
  EXPECT_TRUE(socket) << (socket ? "" : socket.error().message);
  return socket ? std::move(socket.value()) : nullptr;
}

bool have_ipv6() {
  const int file = ::socket(AF_INET6, SOCK_DGRAM, 0);
  if (file < 0) return false;
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_addr = in6addr_loopback;
  const bool bound = bind(file, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  close(file);
  return bound;
}

void append(Socket& socket, wire::Batch& batch, const std::string& bytes, const wire::Path& to) {
  wire::Buffer buffer;
  ASSERT_EQ(socket.acquire({&buffer, 1}), 1U);
  std::memcpy(buffer.data, bytes.data(), bytes.size());
  batch.append(buffer.data, bytes.size(), buffer.owner, to);
}

struct Seen {
  std::string bytes;
  wire::Path path;
};

/// All that comes, when at least `least` have come.
std::vector<Seen> drain(Socket& socket, std::size_t least) {
  std::vector<Seen> all;
  wire::Batch batch;
  unsigned idle = 0;
  eventually([&] {
    socket.receive(batch, 0);
    if (batch.rows == 0) ++idle;
    for (unsigned row = 0; row < batch.rows; ++row)
      all.push_back({{reinterpret_cast<const char*>(batch.data[row]), batch.length[row]}, batch.path[row]});
    socket.release(batch);
    return all.size() >= least && idle >= 3;
  });
  return all;
}

void expect_identity(const Socket& socket) {
  const PortCounters& c = socket.counters();
  EXPECT_EQ(c.rx_frames.value(),
            c.rx_packets.value() + c.rx_host_frames.value() + c.drops.total(metrics::DropUnit::frame));
}

TEST(Socket, EchoesOverBothFamilies) {
  for (const Address& address : {loopback4, loopback6}) {
    if (address == loopback6 && !have_ipv6()) continue;
    auto server = open(address), client = open(address);
    wire::Batch batch;
    append(*client, batch, "hello", server->local());
    client->transmit(batch, 0);
    EXPECT_EQ(batch.rows, 0U);
    receive_some(*server, batch);
    ASSERT_EQ(batch.live_rows, 1U);
    EXPECT_EQ(batch.path[0].address, address);
    EXPECT_EQ(batch.path[0].port, client->local().port);
    EXPECT_EQ(batch.path[0].local_port, server->local().port);
    server->transmit(batch, 0);
    const auto seen = drain(*client, 1);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].bytes, "hello");
    EXPECT_EQ(server->outstanding() + client->outstanding(), 0U);
    expect_identity(*client);
  }
}

TEST(Socket, TheWildcardTakesBothFamilies) {
  if (!have_ipv6()) GTEST_SKIP() << "no IPv6 here";
  auto server = open(Address{});
  auto four = open(loopback4), six = open(loopback6);
  for (const auto& [client, address] : {std::pair{four.get(), loopback4}, std::pair{six.get(), loopback6}}) {
    wire::Batch batch;
    append(*client, batch, "hello", endpoint(address, server->local().port));
    client->transmit(batch, 0);
    receive_some(*server, batch);
    ASSERT_EQ(batch.live_rows, 1U);
    EXPECT_EQ(batch.path[0].address, address);
    server->transmit(batch, 0);
    EXPECT_EQ(drain(*client, 1).size(), 1U);
  }
}

/// Ask a socket of all addresses at some of them. Expect each answer from the address that was asked, also when another
/// socket of the same addresses gives it, alone and in a run that the kernel splits.
void expect_answers_from(const Address& all, std::span<const Address> asked, const Address& own) {
  LocalAddresses addresses;
  SocketConfig config;
  config.address = all;
  config.sharing = Sharing::first;
  config.local_addresses = &addresses;
  auto first = Socket::open(config);
  ASSERT_TRUE(first) << first.error().message;
  config.sharing = Sharing::joining;
  config.port_first = first.value()->local().port;
  auto second = Socket::open(config);
  ASSERT_TRUE(second) << second.error().message;
  Socket* const servers[2] = {first.value().get(), second.value().get()};
  for (const Address& address : asked)
    for (const bool other : {false, true})
      for (const unsigned count : {1U, 5U}) {
        SCOPED_TRACE(format_address(address) + (other ? ", another socket" : "") + ", " + std::to_string(count));
        auto client = open(own);
        wire::Batch batch;
        append(*client, batch, "hello", endpoint(address, config.port_first));
        client->transmit(batch, 0);
        Socket* heard = nullptr;
        eventually([&] {
          for (Socket* const server : servers) {
            server->receive(batch, 0);
            heard = server;
            if (batch.rows != 0) return true;
          }
          return false;
        });
        ASSERT_EQ(batch.live_rows, 1U);
        const wire::Path path = batch.path[0];
        EXPECT_NE(path.local_address, 0);
        heard->release(batch);
        Socket& answers = other ? *servers[heard == servers[0] ? 1 : 0] : *heard;
        for (unsigned i = 0; i < count; ++i) append(answers, batch, "world", path);
        answers.transmit(batch, 0);
        const auto seen = drain(*client, count);
        ASSERT_EQ(seen.size(), count);
        for (const Seen& one : seen) EXPECT_EQ(one.path.address, address);
        EXPECT_EQ(answers.counters().drops.total(metrics::DropUnit::out), 0U);
      }
}

TEST(Socket, AnswersComeFromTheAddressThatWasAsked) {
  const Address asked[] = {ipv4_address(127, 0, 0, 2), ipv4_address(127, 9, 8, 7), loopback4};
  expect_answers_from(ipv4_address(0, 0, 0, 0), asked, ipv4_address(127, 0, 0, 5));
  if (have_ipv6()) expect_answers_from(Address{}, asked, ipv4_address(127, 0, 0, 5));
}

TEST(Socket, AnswersComeFromTheIpv6AddressThatWasAsked) {
  if (!have_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const Address asked[] = {loopback6};
  expect_answers_from(Address{}, asked, loopback6);
}

/// Runs of equal and unequal sizes to two receivers, joined and not: every byte arrives, in order, as sent.
TEST(Socket, RunsSurviveSplittingAndJoining) {
  base::Prng rng(4711);
  for (const bool sender_joins : {false, true})
    for (const bool receiver_joins : {false, true}) {
      auto sender = open(loopback4, sender_joins);
      std::unique_ptr<Socket> receivers[2] = {open(loopback4, receiver_joins), open(loopback4, receiver_joins)};
      std::vector<std::string> expected[2];
      for (int round = 0; round < 40; ++round) {
        wire::Batch batch;
        const unsigned rows = 1 + static_cast<unsigned>(rng.below(64));
        std::size_t bytes = 1 + rng.below(1200);
        unsigned to = 0;
        for (unsigned row = 0; row < rows; ++row) {
          if (rng.chance(0.1)) bytes = rng.below(1201);
          if (rng.chance(0.1)) to ^= 1;
          std::string text(bytes, '\0');
          for (char& c : text) c = static_cast<char>(rng.next());
          append(*sender, batch, text, receivers[to]->local());
          expected[to].push_back(text);
        }
        sender->transmit(batch, 0);
        for (int i = 0; i < 2; ++i) {
          const auto seen = drain(*receivers[i], expected[i].size());
          ASSERT_EQ(seen.size(), expected[i].size()) << "round " << round;
          for (std::size_t k = 0; k < seen.size(); ++k) ASSERT_EQ(seen[k].bytes, expected[i][k]);
          expected[i].clear();
          EXPECT_EQ(receivers[i]->outstanding(), 0U);
        }
      }
      EXPECT_EQ(sender->counters().drops.total(metrics::DropUnit::out), 0U);
      EXPECT_EQ(sender->outstanding(), 0U);
    }
}

/// Several bursts queue up before the receiver looks: joined messages must wait for the next batch, in order.
TEST(Socket, WhatABatchCannotHoldComesWithTheNext) {
  auto sender = open(loopback4), receiver = open(loopback4);
  for (unsigned burst = 0; burst < 10; ++burst) {
    wire::Batch batch;
    for (unsigned row = 0; row < 64; ++row) {
      std::string text(100, '.');
      const std::uint32_t number = burst * 64 + row;
      std::memcpy(text.data(), &number, 4);
      if (row == 20) text.resize(50);  // ends a run, begins another
      append(*sender, batch, text, receiver->local());
    }
    sender->transmit(batch, 0);
  }
  const auto seen = drain(*receiver, 640);
  ASSERT_EQ(seen.size(), 640U);
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    std::uint32_t number = 0;
    std::memcpy(&number, seen[i].bytes.data(), 4);
    ASSERT_EQ(number, i);
  }
  expect_identity(*receiver);
}

TEST(Socket, RowsComeFromAndLeaveByTheirLocalPort) {
  auto many = open(loopback4, true, 40), server = open(loopback4);
  std::set<std::uint16_t> ports;
  wire::Batch batch;
  for (unsigned i = 0; i < 40; ++i) {
    ports.insert(many->local(i).port);
    wire::Path to = server->local();
    to.local_port = many->local(i).port;
    append(*many, batch, std::to_string(to.local_port), to);
  }
  EXPECT_EQ(ports.size(), 40U);
  many->transmit(batch, 0);
  for (unsigned heard = 0; heard < 40;) {
    receive_some(*server, batch);
    ASSERT_NE(batch.live_rows, 0U);
    heard += batch.live_rows;
    for (unsigned row = 0; row < batch.live_rows; ++row)
      EXPECT_EQ(std::string(reinterpret_cast<char*>(batch.data[row]), batch.length[row]),
                std::to_string(batch.path[row].port));
    server->transmit(batch, 0);
  }
  const auto seen = drain(*many, 40);
  ASSERT_EQ(seen.size(), 40U);
  for (const Seen& one : seen) EXPECT_EQ(one.bytes, std::to_string(one.path.local_port));

  append(*many, batch, "x", endpoint(loopback4, server->local().port, 1));  // port 1 is not one of ours
  many->transmit(batch, 0);
  EXPECT_EQ(many->counters().drops.value(metrics::Drop::no_next_hop), 1U);
  EXPECT_EQ(many->outstanding(), 0U);
}

TEST(Socket, SeveralLanesShareOnePort) {
  SocketConfig config;
  config.address = loopback4;
  config.sharing = Sharing::first;
  auto one = std::move(Socket::open(config).value());
  config.sharing = Sharing::joining;
  config.port_first = one->local().port;
  auto two = Socket::open(config);
  ASSERT_TRUE(two) << two.error().message;
  auto clients = open(loopback4, true, 50);
  for (unsigned i = 0; i < 50; ++i) {
    wire::Batch batch;
    append(*clients, batch, "x", endpoint(loopback4, config.port_first, clients->local(i).port));
    clients->transmit(batch, 0);
  }
  std::size_t at_one = 0, at_two = 0;
  EXPECT_TRUE(eventually([&] {
    at_one += drain(*one, 0).size();
    at_two += drain(*two.value(), 0).size();
    return at_one + at_two == 50;
  }));
  EXPECT_GT(at_one, 0U);
  EXPECT_GT(at_two, 0U);
}

TEST(Socket, UnreachableAndTooLongAreCountedNotFatal) {
  auto socket = open(loopback4);
  wire::Batch batch;
  append(*socket, batch, "six", endpoint(loopback6, 4000));  // an IPv4 socket
  socket->transmit(batch, 0);
  EXPECT_EQ(socket->counters().drops.value(metrics::Drop::no_next_hop), 1U);
  auto closed = open(loopback4);
  const wire::Path nobody = closed->local();
  closed.reset();
  for (int i = 0; i < 5; ++i) {
    append(*socket, batch, "x", nobody);
    socket->transmit(batch, 0);
    socket->receive(batch, 0);
    EXPECT_EQ(batch.rows, 0U);
  }
  auto alive = open(loopback4);
  append(*socket, batch, "x", alive->local());
  socket->transmit(batch, 0);
  EXPECT_EQ(drain(*alive, 1).size(), 1U);
  EXPECT_EQ(socket->outstanding(), 0U);
}

TEST(Socket, TooLongArrivesWithALengthThatIsRefused) {
  for (const bool joins : {false, true}) {
    auto receiver = open(loopback4, joins);
    const int file = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = __builtin_bswap16(receiver->local().port);
    to.sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK);
    const std::vector<std::uint8_t> long_one(9000, 7);
    ASSERT_EQ(sendto(file, long_one.data(), long_one.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 9000);
    ASSERT_EQ(sendto(file, long_one.data(), 0, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    close(file);
    const auto seen = drain(*receiver, 2);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].bytes.size(), BufferPool::data_bytes_max);
    EXPECT_EQ(seen[1].bytes.size(), 0U);
    EXPECT_EQ(receiver->outstanding(), 0U);
  }
}

TEST(Socket, AFullReceiveQueueIsCounted) {
  SocketConfig config;
  config.address = loopback4;
  config.receive_bytes = 65536;
  config.gro = false;
  auto receiver = std::move(Socket::open(config).value());
  auto sender = open(loopback4, false);
  unsigned sent = 0;
  for (int burst = 0; burst < 20; ++burst) {
    wire::Batch batch;
    for (int row = 0; row < 64; ++row, ++sent) append(*sender, batch, std::string(1200, 'x'), receiver->local());
    sender->transmit(batch, 0);
  }
  std::size_t seen = 0;
  EXPECT_TRUE(eventually([&] {
    seen += drain(*receiver, 0).size();
    receiver->poll_missed();
    return seen + receiver->counters().drops.value(metrics::Drop::nic_missed) == sent;
  }));
  EXPECT_LT(seen, sent);
  expect_identity(*receiver);
}

TEST(Socket, WithoutBuffersItWaits) {
  SocketConfig config;
  config.address = loopback4;
  config.buffers = 128;
  auto receiver = std::move(Socket::open(config).value());
  auto sender = open(loopback4);
  std::vector<wire::Buffer> held(128);
  held.resize(receiver->acquire(held));
  wire::Batch batch;
  append(*sender, batch, "x", receiver->local());
  sender->transmit(batch, 0);
  receiver->receive(batch, 0);
  EXPECT_EQ(batch.rows, 0U);
  for (const wire::Buffer& buffer : held) receiver->release(buffer);
  EXPECT_EQ(drain(*receiver, 1).size(), 1U);
}

}  // namespace
}  // namespace serried::port
