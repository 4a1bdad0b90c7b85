#include "server/engine.h"

#include <arpa/inet.h>
#include <array>
#include <map>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "games/reference/game.h"
#include "server/topology.h"
#include "telemetry/allocations.h"

namespace serried::server {
namespace {

using metrics::CounterId;

EngineSetup small_setup(unsigned io_lanes = 1, unsigned shards = 1) {
  static const games::reference::Game game;
  EngineSetup setup;
  setup.game = game.callbacks();
  setup.config.driver = config::Driver::socket;
  setup.config.addresses = {"127.0.0.1"};
  setup.config.udp_port = 0;  // the system chooses
  setup.config.sessions_max = 64;
  setup.config.players_max = 64;
  setup.config.npcs = 10;
  setup.config.io_lanes = io_lanes;
  setup.shards = shards;
  return setup;
}

std::unique_ptr<Engine> open(const EngineSetup& setup) {
  auto engine = Engine::open(setup);
  EXPECT_TRUE(static_cast<bool>(engine)) << engine.error().message;
  return engine ? std::move(engine).value() : nullptr;
}

std::vector<LaneId> lanes_of(const EngineSetup& setup) {
  std::vector<LaneId> lanes{{LaneKind::handshake, 0}};
  for (unsigned i = 0; i < setup.config.io_lanes; ++i) lanes.push_back({LaneKind::io, i});
  for (unsigned i = 0; i < setup.shards; ++i) lanes.push_back({LaneKind::shard, i});
  return lanes;
}

/// All lanes on this thread, as long as `wanted` is false, for at most two seconds.
template <class Wanted>
bool poll_until(Engine& engine, const EngineSetup& setup, Wanted&& wanted) {
  const Nanos end = base::now() + 2 * second;
  while (!wanted()) {
    if (base::now() > end) return false;
    for (const LaneId id : lanes_of(setup)) {
      LaneEntry& lane = engine.lane(id);
      lane.poll(lane.lane, base::now());
    }
  }
  return true;
}

TEST(Engine, EveryLaneHasItsName) {
  const EngineSetup setup = small_setup(1, 3);
  const auto engine = open(setup);
  ASSERT_NE(engine, nullptr);
  for (const LaneId id : lanes_of(setup)) {
    EXPECT_EQ(engine->lane(id).name, lane_name(id));
    EXPECT_NE(engine->lane(id).poll, nullptr);
  }
  EXPECT_TRUE(engine->links().empty()) << "sockets have none";
}

TEST(Engine, TicksAndCountsThem) {
  const EngineSetup setup = small_setup(1, 2);
  const auto engine = open(setup);
  ASSERT_NE(engine, nullptr);
  std::uint64_t ticks = 0;
  EXPECT_TRUE(poll_until(*engine, setup, [&] {
    telemetry::Snapshot snapshot;
    engine->collect(snapshot);
    ticks = snapshot.counters[CounterId::world_ticks];
    return ticks >= 4;
  })) << ticks;
  telemetry::Snapshot snapshot;
  engine->collect(snapshot);
  EXPECT_GE(snapshot.tick_ns.count(), 2 * 4U) << "of each shard";
  EXPECT_GE(snapshot.world_tick, 4U);
  EXPECT_NE(snapshot.world_hash, 0U);
  EXPECT_EQ(snapshot.counters[CounterId::world_entities], 10U) << "of both shards";
  EXPECT_EQ(snapshot.counters[CounterId::replication_interval_ticks], 1U);
  ASSERT_EQ(snapshot.lanes.size(), 4U);
  EXPECT_EQ(snapshot.lanes[0].name, "io0");
  EXPECT_EQ(snapshot.lanes[3].name, "handshake");
  engine->close();
}

TEST(Engine, AccountsForEveryDatagramThatComes) {
  const EngineSetup setup = small_setup();
  const auto engine = open(setup);
  ASSERT_NE(engine, nullptr);
  const std::string endpoint = engine->endpoints();
  const auto colon = endpoint.rfind(':');
  ASSERT_EQ(endpoint.substr(0, colon), "127.0.0.1");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int file = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(file, 0);
  const std::array<char, 10> bytes{};
  std::array<char, 100> long_bytes{};
  for (unsigned i = 0; i < 5; ++i) {
    EXPECT_EQ(sendto(file, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 10);
    EXPECT_EQ(sendto(file, long_bytes.data(), long_bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 100);
  }
  close(file);
  EXPECT_TRUE(poll_until(*engine, setup, [&] {
    telemetry::Snapshot snapshot;
    engine->collect(snapshot);
    return snapshot.received() >= 10;
  }));
  telemetry::Snapshot snapshot;
  engine->collect(snapshot);
  EXPECT_EQ(snapshot.received(), 10U);
  EXPECT_EQ(snapshot.counters[CounterId::port_rx_packets], 10U);
  EXPECT_EQ(snapshot.counters[CounterId::port_rx_bytes], 550U);
  EXPECT_EQ(snapshot.drop(metrics::Drop::short_datagram), 5U);
  EXPECT_EQ(snapshot.drop(metrics::Drop::bad_crc), 5U);
  EXPECT_TRUE(snapshot.balanced());
  EXPECT_EQ(snapshot.lanes[0].packets(), 10U);
  engine->close();
}

TEST(Engine, DrainsWhenItsLanesArePolled) {
  const EngineSetup setup = small_setup();
  const auto engine = open(setup);
  ASSERT_NE(engine, nullptr);
  engine->begin_drain();
  EXPECT_FALSE(engine->drained()) << "no lane has seen it yet";
  EXPECT_TRUE(poll_until(*engine, setup, [&] { return engine->drained(); }));
  engine->close();
}

/// Say on which nodes lanes run. Expect the memory of each to be counted there: all of it on a machine with one.
TEST(Engine, CountsTheMemoryOfItsLanes) {
  EngineSetup setup = small_setup(2, 2);
  setup.config.addresses = {"127.0.0.2"};
  setup.config.udp_port = 39'871;
  EXPECT_TRUE(open(setup)->placed()->empty()) << "no node is known";
  const int node = static_cast<int>(machine_topology().cpus.at(0).node);
  setup.nodes.io = setup.nodes.shards = {node, node};
  setup.nodes.handshake = node;
  for (const bool several : {false, true}) {  // as if the machine had more than one
    setup.nodes.several = several;
    const auto engine = open(setup);
    ASSERT_NE(engine, nullptr);
    const auto placed = engine->placed();
    if (!placed) GTEST_SKIP() << "move_pages is forbidden here";
    std::map<std::string, std::uint64_t> pages;
    for (const telemetry::PlacedMemory& memory : *placed) {
      EXPECT_EQ(memory.node, node);
      EXPECT_TRUE(pages.emplace(memory.lane + " " + memory.part, memory.pages_there).second);
      if (node_count(machine_topology().cpus) == 1) {
        EXPECT_EQ(memory.pages_elsewhere, 0U) << memory.lane;
      }
    }
    for (const char* row : {"shard0 world", "shard1 world"}) EXPECT_GT(pages[row], 50U) << row;
    if (!telemetry::allocations_counted()) continue;
    EXPECT_EQ(pages.size(), 7U);
    for (const char* row : {"io0 lane", "io1 lane", "shard0 lane", "shard1 lane", "handshake lane"})
      EXPECT_GT(pages[row], 100U) << row;
  }
}

TEST(Engine, AnImpossibleWorldIsRefusedWithOneSentence) {
  EngineSetup setup = small_setup(1, 2);
  setup.config.players_max = 60'000;
  setup.config.npcs = 60'000;
  const auto engine = Engine::open(setup);
  ASSERT_FALSE(static_cast<bool>(engine));
  EXPECT_NE(engine.error().message.find("with 2 shard lanes"), std::string::npos) << engine.error().message;
}

}  // namespace
}  // namespace serried::server
