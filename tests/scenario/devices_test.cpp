/// A server on two devices: clients that move from one to the other in the middle of the game.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "games/reference/game.h"
#include "port/ethdev_queues.h"
#include "port/shared_eal.h"
#include "support/datagram.h"
#include "support/server.h"

namespace serried::scenario {
namespace {

constexpr unsigned devices = 2, io_lanes = 2, players = 12;
constexpr std::uint16_t port_first = 20'000;
constexpr std::uint64_t protocol = 0x5E'44'1E'D1;

std::unique_ptr<port::EthdevDevice> open(const std::string& device, const std::string& address, std::uint16_t first,
                                         std::uint16_t last, unsigned buffers) {
  port::EthdevConfig config;
  config.device = device;
  config.queues = io_lanes;
  config.host.has_ipv4 = true;
  config.host.ipv4 = port::parse_local_address(address).value();
  config.host.port_first = first;
  config.host.port_last = last;
  config.rx_descriptors = config.tx_descriptors = 256;
  config.buffers = buffers;
  auto opened = port::EthdevDevice::open(config);
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
  return opened ? std::move(opened).value() : nullptr;
}

/// The devices of the server, and at the far end of each the clients that are there. Both of the server's have one
/// address, as where routers know two ways to it: a client hears only the address that it speaks to.
struct Wires {
  explicit Wires(const std::string& second_address) {
    static int number = 0;
    for (unsigned i = 0; i < devices; ++i) {
      const auto pair = port::make_ring_pair("game" + std::to_string(number++), io_lanes, 512);
      EXPECT_TRUE(pair) << pair.error().message;
      near[i] = open(pair.value().first, "10.1.0.1/24", 40'000, 40'000, 4'096);
      far[i] = open(pair.value().second, i == 0 ? "10.1.0.2/24" : second_address, port_first, port_first + players - 1,
                    1'024);
      remote[i] = std::make_unique<port::EthdevQueues>(*far[i]);
    }
    const std::array both{near[0].get(), near[1].get()};
    for (unsigned i = 0; i < io_lanes; ++i) {
      lanes.push_back(std::make_unique<port::EthdevQueues>(both, i));
      ports.push_back(lanes.back().get());
    }
  }

  std::array<std::unique_ptr<port::EthdevDevice>, devices> near, far;
  std::array<std::unique_ptr<port::EthdevQueues>, devices> remote;
  std::vector<std::unique_ptr<port::EthdevQueues>> lanes;  ///< by io lane
  std::vector<port::EthdevQueues*> ports;
};

struct Bot : test::Client {
  unsigned device = 0, queue = 0;  ///< by which it speaks
  std::uint64_t heard[devices] = {};
  Nanos next_input = 0;
};

class DeviceGame {
 public:
  explicit DeviceGame(const std::string& second_address)
      : wires(second_address), server(setup_of(game), wires.ports), client_pools(4'096, 32, 4) {
    for (unsigned i = 0; i < players; ++i) {
      Bot& bot = bots[i];
      bot.device = i % devices;
      bot.queue = i / devices % io_lanes;
      bot.options.pools = &client_pools;
      bot.options.audit = true;
      server.introduce(bot, server.claims_for(i + 1), wires.near[0]->lane(0).local());
      EXPECT_TRUE(bot.session.start(bot.options, now));
    }
  }
  ~DeviceGame() {
    server.close();
    for (unsigned i = 0; i < devices; ++i)
      for (unsigned lane = 0; lane < io_lanes; ++lane)
        EXPECT_EQ(wires.near[i]->lane(lane).outstanding() + wires.far[i]->lane(lane).outstanding(), 0U)
            << "a buffer did not come home";
  }

  void run(Nanos duration) {
    for (const Nanos end = now + duration; now < end;) step();
  }
  [[nodiscard]] bool all_playing() const {
    for (const Bot& bot : bots)
      if (!bot.session.connected()) return false;
    return true;
  }
  [[nodiscard]] std::uint64_t audits() const {
    std::uint64_t sum = 0;
    for (const Bot& bot : bots) sum += bot.session.view().counters().audits;
    return sum;
  }
  [[nodiscard]] std::uint64_t mismatches() const {
    std::uint64_t sum = 0;
    for (const Bot& bot : bots) sum += bot.session.view().counters().mismatches;
    return sum;
  }
  /// What bots have heard by the device at which they are, and by others, since they were last asked.
  struct Heard {
    std::uint64_t here = 0, elsewhere = 0;
  };
  Heard heard() {
    Heard all;
    for (Bot& bot : bots)
      for (unsigned i = 0; i < devices; ++i) {
        (i == bot.device ? all.here : all.elsewhere) += bot.heard[i];
        bot.heard[i] = 0;
      }
    return all;
  }
  /// To the other device, and there to the queue of the other io lane.
  void move_all() {
    for (Bot& bot : bots) {
      bot.device = (bot.device + 1) % devices;
      bot.queue = (bot.queue + 1) % io_lanes;
    }
  }

  games::reference::Game game{games::reference::Config{.player_spawn_half = 3'000.0F, .npc_spawn_half = 3'000.0F}};
  Wires wires;
  test::Server<port::EthdevQueues> server;
  channel::Pools client_pools;
  std::array<Bot, players> bots;
  metrics::DropCounters client_drops;
  Nanos now = 1'000 * second;

 private:
  static test::ServerSetup setup_of(const games::reference::Game& game) {
    test::ServerSetup setup;
    setup.seed = 91;
    setup.io.protocol_id = protocol;
    setup.io.sessions_max = 64;
    setup.io.attempts_max = 64;
    setup.io.spare_buffers = 256;
    setup.io.chunks = 4'096;
    setup.io.small_blocks = 32;
    setup.io.large_blocks = 4;
    setup.io.abuse_guard.ban_score = 0;
    setup.clock_start = 999 * second;
    setup.link_rows = 1'024;
    setup.link_buffers = 256;
    setup.world.emplace();
    setup.world->world.players_max = 64;
    setup.world->world.npcs = 40;
    setup.world->replicate.audit_per_second = 10;
    setup.world->game = game.callbacks();
    return setup;
  }

  void step() {
    now += millisecond;
    for (Bot& bot : bots) speak(bot);
    for (int round = 0; round < 4; ++round) {
      for (auto& io : server.ios) io->poll(now);
      server.poll_handshake(now);
      for (auto& shard : server.shards) shard->poll(now);
    }
    for (unsigned i = 0; i < devices; ++i)
      test::receive_all(*wires.remote[i], now, [&](std::span<std::uint8_t> bytes, const wire::Path& path) {
        Bot& bot = bots[path.local_port - port_first];
        ++bot.heard[i];
        bot.session.receive(bytes, path, now, client_drops);
      });
  }

  void speak(Bot& bot) {
    if (bot.session.connected() && now >= bot.next_input) {
      bot.next_input = now + second / 30;
      message::Input input;
      input.move_x = 100;
      bot.session.submit(input);
    }
    wire::Path to = wires.near[bot.device]->lane(0).local();
    to.local_port = static_cast<std::uint16_t>(port_first + (&bot - bots.data()));
    std::array<std::uint8_t, wire::datagram_bytes_max> bytes;
    while (const std::size_t size = bot.session.send(bytes, now))
      ASSERT_TRUE(test::transmit(wires.far[bot.device]->lane(bot.queue), std::span{bytes.data(), size}, to, now));
  }
};

/// Play on two devices, then move every client to the other one, and back, under `second_address` there.
void expect_to_follow(const std::string& second_address, bool same_end_point) {
  ASSERT_TRUE(port::shared_eal_runs());
  DeviceGame game{second_address};
  game.run(2 * second);
  ASSERT_TRUE(game.all_playing());
  EXPECT_GT(game.heard().here, players * 30U);
  for (unsigned moves = 1; moves <= 4; ++moves) {
    game.move_all();
    game.run(500 * millisecond);
    game.heard();
    game.run(second);
    const auto [here, elsewhere] = game.heard();
    EXPECT_GT(here, players * 20U) << "after move " << moves;
    EXPECT_EQ(elsewhere, 0U) << "after move " << moves;
    EXPECT_TRUE(game.all_playing());
    EXPECT_EQ(game.server.total(&io::IoCounters::roamed), same_end_point ? 0U : moves * players);
  }
  game.run(16 * second);  // longer than silence lasts that ends a session
  EXPECT_TRUE(game.all_playing());
  EXPECT_GT(game.audits(), players * 10U);
  EXPECT_EQ(game.mismatches(), 0U);
  EXPECT_EQ(game.server.total(&io::IoCounters::ended), 0U);
  EXPECT_GT(game.server.total(&io::IoCounters::handed_over), 0U) << "no datagram came to another lane";
  const auto books = game.server.books();
  EXPECT_EQ(books.received, books.accounted);
}

/// Let datagrams of one end point begin to come by the other device, as after a change of routes. Expect the session to
/// be answered there from the next datagram on, without a probe.
TEST(ScenarioDevices, ASessionFollowsItsRouteToAnotherDevice) { expect_to_follow("10.1.0.2/24", true); }

/// Move clients to another address at the other device. Expect each to be probed there, and answered there from then
/// on.
TEST(ScenarioDevices, ASessionRoamsToAnotherDevice) { expect_to_follow("10.1.0.3/24", false); }

}  // namespace
}  // namespace serried::scenario
