/// What anybody can do to a server: the real io, handshake and shard lanes on a loop wire. The input is a script of
/// steps, each one byte and its operands (Script, below): raw datagrams of strangers, datagrams sealed with the good
/// keys of two players whose programs say what the script says, time, lanes that are behind, addresses that change,
/// logins. After each step the books balance and the pools are within bounds; at the end all memory comes home.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "client/session.h"
#include "crypt/aead.h"
#include "games/reference/game.h"
#include "lane/handshake_lane.h"
#include "lane/io_lane.h"
#include "lane/shard_lane.h"
#include "port/loop.h"
#include "wire/compose.h"
#include "wire/stamp.h"

using namespace serried;  // NOLINT: a program's own file

namespace {

constexpr std::uint64_t protocol = 0x46'55'5A'5A;
constexpr std::int64_t unix_start = 1'700'000'000;
constexpr std::uint32_t chunks = 160;
constexpr std::uint16_t tick_rate_hz = 10, sections = 2;

void demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "server_fuzz: %s\n", what);
  std::abort();
}

struct Dice {
  base::Prng random{1};
  crypt::Entropy entropy() {
    return {[](void* self, std::span<std::uint8_t> to) {
              for (auto& byte : to) byte = static_cast<std::uint8_t>(static_cast<Dice*>(self)->random.next());
            },
            this};
  }
};

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

struct Player {
  std::unique_ptr<port::LoopPort> port;
  client::Session session;
  std::vector<std::uint8_t> token;
  client::SessionOptions options;
  crypt::Secret key;       ///< the one it last sealed with
  std::uint8_t phase = 0;  ///< and the flag of its epoch
  std::uint32_t connection_id = 0;
  std::uint64_t sequence = 0;  ///< the highest used
};

class Server {
 public:
  Server()
      : network_({.seed = 1, .in_flight_max = 2'048}),
        port_(
            network_.open({.address = port::ipv4_address(10, 0, 0, 1), .port_first = 4'000, .buffers = 1'024}).value()),
        stranger_(network_
                      .open({.address = port::ipv4_address(10, 6, 6, 6),
                             .port_first = 6'000,
                             .port_last = 6'003,
                             .buffers = 128})
                      .value()),
        client_pools_(256, 8, 2),
        shard_link_(128, 256),
        handshake_link_(4, 16),
        key_(make_key()),
        handshake_({key_, unix_start, 64, 16, dice_.entropy()}, {&handshake_link_}),
        game_(game_config()),
        simulation_(shard_setup()),
        io_(io_config(), *port_, {&shard_link_}, handshake_link_, crypt::CookieJar{key_.secret}, dice_.entropy()),
        shard_(simulation_, 0, {&shard_link_}) {
    for (std::uint16_t i = 0; i < players_.size(); ++i) {
      players_[i].port = network_
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

  /// Everybody goes: nothing may be left behind.
  void end() {
    handshake_behind_ = shard_behind_ = false;
    port_->set_outbound({});
    io_.begin_drain();
    for (int i = 0; i < 3'000 && !io_.drained(); ++i) pass(10 * millisecond);
    demand(io_.drained(), "sessions that do not end");
    pass(500 * millisecond);
    check();
    demand(io_.counters().chunks.value() == 0 && io_.counters().block_bytes.value() == 0, "memory of messages is lost");
    demand(handshake_link_.free.size() == handshake_link_.jobs.size(), "a job did not come home");
    shard_.close();
    io_.close();
    demand(port_->outstanding() == 0, "a buffer did not come home");
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
        return port_->set_outbound({.loss = script.byte() / 255.0});
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
    std::vector<std::uint8_t> bytes(wire::header_bytes + body.size() + wire::tag_bytes + wire::crc_bytes);
    // Every sequence once; `skip` 0 repeats the last.
    player.sequence += skip;
    const auto bits = static_cast<std::uint8_t>(wire::flag::sealed | (flags & ~wire::flag::rekey));
    wire::compose_header(bytes.data(), {player.connection_id, static_cast<std::uint8_t>(channel % 3),
                                        static_cast<std::uint8_t>(bits ^ player.phase), player.sequence});
    std::copy(body.begin(), body.end(), bytes.begin() + wire::header_bytes);
    crypt::seal_in_place(player.key.data(), player.connection_id, player.sequence, bytes.data(), 0, body.size());
    wire::stamp_one(bytes, wire::CrcSeed{protocol});
    transmit(*player.port, bytes);
  }

  void log_in(Player& player, std::uint64_t player_id) {
    crypt::TokenClaims claims;
    dice_.entropy().fill(claims.id);
    dice_.entropy().fill(claims.secret.bytes());
    claims.player_id = player_id;
    claims.issued = claims.not_before = unix_start + 1;
    claims.expiry = unix_start + 100'000;
    claims.audience = key_.server_id;
    player.token = crypt::issue_token(key_, claims, dice_.entropy()).value();
    player.options.server = port_->local();
    player.options.protocol_id = protocol;
    player.options.server_id = key_.server_id;
    player.options.token = player.token;
    player.options.token_secret = claims.secret;
    player.options.entropy = dice_.entropy();
    player.options.pools = &client_pools_;
    demand(player.session.start(player.options, now_), "a token is refused");
    player.sequence = 0;
  }

  /// What the real client says, and hears.
  void speak(Player& player) {
    wire::Batch batch;
    observe::DropCounters drops;
    for (player.port->receive(batch, now_); batch.rows != 0; player.port->receive(batch, now_)) {
      for (unsigned row = 0; row < batch.rows; ++row)
        player.session.receive({batch.data[row], batch.length[row]}, batch.path[row], now_, drops);
      player.port->release(batch);
    }
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    for (;;) {
      const client::Outgoing out = player.session.compose(bytes, now_);
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
    wire::Buffer buffer;
    if (bytes.empty() || from.acquire({&buffer, 1}) == 0) return;
    std::copy(bytes.begin(), bytes.end(), buffer.data);
    wire::Batch batch;
    batch.append(buffer.data, bytes.size(), buffer.owner, port_->local());
    from.transmit(batch, now_);
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
      if (!handshake_behind_)
        work += handshake_.poll(now_, unix_start + static_cast<std::int64_t>((now_ - begin) / second) + 1);
      if (!shard_behind_) work += shard_.poll(now_);
      quiet = work == 0 ? quiet + 1 : 0;
    }
    // Who does not listen has no buffers for ever.
    wire::Batch batch;
    for (stranger_->receive(batch, now_); batch.rows != 0; stranger_->receive(batch, now_)) stranger_->release(batch);
  }

  void check() const {
    const lane::IoCounters& counters = io_.counters();
    demand(port_->counters().delivered_datagrams.value() == counters.delivered.value() + counters.answered.value() +
                                                                counters.drops.total(observe::DropUnit::datagram),
           "in is not delivered, answered and dropped");
    demand(counters.chunks.value() <= chunks && counters.sessions.value() <= 16, "more than there is");
  }

  crypt::TokenKey make_key() {
    crypt::TokenKey key;
    key.key_id = 1;
    key.protocol_id = protocol;
    key.server_id = 3;
    dice_.entropy().fill(key.secret.bytes());
    return key;
  }
  static lane::IoConfig io_config() {
    lane::IoConfig config;
    config.sessions_max = 16;
    config.attempts_max = 16;
    config.spare_buffers = 128;
    config.protocol_id = protocol;
    config.waf.buckets = 64;
    config.waf.scores = 64;
    config.waf.bans_max = 16;
    config.waf.ban_score = 0;
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
  lane::ShardSetup shard_setup() const {
    lane::ShardSetup setup;
    // Small and slow: cells and ticks cost more here than all that the input causes.
    setup.world.ticks_per_second = tick_rate_hz;
    setup.world.geometry.sections = {sections, sections, 1};
    setup.world.limits.max = {51'199, 51'199, 6'399};
    setup.world.players_max = 16;
    setup.world.npcs = 2;
    setup.world.resume_s = 1;
    setup.sessions_per_lane = 16;
    setup.game = game_.callbacks();
    for (const auto& fault : setup.validate()) demand(false, fault.c_str());
    return setup;
  }

  static constexpr Nanos begin = 1'000 * second;
  Nanos now_ = begin;
  Dice dice_;
  bool handshake_behind_ = false, shard_behind_ = false;
  port::LoopNetwork network_;
  std::unique_ptr<port::LoopPort> port_, stranger_;
  channel::Pools client_pools_;
  lane::IoShardLink shard_link_;
  lane::HandshakeLink handshake_link_;
  crypt::TokenKey key_;
  lane::HandshakeLane handshake_;
  games::reference::Game game_;
  lane::Simulation simulation_;
  lane::IoLane<port::LoopPort> io_;
  lane::ShardLane shard_;
  std::array<Player, 2> players_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = crypt::initialise();
  if (!ready) std::abort();
  if (size > 8'192) return 0;
  auto server = std::make_unique<Server>();
  Script script{data, size};
  server->play(script);
  server->end();
  return 0;
}
