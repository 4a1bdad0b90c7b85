#pragma once
/// A relay between sockets of ours, for its tests.

#include <cstring>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tools/impair/relay.h"

namespace serried::tools {

inline const port::Address loopback = port::ipv4_address(127, 0, 0, 1);

inline std::unique_ptr<port::Socket> open_socket(unsigned count = 1) {
  port::SocketConfig config;
  config.address = loopback;
  config.socket_count = count;
  auto socket = port::Socket::open(config);
  EXPECT_TRUE(socket) << (socket ? "" : socket.error().message);
  return socket ? std::move(socket).value() : nullptr;
}

/// A server, some clients with a socket each, a relay between them, and a clock that is turned by hand.
struct Rig {
  explicit Rig(RelayConfig config = {}, unsigned clients = 1) : server(open_socket()), client(open_socket(clients)) {
    config.listen = port::endpoint(loopback, 0);
    config.server = server->local();
    if (config.clients_max > 8) config.clients_max = 8;
    auto opened = Relay::open(config);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    relay = std::move(opened).value();
  }

  static void say(port::Socket& from, const wire::Path& to, const std::string& text) {
    wire::Buffer buffer;
    ASSERT_EQ(from.acquire({&buffer, 1}), 1U);
    std::memcpy(buffer.data, text.data(), text.size());
    wire::Batch batch;
    batch.append(buffer.data, text.size(), buffer.owner, to);
    from.transmit(batch, 0);
  }
  void ask(unsigned number, const std::string& text) const {
    wire::Path to = relay->local();
    to.local_port = client->local(number).port;
    say(*client, to, text);
  }

  /// Until `counter` of the direction has that value, 10 s at most: the system hands over when it likes.
  void turn(Direction direction, std::uint64_t RelayCounters::*counter, std::uint64_t value) {
    for (unsigned tries = 0; relay->counters(direction).*counter < value && tries < 10'000; ++tries) {
      relay->poll(now);
      if (tries > 3) usleep(1'000);
    }
    EXPECT_EQ(relay->counters(direction).*counter, value);
  }

  struct Heard {
    std::string text;
    wire::Path path;
  };
  static std::vector<Heard> hear(port::Socket& socket, std::size_t least) {
    std::vector<Heard> all;
    for (unsigned tries = 0; tries < 10'000 && (all.size() < least || tries < 3); ++tries) {
      wire::Batch batch;
      socket.receive(batch, 0);
      for (unsigned row = 0; row < batch.rows; ++row)
        all.push_back({{reinterpret_cast<const char*>(batch.data[row]), batch.length[row]}, batch.path[row]});
      if (batch.rows == 0 && tries > 3) usleep(1'000);
      socket.release(batch);
    }
    return all;
  }

  Nanos now = second;
  std::unique_ptr<port::Socket> server, client;
  std::unique_ptr<Relay> relay;
};

}  // namespace serried::tools
