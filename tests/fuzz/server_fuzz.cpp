/// What any client can do to a server: the real io, handshake and shard lanes on a loop wire. The input is a script of
/// steps, each one byte and its operands (Script, below): raw datagrams of strangers, datagrams sealed with the good
/// keys of two players whose programs say what the script says, time, lanes that are behind, addresses that change,
/// logins. After each step the books balance and the pools are within bounds; at the end all memory comes home.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "games/reference/game.h"
#include "support/datagram.h"
#include "support/loop_server.h"

using namespace serried;  // NOLINT: a program's own file

namespace {

constexpr std::uint64_t protocol = 0x46'55'5A'5A;
constexpr Nanos began = 1'000 * second;
constexpr std::uint32_t chunks = 160;
constexpr std::uint16_t tick_rate_hz = 10, sections = 2;

void demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "server_fuzz: %s\n", what);
  std::abort();
}

/// Operands come from the input; behind its end they are 0.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : in_({data, size}) {}
  [[nodiscard]] bool more() const { return in_.remaining() != 0; }
  std::uint8_t byte() { return more() ? in_.read<std::uint8_t>() : std::uint8_t{0}; }
  std::vector<std::uint8_t> bytes(std::size_t count) {
    const auto view = in_.read_bytes(std::min(count, in_.remaining()));
    return {view.begin(), view.end()};
  }

 private:
  base::ByteReader in_;
};

struct Player : test::Client {
  std::unique_ptr<port::LoopPort> port;
  crypt::Secret key;       ///< the one it last sealed with
  std::uint8_t phase = 0;  ///< and the flag of its epoch
  std::uint32_t connection_id = 0;
  std::uint64_t sequence = 0;  ///< the highest used
};

class Game {
 public:
  Game()
      : server_(setup()),
        stranger_(server_.network
                      .open({.address = port::ipv4_address(10, 6, 6, 6),
                             .port_first = 6'000,
                             .port_last = 6'003,
                             .buffers = 128})
                      .value()) {
    for (std::uint16_t i = 0; i < players_.size(); ++i) {
      players_[i].port = server_.network
                             .open({.address = port::ipv4_address(10, 0, 1, 1),
                                    .port_first = static_cast<std::uint16_t>(5'000 + i),
                                    .buffers = 128})
                             .value();
      log_in(players_[i], i + 1U);
    }
    for (int i = 0; i < 200 && !(players_[0].session.connected() && players_[1].session.connected()); ++i) {
      for (Player& player : players_) speak(player);
      pass(5 * millisecond);
    }
    demand(players_[0].session.connected() && players_[1].session.connected(), "honest clients cannot connect");
  }

  void play(Script& script) {
    while (script.more()) {
      step(script);
      check();
    }
  }

  /// All clients go: nothing may be left behind.
  void end() {
    handshake_behind_ = shard_behind_ = false;
    server_.set_outbound({});
    io_.begin_drain();
    for (int i = 0; i < 3'000 && !io_.drained(); ++i) pass(10 * millisecond);
    demand(io_.drained(), "sessions that do not end");
    pass(500 * millisecond);
    check();
    demand(io_.counters().waiting_chunks.value() == 0 && io_.counters().fragment_bytes.value() == 0,
           "memory of messages is lost");
    const link::HandshakeLink& jobs = *server_.handshake_links.front();
    demand(jobs.free.size() == jobs.jobs.size(), "a job did not come home");
    server_.close();
    demand(server_.outstanding() == 0, "a buffer did not come home");
  }

 private:
  enum Op : std::uint8_t { time, raw, sealed, filled, address, behind, honest, weather, login, op_count };

  void step(Script& script) {
    const std::uint8_t what = script.byte();
    Player& player = players_[what >> 7];
    switch (static_cast<Op>((what & 0x7F) % op_count)) {
      case time:
        return pass(Nanos{script.byte()} * 8 * millisecond);
      case raw:
        return say_raw(script, player);
      case sealed: {
        const std::uint8_t channel = script.byte(), flags = script.byte(), skip = script.byte();
        return say_sealed(player, channel, flags, skip, script.bytes(script.byte()));
      }
      case filled: {
        // A long body: its first bytes, then one value.
        const std::uint8_t channel = script.byte(), flags = script.byte(), value = script.byte();
        const std::size_t size = std::min<std::size_t>(script.byte() * 8U, wire::body_bytes_max);
        std::vector<std::uint8_t> body = script.bytes(script.byte() & 31);
        body.resize(std::max(size, body.size()), value);
        return say_sealed(player, channel, flags, 1, body);
      }
      case address: {
        const std::uint8_t to = script.byte();
        // Taken by the other player: then it stays.
        static_cast<void>(player.port->rebind(port::ipv4_address(10, 0, 1, to & 1 ? 1 : 2),
                                              static_cast<std::uint16_t>(5'100 + (to >> 1))));
        return;
      }
      case behind: {
        const std::uint8_t who = script.byte();
        handshake_behind_ = (who & 1) != 0;
        shard_behind_ = (who & 2) != 0;
        return;
      }
      case honest:
        // Numbers that the script used up are not used again.
        for (int i = 0; i < 4; ++i) {
          if (player.session.connected()) player.session.submit({});
          speak(player);
          pass(5 * millisecond);
        }
        return;
      case weather:
        return server_.set_outbound({.loss = script.byte() / 255.0});
      default:
        log_in(player, 1 + (script.byte() & 3));
    }
  }

  void say_raw(Script& script, Player& player) {
    const std::uint8_t how = script.byte();
    std::vector<std::uint8_t> bytes = script.bytes(script.byte() * 5U);
    if ((how & 1) != 0) bytes.resize(wire::datagram_bytes_max);
    if ((how & 2) != 0 && bytes.size() >= 4) base::store(bytes.data(), player.connection_id);
    if ((how & 4) == 0 && bytes.size() >= wire::datagram_bytes_min && bytes.size() <= wire::datagram_bytes_max)
      wire::stamp_one(bytes, wire::CrcSeed{protocol});
    transmit((how & 8) != 0 ? *player.port : *stranger_, bytes);
  }

  void say_sealed(Player& player, std::uint8_t channel, std::uint8_t flags, std::uint8_t skip,
                  const std::vector<std::uint8_t>& body) {
    // Every sequence once; `skip` 0 repeats the last.
    player.sequence += skip;
    const auto bits = static_cast<std::uint8_t>(wire::flag::sealed | (flags & ~wire::flag::rekey));
    transmit(*player.port, test::sealed_datagram(player.key,
                                                 {player.connection_id, static_cast<std::uint8_t>(channel % 3),
                                                  static_cast<std::uint8_t>(bits ^ player.phase), player.sequence},
                                                 body, wire::CrcSeed{protocol}));
  }

  void log_in(Player& player, std::uint64_t player_id) {
    server_.introduce(player, server_.claims_for(player_id), server_.address());
    player.options.pools = &client_pools_;
    demand(player.session.start(player.options, now_), "a token is refused");
    player.sequence = 0;
  }

  /// What the real client says, and hears.
  void speak(Player& player) {
    metrics::DropCounters drops;
    test::receive_all(*player.port, now_, [&](std::span<std::uint8_t> bytes, const wire::Path& path) {
      player.session.receive(bytes, path, now_, drops);
    });
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    for (;;) {
      const peer::Outgoing out = player.session.compose(bytes, now_);
      if (out.bytes == 0) return;
      if (out.key != nullptr) {
        player.key = crypt::Secret{std::span<const std::uint8_t, 32>{out.key, 32}};
        player.phase = bytes[5] & wire::flag::key_phase;
        player.connection_id = out.connection_id;
        player.sequence = std::max(player.sequence, out.sequence);
        crypt::seal_in_place(out.key, out.connection_id, out.sequence, bytes.data(), 0, out.body_bytes);
      }
      wire::stamp_one(std::span(bytes).first(out.bytes), wire::CrcSeed{protocol});
      transmit(*player.port, std::span(bytes).first(out.bytes));
    }
  }

  void transmit(port::LoopPort& from, std::span<const std::uint8_t> bytes) {
    // Without a buffer it is not sent.
    if (!bytes.empty()) static_cast<void>(test::transmit(from, bytes, server_.address(), now_));
  }

  /// Time, in steps that are short at first.
  void pass(Nanos duration) {
    const Nanos end = now_ + duration;
    for (Nanos step = 5 * millisecond;; step = 2 * step) {
      poll();
      if (now_ >= end) return;
      now_ = std::min(end, now_ + std::min(step, 100 * millisecond));
    }
  }
  void poll() {
    for (unsigned quiet = 0, rounds = 0; quiet < 2 && rounds < 64; ++rounds) {
      unsigned work = io_.poll(now_);
      if (!handshake_behind_) work += server_.poll_handshake(now_);
      if (!shard_behind_) work += server_.shards.front()->poll(now_);
      quiet = work == 0 ? quiet + 1 : 0;
    }
    // A port that is never read runs out of buffers.
    test::receive_all(*stranger_, now_, [](std::span<std::uint8_t>, const wire::Path&) {});
  }

  void check() const {
    const io::IoCounters& counters = io_.counters();
    const test::LoopServer::Books books = server_.books();
    demand(books.received == books.accounted, "in is not delivered, answered and dropped");
    demand(counters.waiting_chunks.value() <= chunks && counters.sessions.value() <= 16, "more than there is");
  }

  [[nodiscard]] test::LoopServerSetup setup() const {
    test::LoopServerSetup setup;
    setup.seed = 1;
    setup.io = io_config();
    setup.world = shard_setup();
    setup.server_id = 3;
    setup.clock_start = began - second;
    setup.token_life_s = 100'000;
    setup.tokens_remembered = 64;
    setup.players_max = 16;
    setup.jobs = 4;
    setup.link_rows = 128;
    setup.link_buffers = 256;
    setup.network = {.seed = 1, .in_flight_max = 2'048};
    setup.udp_port = 4'000;
    setup.buffers = 1'024;
    return setup;
  }
  static io::IoConfig io_config() {
    io::IoConfig config;
    config.sessions_max = 16;
    config.attempts_max = 16;
    config.spare_buffers = 128;
    config.protocol_id = protocol;
    config.abuse_guard.buckets = 64;
    config.abuse_guard.scores = 64;
    config.abuse_guard.operator_bans_max = config.abuse_guard.score_bans_max = 16;
    config.abuse_guard.ban_score = 0;
    config.chunks = chunks;
    config.small_blocks = 3;
    config.large_blocks = 1;
    config.rekey_after = second;
    config.type_rates = {};
    config.parameters.tick_rate_hz = tick_rate_hz;
    config.parameters.sections_x = config.parameters.sections_y = sections;
    config.parameters.sections_z = 1;
    config.parameters.timeout_ms = 3'000;
    config.parameters.idle_ping_ms = 1'000;
    return config;
  }
  static games::reference::Config game_config() {
    games::reference::Config config;
    config.player_spawn_centre = config.npc_spawn_centre = {25'600, 25'600};
    config.npc_spawn_half = 5'000;
    return config;
  }
  shard::ShardSetup shard_setup() const {
    shard::ShardSetup setup;
    // Small and slow: cells and ticks cost more here than all that the input causes.
    setup.world.ticks_per_second = tick_rate_hz;
    setup.world.geometry.sections = {sections, sections, 1};
    setup.world.limits.max = {51'199, 51'199, 6'399};
    setup.world.players_max = 16;
    setup.world.npcs = 2;
    setup.world.resume_s = 1;
    setup.game = game_.callbacks();
    return setup;
  }

  Nanos now_ = began;
  bool handshake_behind_ = false, shard_behind_ = false;
  games::reference::Game game_{game_config()};
  test::LoopServer server_;
  io::IoLane<port::LoopPort>& io_ = *server_.ios.front();
  std::unique_ptr<port::LoopPort> stranger_;
  channel::Pools client_pools_{256, 8, 2};
  std::array<Player, 2> players_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = crypt::initialise();
  if (!ready) std::abort();
  if (size > 8'192) return 0;
  auto game = std::make_unique<Game>();
  Script script{data, size};
  game->play(script);
  game->end();
  return 0;
}
