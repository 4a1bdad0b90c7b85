#pragma once
/// A whole server in one thread with real clients at the other end of a loop wire: io, handshake and shard lanes are
/// polled in a seeded order under the clock of the test. One seed decides everything. There are no mocks: these are the
/// lanes that run in production.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "channel/pack.h"
#include "games/reference/game.h"
#include "support/datagram.h"
#include "support/loop_server.h"

namespace serried::scenario {

struct EngineConfig {
  std::uint64_t seed = 1;
  unsigned shards = 1;
  unsigned io_lanes = 1;
  bool scatter = false;  ///< each datagram comes to any io lane, not those of one source to one
  unsigned players = 12;
  unsigned npcs = 60;
  unsigned input_hz = 30;
  float spawn_half = 3'000.0F;
  std::uint64_t poll_seed = 1;  ///< order in which lanes are polled
  Nanos ack_delay = 25 * millisecond;
  unsigned datagram_bytes = 1'146;
  unsigned audit_per_second = 20;

  Nanos step = millisecond;
  std::uint32_t first_tick = 0;          ///< the number before the first tick's
  Nanos began = 1'000 * second;          ///< what every clock says at the beginning
  std::uint32_t npc_stop_tick = 60 * 8;  ///< ticks after the first
  unsigned resume_s = 60;
  std::uint32_t timeout_ms = 15'000, idle_ping_ms = 5'000;
  Nanos rekey_after = 3'600 * second;
  // How much there is of everything
  unsigned sessions = 1'024;
  unsigned in_flight = 1U << 18;
  unsigned server_buffers = 1U << 14, spare_buffers = 512;
  unsigned link_rows = 4'096, link_buffers = 1'024;
  unsigned jobs = 64;
  unsigned handover_datagrams = io::HandoverMesh::waiting_max;
  std::uint32_t ban_score = 0;  ///< all bots share one address, in which others write too
  std::uint32_t chunks = 8'192;
  std::uint16_t small_blocks = 64, large_blocks = 8;
  std::uint32_t client_chunks = 8'192;
  std::uint16_t client_small_blocks = 64, client_large_blocks = 8;
};

struct Bot : test::Client {
  std::uint64_t player_id = 0;
  std::unique_ptr<port::LoopPort> port;
  base::Prng mind{0};
  Nanos next_input = 0;
  Nanos frame = 0, next_frame = 0;  ///< it hears and speaks once in so long, as a game that draws; 0: at every step
  message::Input intent;
  bool silent = false;  ///< neither hears nor says anything
};

/// The game outlives the lanes that play it.
struct Played {
  games::reference::Game game;
};

class Engine : public Played, public test::LoopServer {
 public:
  static constexpr std::uint64_t protocol = 0x5E'44'1E'D0;

  explicit Engine(const EngineConfig& engine_config)
      : Played{games::reference::Game{game_config(engine_config)}},
        LoopServer(setup_of(engine_config, game)),
        config(engine_config),
        now(config.began),
        hashed(config.first_tick),
        poll_order(config.poll_seed),
        client_pools(config.client_chunks, config.client_small_blocks, config.client_large_blocks) {}
  ~Engine() {
    close();
    EXPECT_EQ(outstanding(), 0U) << "a buffer did not come home";
  }

  Bot& add_bot(std::uint64_t player_id) {
    auto bot = std::make_unique<Bot>();
    const auto index = static_cast<std::uint16_t>(bots.size());
    bot->port = network
                    .open({.address = port::ipv4_address(10, 0, 1, 2),
                           .port_first = static_cast<std::uint16_t>(20'000 + index),
                           .buffers = 256})
                    .value();
    bot->player_id = player_id;
    bot->options.pools = &client_pools;
    bot->options.packer = &packer;
    bot->options.audit = true;
    bot->options.connect_timeout = 60 * second;
    bot->mind = base::Prng{base::mix(config.seed, player_id)};
    bot->next_input = now + bot->mind.below(second / config.input_hz);
    log_in(*bot);
    bots.push_back(std::move(bot));
    return *bots.back();
  }
  /// With a fresh token, whatever the session was before.
  void log_in(Bot& bot) {
    introduce(bot, claims_for(bot.player_id), address());
    EXPECT_TRUE(bot.session.start(bot.options, now));
  }
  /// `bytes`, as they are, from one port.
  void send_raw(port::LoopPort& from, std::span<const std::uint8_t> bytes, const wire::Path& to) {
    ASSERT_TRUE(test::transmit(from, bytes, to, now));
  }

  void add_bots() {
    for (unsigned i = 0; i < config.players; ++i) add_bot(i + 1);
  }

  /// One step of the clock. What has arrived is handed on before a tick may begin, whatever the order of the lanes.
  void step() {
    for (auto& bot : bots) drive(*bot);
    poll_all(true);
    now += config.step;
    poll_all(false);
    if (const std::uint32_t tick = simulation->hashed_tick(); tick != hashed) {
      std::uint64_t hash = 0;
      EXPECT_TRUE(simulation->world_hash(tick, hash));
      hashes.emplace(tick, hash);
      hashed = tick;
    }
  }
  void run(Nanos duration) {
    for (const Nanos end = now + duration; now < end;) step();
  }
  [[nodiscard]] bool all_playing() const {
    for (const auto& bot : bots)
      if (!bot->session.connected()) return false;
    return true;
  }
  void connect_all() {
    add_bots();
    for (int i = 0; i < 60'000 && !all_playing(); ++i) step();
    for (const auto& bot : bots) EXPECT_TRUE(bot->session.connected()) << bot->session.end_text();
  }
  /// Every client's outbound direction, and the server's.
  void set_profiles(const port::LoopProfile& to_server, const port::LoopProfile& to_clients) {
    for (auto& bot : bots) bot->port->set_outbound(to_server);
    set_outbound(to_clients);
  }

  /// Stop walking, heal the wire, let all bots learn; then every view must equal the world.
  void settle(Nanos duration = 4 * second) {
    walking = false;
    set_profiles({}, {});
    run(duration);
  }

  void expect_views_equal_world() const {
    std::map<std::uint16_t, shard::Simulation::Living> world;
    simulation->for_each_entity([&](const shard::Simulation::Living& entity) { world.emplace(entity.slot, entity); });
    for (const auto& bot : bots) {
      if (!bot->session.connected()) continue;
      const view::View& view = bot->session.view();
      SCOPED_TRACE(testing::Message() << "connection " << bot->session.connection_id());
      EXPECT_EQ(view.counters().mismatches, 0U);
      const view::Tracked* own = view.own();
      ASSERT_NE(own, nullptr);
      std::map<std::uint16_t, bool> known;
      view.for_each([&](const view::Tracked& tracked) {
        const auto found = world.find(tracked.slot);
        ASSERT_NE(found, world.end()) << "slot " << tracked.slot << " is a phantom";
        EXPECT_EQ(found->second.id, view.facts(tracked).id);
        EXPECT_EQ(found->second.generation, tracked.generation);
        EXPECT_TRUE(found->second.state == tracked.state) << "slot " << tracked.slot << " differs";
        known[tracked.slot] = true;
      });
      view.for_each_far(now, [&](const view::FarProxy& proxy) {
        known[proxy.slot] = true;
        const auto found = world.find(proxy.slot);
        if (found == world.end()) return;  // left lately: proxies expire
        const auto at = view.position(proxy);
        for (int axis = 0; axis < 3; ++axis)
          EXPECT_NEAR(at[axis], found->second.position[axis], 60.0F) << "axis " << axis;
      });
      const auto here = view.position(*own);
      for (const auto& [slot, entity] : world) {
        const float dx = entity.position[0] - here[0], dy = entity.position[1] - here[1];
        if (dx * dx + dy * dy < 20'000.0F * 20'000.0F) {
          EXPECT_TRUE(known.contains(slot)) << "slot " << slot << " is unseen";
        }
      }
    }
  }
  /// Of every io lane: in + taken over = delivered + answered + handed over + drops. Of all: what was handed over was
  /// taken over, since lanes are polled until no ring holds anything.
  void expect_balanced() const {
    for (unsigned i = 0; i < config.io_lanes; ++i) {
      const io::IoCounters& io = ios[i]->counters();
      EXPECT_EQ(ports[i]->counters().rx_packets.value() + io.taken_over.value(),
                io.delivered.value() + io.answered.value() + io.handed_over.value() +
                    io.drops.total(metrics::DropUnit::datagram))
          << "io lane " << i;
    }
    EXPECT_EQ(total(&io::IoCounters::handed_over), total(&io::IoCounters::taken_over));
  }
  [[nodiscard]] std::uint64_t audits() const {
    std::uint64_t sum = 0;
    for (const auto& bot : bots) sum += bot->session.view().counters().audits;
    return sum;
  }

  EngineConfig config;
  Nanos now;
  std::uint32_t hashed;  ///< last tick that stands in `hashes`
  base::Prng poll_order;
  bool walking = true;
  channel::Pools client_pools;
  channel::Packer packer;
  std::vector<std::unique_ptr<Bot>> bots;
  std::map<std::uint32_t, std::uint64_t> hashes;
  metrics::DropCounters client_drops;
  std::function<void(Bot&, std::span<const std::uint8_t>)> on_sent;  ///< what bots say, as it goes onto the wire

 protected:
  static test::LoopServerSetup setup_of(const EngineConfig& config, const games::reference::Game& game) {
    test::LoopServerSetup setup;
    setup.seed = config.seed;
    setup.io = io_config(config);
    setup.world = world_of(config, game);
    setup.server_id = 77;
    setup.clock_start = config.began - second;
    setup.token_life_s = 100'000;
    setup.tokens_remembered = 4'096;
    setup.players_max = config.sessions;
    setup.jobs = config.jobs;
    setup.link_rows = config.link_rows;
    setup.link_buffers = config.link_buffers;
    setup.handover_datagrams = config.handover_datagrams;
    setup.io_lanes = config.io_lanes;
    setup.network = {.seed = config.seed, .in_flight_max = config.in_flight, .scatter = config.scatter};
    setup.buffers = config.server_buffers;
    return setup;
  }
  static games::reference::Config game_config(const EngineConfig& config) {
    return {.player_spawn_half = config.spawn_half,
            .npc_spawn_half = config.spawn_half,
            .npc_stop_tick = config.npc_stop_tick == 0 ? 0 : config.first_tick + config.npc_stop_tick};
  }
  static shard::ShardSetup world_of(const EngineConfig& config, const games::reference::Game& game) {
    shard::ShardSetup shard;
    shard.world.players_max = config.players * 4 + 64;
    shard.world.npcs = config.npcs;
    shard.replicate.datagram_bytes = config.datagram_bytes;
    shard.replicate.audit_per_second = config.audit_per_second;
    shard.shards = config.shards;
    shard.seed = config.seed;
    shard.first_tick = config.first_tick;
    shard.game = game.callbacks();
    shard.world.resume_s = config.resume_s;
    return shard;
  }
  static io::IoConfig io_config(const EngineConfig& config) {
    io::IoConfig io_settings;
    io_settings.sessions_max = config.sessions;
    io_settings.attempts_max = config.sessions;
    io_settings.spare_buffers = config.spare_buffers;
    io_settings.chunks = config.chunks;
    io_settings.small_blocks = config.small_blocks;
    io_settings.large_blocks = config.large_blocks;
    io_settings.rekey_after = config.rekey_after;
    io_settings.abuse_guard.ban_score = config.ban_score;
    io_settings.parameters.timeout_ms = config.timeout_ms;
    io_settings.parameters.idle_ping_ms = config.idle_ping_ms;
    io_settings.protocol_id = protocol;
    io_settings.parameters.input_rate_max_hz = 120;
    io_settings.parameters.ack_delay_us = static_cast<std::uint32_t>(config.ack_delay / microsecond);
    return io_settings;
  }

  void drive(Bot& bot) {
    if (now < bot.next_frame) return;
    bot.next_frame = now + bot.frame;
    test::receive_all(*bot.port, now, [&](std::span<std::uint8_t> bytes, const wire::Path& path) {
      if (!bot.silent) bot.session.receive(bytes, path, now, client_drops);
    });
    if (bot.silent) return;
    if (walking && bot.session.connected() && now >= bot.next_input) {
      bot.next_input += second / config.input_hz;
      if (bot.mind.chance(0.1)) {
        bot.intent.move_x = static_cast<std::int8_t>(bot.mind.below(255));
        bot.intent.move_x = bot.intent.move_x == -128 ? std::int8_t{0} : bot.intent.move_x;
        bot.intent.move_y = static_cast<std::int8_t>(static_cast<int>(bot.mind.below(255)) - 127);
        bot.intent.yaw = static_cast<std::int16_t>(bot.mind.next());
        bot.intent.buttons = bot.mind.chance(0.3) ? message::button::run : std::uint8_t{0};
      }
      bot.session.submit(bot.intent);
    }
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    while (const std::size_t size = bot.session.send(bytes, now)) {
      if (on_sent) on_sent(bot, {bytes.data(), size});
      send_raw(*bot.port, {bytes.data(), size}, address());
    }
  }

  /// Every lane, in an order that the seed decides, until none has anything to do. `with_io` false: shards alone.
  void poll_all(bool with_io) {
    std::vector<unsigned> order(shards.size() + ios.size() + 1);
    for (int quiet = 0, rounds = 0; quiet < 3 && rounds < 4'000; ++rounds) {
      for (unsigned i = 0; i < order.size(); ++i) order[i] = i;
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[poll_order.below(i)]);
      unsigned work = 0;
      for (const unsigned who : order) {
        if (who < shards.size())
          work += shards[who]->poll(now);
        else if (!with_io)
          continue;
        else if (who < shards.size() + ios.size())
          work += ios[who - shards.size()]->poll(now);
        else
          work += poll_handshake(now);
      }
      quiet = work == 0 ? quiet + 1 : 0;
    }
  }
};

}  // namespace serried::scenario
