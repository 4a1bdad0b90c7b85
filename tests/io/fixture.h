#pragma once
/// An io lane and a handshake lane on a loop wire with real clients at its other end, and a clock that the test moves.
/// There is no shard: the test reads and fills the rings of `link`.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/datagram.h"
#include "support/loop_server.h"

namespace serried::io {

inline constexpr std::uint64_t test_protocol = 0x7465'7374;
inline constexpr std::int64_t test_unix_start = 1'700'000'000;

using test::SeededEntropy;

/// A game message, type first, and the session that sent or got it.
struct GameMessage {
  std::uint32_t connection_id = 0;
  wire::Channel channel{};
  std::vector<std::uint8_t> message;
  bool operator==(const GameMessage&) const = default;
};

struct Peer : test::Client {
  std::uint16_t port = 0;
  port::LoopPort* host = nullptr;
  std::vector<GameMessage> inbox;  ///< what its game has been told
  bool mute = false;               ///< sends nothing by itself
  bool deaf = false;               ///< hears nothing: once its datagrams are forged, acks come for what it never sent
};

/// `count` messages of one kind in one body.
template <class Encode>
std::vector<std::uint8_t> body_of(unsigned count, Encode&& encode) {
  std::vector<std::uint8_t> body(wire::body_bytes_max);
  base::ByteWriter out{body};
  for (unsigned i = 0; i < count; ++i) encode(out, i);
  EXPECT_TRUE(out.ok());
  body.resize(out.size());
  return body;
}

/// The first eight bytes of the cookie in a Cookie datagram: behind size, type and echo.
inline std::uint64_t cookie_beginning(std::span<const std::uint8_t> datagram) {
  return base::load<std::uint64_t>(datagram.data() + wire::header_bytes + 2 + 8);
}

class LaneTest : public testing::Test {
 protected:
  LaneTest() : LaneTest(default_config()) {}
  explicit LaneTest(const IoConfig& config)
      : rig(setup_of(config)),
        remote(rig.network.open({.address = port::ipv4_address(10, 0, 0, 2), .port_first = 20'000, .port_last = 21'000})
                   .value()),
        elsewhere(
            rig.network.open({.address = port::ipv4_address(10, 0, 0, 3), .port_first = 20'000, .port_last = 21'000})
                .value()) {}

  ~LaneTest() override {
    rig.close();
    EXPECT_EQ(rig.outstanding(), 0U) << "a buffer did not come home";
    EXPECT_EQ(remote->outstanding(), 0U);
    EXPECT_EQ(elsewhere->outstanding(), 0U);
  }

  static IoConfig default_config() {
    IoConfig config;
    config.sessions_max = 64;
    config.attempts_max = 32;
    config.spare_buffers = 128;
    config.protocol_id = test_protocol;
    config.chunks = 4'096;
    config.small_blocks = 16;
    config.large_blocks = 4;
    config.abuse_guard.ban_score =
        0;  // all clients share one address, and some of them send thousands of bent datagrams
    config.parameters.input_rate_max_hz = 100;
    return config;
  }
  static test::LoopServerSetup setup_of(const IoConfig& config) {
    test::LoopServerSetup setup;
    setup.seed = 7;
    setup.io = config;
    setup.unix_start = test_unix_start;
    setup.jobs = 8;
    setup.link_rows = setup.link_buffers = 256;
    return setup;
  }
  [[nodiscard]] crypt::Entropy entropy() { return rig.entropy(); }
  crypt::TokenClaims claims_for(std::uint64_t player_id) { return rig.claims_for(player_id); }

  Peer& add_peer(const crypt::TokenClaims& claims) {
    auto peer = std::make_unique<Peer>();
    peer->port = static_cast<std::uint16_t>(20'000 + peers.size());
    peer->host = remote.get();
    rig.introduce(*peer, claims, rig.address());
    peer->options.pools = &client_pools;
    peer->options.on_message = {
        [](void* self, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
          auto& to = *static_cast<Peer*>(self);
          GameMessage game_message{to.session.connection_id(), channel, {static_cast<std::uint8_t>(type)}};
          game_message.message.insert(game_message.message.end(), content.begin(), content.end());
          to.inbox.push_back(std::move(game_message));
        },
        peer.get()};
    if (prepare) prepare(peer->options);
    peers.push_back(std::move(peer));
    EXPECT_TRUE(peers.back()->session.start(peers.back()->options, now));
    return *peers.back();
  }

  /// One millisecond: clients send, the server's lanes poll, clients receive.
  void step() {
    now += millisecond;
    for (auto& peer : peers)
      if (!peer->mute) pump(*peer);
    lane.poll(now);
    rig.poll_handshake(now);
    lane.poll(now);
    receive();
  }
  /// Every drop so far, for a failure's message.
  [[nodiscard]] std::string drops_text() const {
    std::string text;
    for (std::size_t i = 0; i < metrics::drop_count; ++i) {
      const auto drop = static_cast<metrics::Drop>(i);
      for (const auto* counters : {&lane.counters().drops, &client_drops, &server->counters().drops})
        if (counters->value(drop) != 0)
          text += std::string(metrics::drop_name(drop)) + "=" + std::to_string(counters->value(drop)) + " ";
    }
    return text;
  }
  void run(Nanos duration) {
    for (const Nanos end = now + duration; now < end;) step();
  }

  void pump(Peer& peer) {
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    while (const std::size_t size = peer.session.send(bytes, now)) send_raw({bytes.data(), size}, peer.port, peer.host);
  }
  /// A datagram from a remote host, as it is.
  void send_raw(std::span<const std::uint8_t> bytes, std::uint16_t local_port, port::LoopPort* host = nullptr) {
    wire::Path to = rig.address();
    to.local_port = local_port;
    ASSERT_TRUE(test::transmit(host != nullptr ? *host : *remote, bytes, to, now));
  }
  void receive() {
    for (port::LoopPort* host : {remote.get(), elsewhere.get()})
      test::receive_all(*host, now,
                        [&](std::span<std::uint8_t> bytes, const wire::Path& path) { deliver(*host, bytes, path); });
  }
  void deliver(const port::LoopPort& host, std::span<std::uint8_t> bytes, const wire::Path& path) {
    ++received;
    auto& [datagrams, sum] = heard_at[{&host, path.local_port}];
    ++datagrams;
    sum += bytes.size();
    last_datagram.assign(bytes.begin(), bytes.end());
    for (auto& peer : peers) {
      if (peer->host != &host || peer->port != path.local_port) continue;
      if (!peer->deaf) peer->session.receive(bytes, path, now, client_drops);
      return;
    }
  }

  /// Bring a client as far as EnterToWorld; the shard's join is left in the ring.
  Peer& connect(std::uint64_t player_id) {
    Peer& peer = add_peer(claims_for(player_id));
    for (int i = 0; i < 200 && peer.session.state() != peer::State::entering; ++i) step();
    EXPECT_EQ(peer.session.state(), peer::State::entering) << drops_text();
    run(5 * millisecond);
    return peer;
  }
  /// Connect, take the Join off the ring, answer with a first DeltaSync.
  Peer& play(std::uint64_t player_id) {
    Peer& peer = connect(player_id);
    link::SessionEvent join;
    EXPECT_EQ(link.session_events.pop(&join, 1), 1U);
    joined[&peer] = join;
    publish(peer, 1);
    run(5 * millisecond);
    EXPECT_EQ(peer.session.state(), peer::State::playing) << drops_text();
    return peer;
  }
  /// What a shard would send: a DeltaSync without records.
  void publish(Peer& peer, std::uint16_t plan) {
    wire::Buffer buffer;
    ASSERT_EQ(link.empties.pop(&buffer, 1), 1U);
    base::ByteWriter out{{buffer.data + link::body_offset, link::out_body_bytes_max}};
    message::frame(out, message::Type::delta_sync, message::delta_header_bytes);
    out.write(std::uint32_t{tick++});
    out.write(std::uint16_t{0});
    ASSERT_TRUE(link.filled.push(link::OutRow::Datagram{.session = joined[&peer].session(),
                                                        .connection_id = joined[&peer].connection_id(),
                                                        .body_bytes = static_cast<std::uint16_t>(out.size()),
                                                        .plan = plan,
                                                        .owner = buffer.owner,
                                                        .body = buffer.data + link::body_offset}));
  }
  /// What a shard would send: a message, type first, on a reliable channel.
  void post(Peer& peer, wire::Channel channel, std::span<const std::uint8_t> message, std::uint8_t flags = 0) {
    wire::Buffer buffer;
    ASSERT_EQ(link.empties.pop(&buffer, 1), 1U);
    std::copy(message.begin(), message.end(), buffer.data + link::body_offset);
    ASSERT_TRUE(link.filled.push(link::OutRow::Message{.session = joined[&peer].session(),
                                                       .connection_id = joined[&peer].connection_id(),
                                                       .body_bytes = static_cast<std::uint16_t>(message.size()),
                                                       .channel = channel,
                                                       .flags = flags,
                                                       .owner = buffer.owner,
                                                       .body = buffer.data + link::body_offset}));
  }
  /// Read up to `most` messages as a shard would, and give their memory back.
  std::vector<GameMessage> collect(unsigned most = ~0U) {
    std::vector<GameMessage> game_messages;
    for (link::GameMessage lent; game_messages.size() < most && link.game_messages.pop(&lent, 1) == 1;) {
      game_messages.push_back({lent.connection_id, lent.channel, {lent.message, lent.message + lent.bytes}});
      EXPECT_TRUE(link.filled.push(lent.back()));
    }
    return game_messages;
  }
  /// Input rows are not what this test is about.
  void discard_rows() {
    for (link::InputRow row; link.inputs.pop(&row, 1) == 1;) {
    }
  }

  /// A sealed datagram of `peer`, with `edit(bytes, size)` between compose and seal, and the CRC made last.
  struct Forge {
    std::uint8_t flags = wire::flag::sealed;
    std::uint8_t channel = 0;
    std::uint64_t sequence = 0;  ///< 0: the next free one, far above what the client uses
    std::vector<std::uint8_t> body;
    bool break_tag = false;
    bool break_crc = false;
    std::uint32_t connection_id = 0;     ///< 0: the peer's
    std::uint16_t from = 0;              ///< 0: the peer's port
    const crypt::Secret* key = nullptr;  ///< nullptr: the peer's, of epoch 0
  };
  std::vector<std::uint8_t> forge(Peer& peer, const Forge& what) {
    const wire::CrcSeed crc{test_protocol};
    const std::uint32_t id = what.connection_id != 0 ? what.connection_id : peer.session.connection_id();
    const std::uint64_t sequence = what.sequence != 0 ? what.sequence : ++forged_sequence;
    std::vector<std::uint8_t> bytes = test::sealed_datagram(what.key != nullptr ? *what.key : sending_key(peer),
                                                            {id, what.channel, what.flags, sequence}, what.body, crc);
    if (what.break_tag) {
      bytes[bytes.size() - wire::crc_bytes - 1] ^= 1;
      wire::stamp_one(bytes, crc);
    }
    if (what.break_crc) bytes.back() ^= 0x80;
    return bytes;
  }
  void send(Peer& peer, const Forge& what) {
    peer.deaf = true;
    send_raw(forge(peer, what), what.from != 0 ? what.from : peer.port, peer.host);
  }
  /// From now on only what the test forges comes from this client.
  void take_over(Peer& peer) {
    static_cast<void>(sending_key(peer));
    peer.mute = peer.deaf = true;
  }
  /// Messages, type first, as the body of a datagram on a reliable channel.
  static std::vector<std::uint8_t> reliable_body(std::uint16_t first_id,
                                                 const std::vector<std::vector<std::uint8_t>>& messages) {
    std::vector<std::uint8_t> body(wire::body_bytes_max);
    base::ByteWriter out{body};
    out.write(first_id);
    for (const auto& message : messages) {
      out.write_varint(message.size());
      out.write_bytes(message);
    }
    EXPECT_TRUE(out.ok());
    body.resize(out.size());
    return body;
  }
  /// One message in a body of channel 0: `write(ByteWriter&)` frames it.
  template <class Write>
  static std::vector<std::uint8_t> body_with(Write&& write) {
    std::vector<std::uint8_t> body(wire::body_bytes_max);
    base::ByteWriter out{body};
    write(out);
    EXPECT_TRUE(out.ok());
    body.resize(out.size());
    return body;
  }

  /// The client's sending key, taken from a datagram that it composes.
  crypt::Secret sending_key(Peer& peer) {
    if (const auto known = keys.find(&peer); known != keys.end()) return known->second;
    message::Input input;
    peer.session.submit(input);
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    const peer::Outgoing out = peer.session.compose(bytes, now + second);  // by then something is due in any state
    EXPECT_NE(out.key, nullptr);
    crypt::Secret secret{std::span<const std::uint8_t, 32>{out.key, 32}};
    keys.emplace(&peer, secret);
    return secret;
  }

  [[nodiscard]] std::uint64_t drops(metrics::Drop drop) const { return rig.drops(drop); }
  /// received = delivered + answered + drops of datagrams: at every moment.
  void expect_balanced() const {
    const test::LoopServer::Books books = rig.books();
    EXPECT_EQ(books.received, books.accounted);
  }

  Nanos now = 100 * second;
  std::uint32_t tick = 1;
  std::uint64_t received = 0;
  struct Heard {
    std::uint64_t datagrams = 0, bytes = 0;
  };
  std::map<std::pair<const port::LoopPort*, std::uint16_t>, Heard> heard_at;  ///< by host and port
  std::uint64_t forged_sequence = 100'000;
  std::vector<std::uint8_t> last_datagram;
  metrics::DropCounters client_drops;
  test::LoopServer rig;
  std::unique_ptr<port::LoopPort> remote, elsewhere;
  channel::Pools client_pools{4'096, 16, 4};
  std::function<void(peer::SessionOptions&)> prepare;  ///< has the last word on the options of new peers
  // What tests look at all the time.
  port::LoopPort* const server = rig.server_ports.front().get();
  link::IoShardLink& link = *rig.links.front();
  link::HandshakeLink& handshake_link = *rig.handshake_links.front();
  crypt::TokenKey& key = rig.key;
  handshake::HandshakeLane& handshake = rig.handshake;
  IoLane<port::LoopPort>& lane = *rig.ios.front();
  std::vector<std::unique_ptr<Peer>> peers;
  std::map<Peer*, link::SessionEvent> joined;
  std::map<Peer*, crypt::Secret> keys;
};

}  // namespace serried::io
