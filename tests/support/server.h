#pragma once
/// A server in one thread: the io, handshake and shard lanes of production and the rings between them, polled by the
/// test under its own clock. Without a world the test stands in for the shard, at the far end of `links`.
///
///     client -- port of the test -- io lane =links= shard lane
///                                     ||
///                                handshake lane

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "crypt/token.h"
#include "handshake/handshake_lane.h"
#include "io/handover.h"
#include "io/io_lane.h"
#include "peer/session.h"
#include "shard/shard_lane.h"
#include "support/entropy.h"

namespace serried::test {

struct ServerSetup {
  std::uint64_t seed = 1;  ///< of all entropy: token key, cookies, ids of sessions
  io::IoConfig io;         ///< of each io lane; its number is that of the first
  /// None: no shard lanes. Numbers of io lanes and of their sessions are those of the server.
  std::optional<shard::ShardSetup> world;
  std::uint64_t server_id = 5;
  std::int64_t unix_start = 1'700'000'000;
  Nanos clock_start = 0;  ///< what the clock of the test says at unix_start
  std::int64_t token_life_s = 3'600;
  std::uint32_t tokens_remembered = 1'000;
  std::uint32_t players_max = 64;
  unsigned jobs = 64;  ///< handshakes under way, of one io lane
  unsigned link_rows = 4'096, link_buffers = 1'024;
  unsigned handover_datagrams = io::HandoverMesh::waiting_max;  ///< that may wait for one io lane
};

/// A client of such a server, and what its session points to.
struct Client {
  explicit Client(const view::ViewOptions& view = {}) : session(view) {}

  std::vector<std::uint8_t> token;
  peer::SessionOptions options;
  peer::Session session;
};

/// `ports`, one an io lane, outlive the server.
template <port::Port P, io::StageProbe Probe = io::NoProbe>
class Server {
 public:
  using IoLane = io::IoLane<P, Probe>;

  Server(const ServerSetup& server_setup, std::vector<P*> server_ports)
      : setup(server_setup),
        ports(std::move(server_ports)),
        random(setup.seed),
        handshake_links(make_handshake_links()),
        key(make_key()),
        handshake({key, setup.clock_start, setup.tokens_remembered, setup.players_max, entropy()},
                  pointers(handshake_links)),
        mesh(static_cast<unsigned>(ports.size()), setup.handover_datagrams) {
    const auto io_lanes = static_cast<unsigned>(ports.size());
    const unsigned shard_count = setup.world ? setup.world->shards : 1;
    for (unsigned i = 0; i < io_lanes * shard_count; ++i)
      links.push_back(std::make_unique<link::IoShardLink>(setup.link_rows, setup.link_buffers));
    const std::vector<link::IoShardLink*> all = pointers(links);
    io::IoConfig io = setup.io;
    for (unsigned i = 0; i < io_lanes; ++i, ++io.lane) {
      const auto first = all.begin() + i * shard_count;
      ios.push_back(std::make_unique<IoLane>(io, *ports[i], std::vector(first, first + shard_count),
                                             *handshake_links[i], crypt::CookieJar{key.secret}, entropy()));
      ios.back()->attach(mesh.links_of(i));
    }
    if (!setup.world) return;
    setup.world->io_lanes = io_lanes;
    setup.world->sessions_per_lane = setup.io.places();
    SERRIED_CHECK(setup.world->validate().empty());
    simulation = std::make_unique<shard::Simulation>(*setup.world);
    for (unsigned s = 0; s < shard_count; ++s) {
      std::vector<link::IoShardLink*> own;
      for (unsigned i = 0; i < io_lanes; ++i) own.push_back(all[i * shard_count + s]);
      shards.push_back(std::make_unique<shard::ShardLane>(*simulation, s, own));
    }
  }
  ~Server() { close(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Every buffer that lanes and rings hold goes home. No lane is polled any more.
  void close() {
    for (auto& shard : shards) shard->close();
    for (auto& io : ios) io->close();
  }

  unsigned poll_handshake(Nanos now) { return handshake.poll(now, unix_now(now)); }
  [[nodiscard]] std::int64_t unix_now(Nanos now) const {
    return setup.unix_start + static_cast<std::int64_t>((now - setup.clock_start) / second);
  }
  [[nodiscard]] crypt::Entropy entropy() { return random.entropy(); }

  // ---- clients

  /// What a token says of this player, with an id and a secret of its own.
  [[nodiscard]] crypt::TokenClaims claims_for(std::uint64_t player_id) {
    crypt::TokenClaims claims;
    entropy().fill(claims.id);
    entropy().fill(claims.secret.bytes());
    claims.player_id = player_id;
    claims.issued = claims.not_before = setup.unix_start + 1;
    claims.expiry = setup.unix_start + setup.token_life_s;
    claims.audience = key.server_id;
    return claims;
  }
  /// Fill in where the client finds the server and how it proves its player. The other options stay as they are.
  void introduce(Client& client, const crypt::TokenClaims& claims, const wire::Path& address) {
    client.token = crypt::issue_token(key, claims, entropy()).value();
    client.options.server = address;
    client.options.protocol_id = key.protocol_id;
    client.options.server_id = key.server_id;
    client.options.token = client.token;
    client.options.token_secret = claims.secret;
    client.options.entropy = entropy();
  }

  // ---- counters

  /// Of all io lanes together.
  [[nodiscard]] std::uint64_t total(base::Counter io::IoCounters::*counter) const {
    std::uint64_t sum = 0;
    for (const auto& io : ios) sum += (io->counters().*counter).value();
    return sum;
  }
  [[nodiscard]] std::uint64_t drops(metrics::Drop drop) const {
    std::uint64_t sum = 0;
    for (const auto& io : ios) sum += io->counters().drops.value(drop);
    return sum;
  }
  /// Datagrams that came to the lanes, from ports and from other lanes, and what became of them: equal between any two
  /// polls.
  struct Books {
    std::uint64_t received = 0, accounted = 0;
  };
  [[nodiscard]] Books books() const {
    Books books;
    for (const P* port : ports) books.received += port->counters().rx_packets.value();
    books.received += total(&io::IoCounters::taken_over);
    books.accounted =
        total(&io::IoCounters::delivered) + total(&io::IoCounters::answered) + total(&io::IoCounters::handed_over);
    for (const auto& io : ios) books.accounted += io->counters().drops.total(metrics::DropUnit::datagram);
    return books;
  }

 protected:
  template <class T>
  static std::vector<T*> pointers(const std::vector<std::unique_ptr<T>>& owners) {
    std::vector<T*> all;
    all.reserve(owners.size());
    for (const auto& owner : owners) all.push_back(owner.get());
    return all;
  }

 private:
  [[nodiscard]] std::vector<std::unique_ptr<link::HandshakeLink>> make_handshake_links() const {
    std::vector<std::unique_ptr<link::HandshakeLink>> made;
    for (std::size_t i = 0; i < ports.size(); ++i)
      made.push_back(std::make_unique<link::HandshakeLink>(setup.jobs, setup.io.places()));
    return made;
  }
  [[nodiscard]] crypt::TokenKey make_key() {
    crypt::TokenKey made;
    made.key_id = 1;
    made.protocol_id = setup.io.protocol_id;
    made.server_id = setup.server_id;
    entropy().fill(made.secret.bytes());
    return made;
  }

 public:
  ServerSetup setup;
  const std::vector<P*> ports;
  SeededEntropy random;
  std::vector<std::unique_ptr<link::HandshakeLink>> handshake_links;  ///< by io lane
  crypt::TokenKey key;
  handshake::HandshakeLane handshake;
  io::HandoverMesh mesh;
  std::vector<std::unique_ptr<link::IoShardLink>> links;  ///< [io lane * shards + shard]
  std::vector<std::unique_ptr<IoLane>> ios;
  std::unique_ptr<shard::Simulation> simulation;  ///< null: there is no world
  std::vector<std::unique_ptr<shard::ShardLane>> shards;
};

}  // namespace serried::test
