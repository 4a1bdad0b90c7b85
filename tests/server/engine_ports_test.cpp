#include <algorithm>

#include <gtest/gtest.h>
#include <rte_dev.h>

#include "base/clock.h"
#include "games/reference/game.h"
#include "port/shared_eal.h"
#include "server/engine_on.h"

namespace serried::server {
namespace {

template <class Ports>
Result<Ports> open(const config::ServerConfig& config, const LaneNodes& nodes = {}) {
  EngineSetup setup;
  setup.config = config;
  LaneBuilder builder{nodes};
  return Ports::open(setup, builder);
}

config::ServerConfig loopback() {
  config::ServerConfig config;
  config.driver = config::Driver::socket;
  config.addresses = {"127.0.0.1/8"};
  config.udp_port = 0;
  return config;
}

/// The UDP port that some ports are on.
std::uint16_t port_of(const SocketPorts& ports) { return ports.lane(0).local().port; }

TEST(SocketPorts, SayWhereTheyAreAndWhatTheyGot) {
  const auto ports = open<SocketPorts>(loopback());
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_EQ(ports.value().endpoints(), "127.0.0.1:" + std::to_string(port_of(ports.value())));
  ASSERT_EQ(ports.value().notes().size(), 1U);
  EXPECT_NE(ports.value().notes()[0].find("receive buffer"), std::string::npos);
}

TEST(SocketPorts, SeveralLanesShareOneUdpPort) {
  const auto first = open<SocketPorts>(loopback());
  ASSERT_TRUE(static_cast<bool>(first));
  config::ServerConfig config = loopback();
  {
    // A port that is free now: the first one's, plus some.
    config.udp_port = static_cast<std::uint16_t>(port_of(first.value()) < 60'000 ? port_of(first.value()) + 1'000
                                                                                 : port_of(first.value()) - 1'000);
  }
  config.io_lanes = 2;
  const auto ports = open<SocketPorts>(config);
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_EQ(ports.value().lane(0).local().port, ports.value().lane(1).local().port);
  ASSERT_EQ(ports.value().notes().size(), 2U);
  EXPECT_NE(ports.value().notes()[1].find("the kernel steers"), std::string::npos) << ports.value().notes()[1];
  telemetry::Snapshot snapshot;
  ports.value().collect_filtered(snapshot);
  ASSERT_EQ(snapshot.rules.size(), 1U);
  EXPECT_EQ(snapshot.rules[0].lanes, 2U);
  EXPECT_EQ(snapshot.rules[0].steered, 2U);
}

TEST(SocketPorts, SteeringCanBeLeftToTheLanes) {
  config::ServerConfig config = loopback();
  config.io_lanes = 2;
  config.steering = false;
  const auto ports = open<SocketPorts>(config);
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_EQ(ports.value().notes()[1], "sockets: lanes hand over what came to another: --steering is off");
  telemetry::Snapshot snapshot;
  ports.value().collect_filtered(snapshot);
  ASSERT_EQ(snapshot.rules.size(), 1U);
  EXPECT_EQ(snapshot.rules[0].steered, 0U);
  EXPECT_EQ(snapshot.rules[0].not_steered, "--steering is off");
}

TEST(SocketPorts, APortThatIsTakenIsASentence) {
  const auto first = open<SocketPorts>(loopback());
  ASSERT_TRUE(static_cast<bool>(first));
  config::ServerConfig config = loopback();
  config.udp_port = port_of(first.value());
  const auto second = open<SocketPorts>(config);
  ASSERT_FALSE(static_cast<bool>(second));
  EXPECT_NE(second.error().message.find(std::to_string(config.udp_port)), std::string::npos) << second.error().message;
}

TEST(DevicePorts, WithoutADeviceIsASentence) {
  config::ServerConfig config;
  config.addresses = {"10.0.0.1"};
  config.ports = {"no_such_device"};
  const auto ports = open<DevicePorts>(config);
  ASSERT_FALSE(static_cast<bool>(ports));
  EXPECT_NE(ports.error().message.find("no_such_device"), std::string::npos) << ports.error().message;
}

bool says(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

/// Stand on two devices. Expect a queue of each for both lanes, whatever an operator sees to name its device, and one
/// device under two names to be refused.
TEST(DevicePorts, EachDeviceIsNamed) {
  port::in_fresh_process([] {
    ASSERT_TRUE(port::shared_eal_runs());
    const auto a = port::make_ring_pair("a", 2), b = port::make_ring_pair("b", 2);
    ASSERT_TRUE(a && b);
    config::ServerConfig config;
    config.players_max = config.sessions_max = 64;
    config.io_lanes = 2;
    config.ports = {a.value().first, b.value().first};
    config.addresses = {"10.0.0.1/24@" + config.ports[0], "10.0.1.1/24@" + config.ports[1],
                        "fd00::1/64@" + config.ports[1]};
    {
      auto opened = open<DevicePorts>(config);
      ASSERT_TRUE(static_cast<bool>(opened)) << opened.error().message;
      DevicePorts& ports = opened.value();
      EXPECT_EQ(ports.endpoints(), "10.0.0.1:40000, 10.0.1.1:40000, [fd00::1]:40000");
      const auto notes = ports.notes();
      for (const std::string& name : config.ports) {
        EXPECT_TRUE(says(notes, name + " (net_ring"));
        EXPECT_TRUE(says(notes, name + ": the driver takes no rte_flow rules"));
        EXPECT_TRUE(says(notes, name + ": lanes hand over what came to another: the driver refuses the rule"));
      }
      telemetry::Snapshot snapshot;
      ports.collect_filtered(snapshot);
      ASSERT_EQ(snapshot.rules.size(), 2U);
      for (unsigned i = 0; i < 2; ++i) {
        EXPECT_EQ(snapshot.rules[i].port, config.ports[i]);
        EXPECT_EQ(snapshot.rules[i].lanes, 2U);
        EXPECT_EQ(snapshot.rules[i].steered, 0U);
        EXPECT_NE(snapshot.rules[i].not_steered, "");
        EXPECT_TRUE(snapshot.rules[i].bans.empty());
      }
      EXPECT_TRUE(ports.ban_sinks().empty()) << "no bans go to what does not take them";
      ASSERT_EQ(ports.links().size(), 2U);
      for (unsigned i = 0; i < 2; ++i) {
        EXPECT_EQ(ports.links()[i].device, config.ports[i]);
        EXPECT_TRUE(ports.links()[i].up);
      }
      EXPECT_NE(&ports.lane(0).counters(), &ports.lane(1).counters());
      ports.poll_missed();
      for (unsigned lane = 0; lane < 2; ++lane) EXPECT_EQ(ports.lane(lane).outstanding(), 0U);
      std::vector<telemetry::PlacedMemory> report;
      LaneNodes nodes;
      nodes.io = {0, 0};
      EXPECT_TRUE(ports.count_buffers(nodes, report));
      ASSERT_EQ(report.size(), 4U);
      EXPECT_EQ(report[1].lane, "io0");
      EXPECT_EQ(report[1].part, "buffers of " + config.ports[1]);
      EXPECT_GT(report[1].pages_there + report[1].pages_elsewhere, 1'000U);
      wire::Buffer held;
      ASSERT_EQ(ports.lane(1).acquire({&held, 1}), 1U);
      for (const unsigned missing : {1U, 0U}) {  // however often it is closed
        const auto left = ports.close();
        ASSERT_EQ(left.size(), 2U);
        EXPECT_EQ(left[0].device, config.ports[0]);
        EXPECT_GT(left[0].all, 1'000U);
        EXPECT_EQ(left[1].device, config.ports[1]);
        EXPECT_EQ(left[0].missing + left[1].missing, missing);
        if (missing != 0) ports.lane(1).release(held);
      }
    }
    config.ports = {"net_null0", std::to_string(port::EthdevDevice::find("net_null0").value())};
    config.addresses = {"10.0.0.1/24@" + config.ports[0], "10.0.1.1/24@" + config.ports[1]};
    const auto twice = open<DevicePorts>(config);
    ASSERT_FALSE(static_cast<bool>(twice));
    EXPECT_NE(twice.error().message.find("are one device"), std::string::npos) << twice.error().message;
  });
}

/// Expect a server in measurement mode to be let onto devices that no stranger can send to, and onto no others; and
/// there to have all its players in the world.
TEST(DevicePorts, MeasurementModeIsForHarmlessDriversAlone) {
  port::in_fresh_process([] {
    ASSERT_TRUE(
        port::start_eal({"--no-huge", "--no-pci", "-m", "512", "--no-shconf", "--no-telemetry", "--lcores", "0",
                         "--log-level", "error", "--vdev", "net_null0,size=64", "--vdev", "net_memif0,role=client"}));
    const auto ring = port::make_ring_pair("m");
    ASSERT_TRUE(ring);
    EngineSetup setup;
    static const games::reference::Game game;
    setup.game = game.callbacks();
    setup.config.npcs = 0;
    setup.config.players_max = setup.config.sessions_max = 40;
    setup.config.measurement_seed = 3;
    setup.config.addresses = {"10.0.0.1"};
    for (const std::string& device : {ring.value().first, std::string("net_null0")}) {
      setup.config.ports = {device};
      const auto engine = Engine::open(setup);
      ASSERT_TRUE(static_cast<bool>(engine)) << engine.error().message;
      for (int i = 0; i < 2'000; ++i)
        for (const LaneId id : {LaneId{LaneKind::io, 0}, LaneId{LaneKind::shard, 0}}) {
          LaneEntry& lane = engine.value()->lane(id);
          lane.poll(lane.lane, base::now());
        }
      telemetry::Snapshot snapshot;
      engine.value()->collect(snapshot);
      EXPECT_EQ(snapshot.counters[metrics::CounterId::world_players], 40U) << device;
      EXPECT_EQ(snapshot.counters[metrics::CounterId::sessions_sessions], 40U) << device;
      engine.value()->close();
      const auto buffers = engine.value()->close_ports();
      ASSERT_EQ(buffers.size(), 1U);
      // What a ring holds is its reader's. Those that a shard lane had at hand went home too.
      if (device == "net_null0") {
        EXPECT_EQ(buffers[0].missing, 0U);
      }
    }
    setup.config.ports = {"net_memif0"};
    const auto refused = Engine::open(setup);
    ASSERT_FALSE(static_cast<bool>(refused));
    EXPECT_NE(refused.error().message.find("--measurement: device net_memif0 is of net_memif"), std::string::npos)
        << refused.error().message;
    // One device that is allowed makes the other no better, whichever comes first.
    for (const auto& ports : {std::vector<std::string>{"net_null0", "net_memif0"}, {"net_memif0", "net_null0"}}) {
      setup.config.ports = ports;
      setup.config.addresses = {"10.0.0.1/24@" + ports[0], "10.0.1.1/24@" + ports[1]};
      EXPECT_FALSE(static_cast<bool>(Engine::open(setup)));
    }
  });
}

/// Expect the end of the server when one of its devices is wanted back, and none before.
TEST(DevicePorts, ADeviceThatIsTakenAwayEndsTheServer) {
  port::in_fresh_process([] {
    ASSERT_TRUE(port::shared_eal_runs());
    config::ServerConfig config;
    config.players_max = config.sessions_max = 64;
    config.ports = {"net_null0"};
    config.addresses = {"10.0.0.1/24"};
    auto opened = open<DevicePorts>(config);
    ASSERT_TRUE(static_cast<bool>(opened)) << opened.error().message;
    EXPECT_TRUE(opened.value().mend().empty());
    rte_dev_event_callback_process("net_null0", RTE_DEV_EVENT_REMOVE);
    const auto mishaps = opened.value().mend();
    ASSERT_EQ(mishaps.size(), 1U);
    EXPECT_EQ(mishaps[0].device, "net_null0");
    EXPECT_NE(mishaps[0].text.find("takes it away"), std::string::npos);
    EXPECT_TRUE(mishaps[0].fatal);
  });
}

}  // namespace
}  // namespace serried::server
