#pragma once
/// What the tests of the session's parts share: a client, a mini server, a clock in the hand, and between them a wire
/// that the test may spoil.

#include <vector>

#include <gtest/gtest.h>

#include "client/session.h"
#include "mini_server.h"

namespace serried::test {

using client::Session;
using client::State;
using observe::Drop;

inline constexpr std::uint16_t server_port = 4000, client_port = 5000;

struct Story {
  explicit Story(std::uint64_t seed = 1) : server(seed), random(seed + 1000), dice(seed + 2000) {
    EXPECT_TRUE(crypt::initialise());
    start();
  }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  void start() {
    crypt::Secret secret;
    token = server.token(42, secret);
    options.server = path_of(server_port);
    options.protocol_id = MiniServer::protocol_id;
    options.server_id = MiniServer::server_id;
    options.token = token;
    options.token_secret = secret;
    options.entropy = random.entropy();
    options.audit = true;
    options.pools = &pools;
    options.on_message = {
        [](void* self, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
          static_cast<Story*>(self)->mail.push_back({channel, type, {content.begin(), content.end()}});
        },
        this};
    ASSERT_TRUE(session.start(options, now));
  }

  Drop deliver(Bytes datagram) { return session.receive(datagram, path_of(server_port), now, drops); }

  /// What the client has to say now.
  std::vector<Bytes> say() {
    std::vector<Bytes> all;
    Bytes buffer(wire::datagram_bytes_max);
    while (const std::size_t bytes = session.send(buffer, now))
      all.emplace_back(buffer.begin(), buffer.begin() + bytes);
    return all;
  }
  /// One step of `span`: the client speaks, the server hears, answers, and is heard.
  void step(Nanos span = 10 * millisecond, bool tick = true) {
    for (Bytes& datagram : say()) server.receive(std::move(datagram), path_of(client_port), now);
    if (tick) server.tick(now);
    std::vector<MiniServer::Sent> outbox = std::move(server.outbox);
    server.outbox.clear();
    now += span / 2;
    for (auto& sent : outbox) deliver(std::move(sent.bytes));
    now += span / 2;
  }
  bool reach(State state) {
    for (int i = 0; i < 50 && session.state() != state; ++i) step();
    return session.state() == state;
  }
  bool reach_open() {
    for (int i = 0; i < 50 && !session.messages_open(); ++i) step();
    return session.messages_open() && reach(State::playing);
  }
  /// Everything borrowed has come back, on both sides.
  [[nodiscard]] bool nothing_borrowed() const {
    return pools.chunk.in_use() == 0 && pools.block.in_use_bytes() == 0 && server.pools.chunk.in_use() == 0 &&
           server.pools.block.in_use_bytes() == 0;
  }
  MiniServer::Peer& peer() { return server.peers.begin()->second; }
  std::uint32_t id() const { return server.peers.begin()->first; }

  Nanos now = 1000 * second;
  MiniServer server;
  SeededEntropy random;
  base::Prng dice;
  Bytes token;
  channel::Pools pools{1'024, 8, 4};
  client::SessionOptions options;
  std::vector<MiniServer::Mail> mail;
  Session session;
  observe::DropCounters drops;
};

}  // namespace serried::test
