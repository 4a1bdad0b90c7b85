#pragma once
/// What the tests of the session's parts share: a client, a mini server, a clock in the hand, and between them a wire
/// that the test may spoil.

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "mini_server.h"
#include "peer/session.h"
#include "support/random.h"

namespace serried::test {

using metrics::Drop;
using peer::Session;
using peer::State;

inline constexpr std::uint16_t server_port = 4000, client_port = 5000;

struct Story {
  explicit Story(std::uint64_t seed = 1) : server(seed), random(seed + 1000), rng(seed + 2000) {
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
          static_cast<Story*>(self)->game_messages.push_back({channel, type, {content.begin(), content.end()}});
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
  base::Prng rng;
  Bytes token;
  channel::Pools pools{1'024, 8, 4};
  peer::SessionOptions options;
  std::vector<MiniServer::GameMessage> game_messages;
  Session session;
  metrics::DropCounters drops;
};

/// A wire between both sides of a story that loses, doubles, delays and reorders.
class BadWire {
 public:
  BadWire(Story& story, double loss, double duplicate, unsigned delay_ms)
      : story_(story), loss_(loss), duplicate_(duplicate), delay_ms_(delay_ms) {}

  /// Both say what they have to say; time goes on; what is due by then arrives.
  void step(Nanos span) {
    for (const Bytes& datagram : story_.say()) launch(true, datagram);
    story_.server.tick(story_.now);
    for (auto& sent : story_.server.outbox) launch(false, sent.bytes);
    story_.server.outbox.clear();
    story_.now += span;
    const auto waits = [&](const SentPacket& packet) { return packet.due > story_.now; };
    const auto first_due = std::stable_partition(flights_.begin(), flights_.end(), waits);
    std::vector<SentPacket> due(std::make_move_iterator(first_due), std::make_move_iterator(flights_.end()));
    flights_.erase(first_due, flights_.end());
    for (SentPacket& packet : due)
      if (packet.to_server)
        story_.server.receive(std::move(packet.bytes), path_of(client_port), story_.now);
      else
        story_.deliver(std::move(packet.bytes));
  }

 private:
  struct SentPacket {
    Nanos due;
    bool to_server;
    Bytes bytes;
  };
  void launch(bool to_server, const Bytes& bytes) {
    for (unsigned copies = story_.rng.chance(duplicate_) ? 2 : 1; copies != 0; --copies)
      if (!story_.rng.chance(loss_))
        flights_.push_back({story_.now + story_.rng.below(delay_ms_) * millisecond, to_server, bytes});
  }

  Story& story_;
  double loss_, duplicate_;
  unsigned delay_ms_;
  std::vector<SentPacket> flights_;
};

}  // namespace serried::test
