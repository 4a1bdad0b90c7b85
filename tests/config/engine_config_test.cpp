#include "config/engine_config.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace serried::config {
namespace {

TEST(WorldConfig, TakesGivenOptionsAndKeepsTheOtherDefaults) {
  ServerConfig config;
  config.tick_rate_hz = 30;
  config.players_max = 123;
  config.npcs = 7;
  config.spawn_size_units = 5'000;
  const world::Config world = world_config(config);
  EXPECT_EQ(world.ticks_per_second, 30U);
  EXPECT_EQ(world.players_max, 123U);
  EXPECT_EQ(world.npcs, 7U);
  EXPECT_EQ(reference_config(config, nullptr).player_spawn_half, 2'500.0F);
  EXPECT_EQ(world.cell_size_xy, world::Config{}.cell_size_xy);
}

TEST(WorldConfig, RadiiOfAllTypesScaleWithTheViewDistance) {
  const world::Config usual;
  EXPECT_EQ(world_config({}).radius, usual.radius);
  ServerConfig config;
  config.view_distance_units = 25'000;
  const world::Config world = world_config(config);
  for (std::size_t type = 0; type < world::type_count; ++type)
    EXPECT_FLOAT_EQ(world.radius[type], usual.radius[type] / 4) << type;
  for (const unsigned distance : {1'000U, 25'000U, 1'000'000U}) {
    config.view_distance_units = distance;
    EXPECT_TRUE(engine_faults(config, 1).empty()) << distance;
  }
}

TEST(ReplicateConfig, TakesBudgetTrackedFoeStepsAndAudit) {
  ServerConfig config;
  config.budget_bytes = 500;
  config.tracked_max = 20;
  config.foe_steps = 40;
  config.audits_per_s = 3;
  const replicate::Config replicate = replicate_config(config);
  EXPECT_EQ(replicate.datagram_bytes, 500U);
  EXPECT_EQ(replicate.tracked_max, 20U);
  EXPECT_EQ(replicate.foe_steps, 40U);
  EXPECT_EQ(replicate.audit_per_second, 3U);
}

TEST(WorldConfig, DurationsAreTheSameAtEveryTickRate) {
  const world::Config usual;
  for (const unsigned rate : {20U, 30U, 60U, 120U, 240U}) {
    ServerConfig config;
    config.tick_rate_hz = rate;
    const world::Config world = world_config(config);
    EXPECT_EQ(world.slot_rest_ticks, usual.slot_rest_ticks * rate / 60) << rate;
    EXPECT_EQ(world.input_hold_ticks, usual.input_hold_ticks * rate / 60)
        << "players of ten inputs a second at " << rate;
    EXPECT_EQ(reference_config(config, nullptr).npc_decision_ticks,
              games::reference::Config{}.npc_decision_ticks * rate / 60)
        << rate;
  }
}

TEST(ReplicateConfig, RatesAndTurnsAreTheSameInTimeAtEveryTickRate) {
  const replicate::Config usual;
  for (const unsigned rate : {1U, 10U, 20U, 60U, 120U, 240U}) {
    ServerConfig config;
    config.tick_rate_hz = rate;
    const replicate::Config replicate = replicate_config(config);
    EXPECT_EQ(replicate.far_cycle_ticks, rate) << "a client lets far proxies expire after two turns of 2 s";
    EXPECT_EQ(replicate.refresh_ticks, 5 * rate);
    EXPECT_EQ(replicate.distant_interval_ticks, std::max(usual.distant_interval_ticks * rate / 60, 1U)) << rate;
    EXPECT_EQ(replicate.resting_interval_ticks, std::max(usual.resting_interval_ticks * rate / 60, 1U)) << rate;
    EXPECT_EQ(replicate.quiet_ticks, std::max(usual.quiet_ticks * rate / 60, 1U)) << rate;
    EXPECT_TRUE(engine_faults(config, 1).empty()) << rate;
  }
}

TEST(EngineFaults, TheDefaultsWorkForEveryNumberOfShards) {
  for (unsigned shards = 1; shards <= 16; ++shards) {
    const auto faults = engine_faults(ServerConfig{}, shards);
    EXPECT_TRUE(faults.empty()) << shards << ": " << faults.front();
  }
}

TEST(EngineFaults, MorePlayersThanSlotsAreOne) {
  ServerConfig config;
  config.players_max = 60'000;
  config.npcs = 60'000;
  const auto faults = engine_faults(config, 1);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("120000"), std::string::npos) << faults[0];
}

TEST(IoConfig, SessionsAreDividedAmongLanesAndParametersMatchTheConfiguration) {
  ServerConfig config;
  config.sessions_max = 1'001;
  config.io_lanes = 2;
  config.timeout_ms = 9'000;
  config.ack_delay_ms = 10;
  config.tick_rate_hz = 20;
  config.input_rate_max_hz = 90;
  crypt::TokenKey key;
  key.protocol_id = 77;
  const io::IoConfig io = io_config(config, key, nullptr, 1, 1);
  EXPECT_EQ(io.lane, 1U);
  EXPECT_EQ(io.sessions_max, 501U + 62U + 32U) << "room for a lane that the clients' addresses favour";
  EXPECT_EQ(io.sessions_spare, 37U) << "a sixteenth";
  EXPECT_EQ(io.places(), session_places_per_lane(config)) << "io and shard lanes count the same slots";
  EXPECT_EQ(io.protocol_id, 77U);
  EXPECT_EQ(io.parameters.timeout_ms, 9'000U);
  EXPECT_EQ(io.parameters.ack_delay_us, 10'000U);
  EXPECT_EQ(io.parameters.tick_rate_hz, 20U);
  EXPECT_EQ(io.parameters.input_rate_max_hz, 90U);
  EXPECT_EQ(io.parameters.cell_size_xy, static_cast<std::uint32_t>(world_config(config).cell_size_xy));
  EXPECT_EQ(io.parameters.sections_z, world_config(config).geometry.sections[2]);
}

TEST(IoConfig, TheLargestLaneHasSparePlacesToo) {
  ServerConfig config;
  for (const unsigned lanes : {1U, 2U}) {
    config.io_lanes = lanes;
    config.sessions_max = lanes * sessions_per_lane_max;
    const io::IoConfig io = io_config(config, {}, nullptr, 1, 0);
    EXPECT_EQ(io.places() - io.sessions_max, 1'024U);
    EXPECT_LE(io.places(), session::sessions_per_lane_max);
    EXPECT_EQ(io.places(), session_places_per_lane(config));
  }
}

TEST(Measurement, ItsLanesRefuseNothingForItsRateAndEndNothingForItsSilence) {
  ServerConfig config;
  config.addresses = {"10.0.0.1", "fd00::1"};
  config.players_max = 100;
  config.io_lanes = 2;
  const unsigned buffers = ethdev_config(config, 1, 0, {{0}}).buffers;
  config.measurement_seed = 9;
  const io::IoConfig io = io_config(config, {}, nullptr, 1, 0);
  EXPECT_EQ(io.parameters.input_rate_max_hz, 0U);
  EXPECT_EQ(io.parameters.timeout_ms, ~0U);
  EXPECT_EQ(io.parameters.idle_ping_ms, ~0U);
  const port::EthdevConfig ethdev = ethdev_config(config, 1, 0, {{0}});
  EXPECT_EQ(ethdev.buffers, buffers + session::Measurement::frames_max);
  EXPECT_EQ(ethdev.host.mac, session::Measurement::server_mac);
  const session::MeasurementConfig measurement = measurement_of(config).config();
  EXPECT_EQ(measurement.seed, 9U);
  EXPECT_EQ(measurement.players, 100U);
  EXPECT_EQ(measurement.lanes, 2U);
  EXPECT_FALSE(measurement.ipv6) << "the family of the first address";
  config.addresses = {"fd00::1", "10.0.0.1"};
  EXPECT_TRUE(measurement_of(config).config().ipv6);
}

TEST(SocketConfig, OneLaneAloneOnItsPort) {
  ServerConfig config;
  EXPECT_EQ(socket_config(config, 1).address, port::Address{}) << "all addresses of the machine";
  EXPECT_EQ(socket_config(config, 1).sharing, port::Sharing::alone);
  config.io_lanes = 2;
  config.addresses = {"127.0.0.1"};
  const auto socket = socket_config(config, 1);
  EXPECT_EQ(socket.sharing, port::Sharing::first);
  EXPECT_EQ(socket.address, port::ipv4_address(127, 0, 0, 1));
  EXPECT_EQ(socket.port_first, 40'000);
}

TEST(EthdevConfig, AddressesGatewaysAndNextHop) {
  ServerConfig config;
  config.addresses = {"fd00::1/64", "10.0.0.1/24"};
  config.gateways = {"10.0.0.254"};
  config.next_hop = "arp";
  config.vlan = 5;
  config.ports = {"net_null0"};
  config.io_lanes = 3;
  auto ethdev = ethdev_config(config, 2, 0, home_devices(config, {}));
  EXPECT_EQ(ethdev.device, "net_null0");
  EXPECT_EQ(ethdev.queues, 3U);
  EXPECT_TRUE(ethdev.host.has_ipv4 && ethdev.host.has_ipv6);
  EXPECT_EQ(ethdev.host.ipv4.address, port::ipv4_address(10, 0, 0, 1));
  EXPECT_EQ(ethdev.host.ipv4.prefix_bits, 24U);
  EXPECT_EQ(ethdev.host.ipv6.prefix_bits, 64U);
  EXPECT_EQ(ethdev.host.gateway_ipv4, port::ipv4_address(10, 0, 0, 254));
  EXPECT_EQ(ethdev.host.next_hop, port::NextHop::arp);
  EXPECT_EQ(ethdev.host.vlan, 5);
  config.next_hop = "02:00:00:00:00:09";
  config.gateways.clear();
  ethdev = ethdev_config(config, 2, 0, home_devices(config, {}));
  EXPECT_EQ(ethdev.host.next_hop, port::NextHop::static_mac);
  EXPECT_EQ(ethdev.host.next_hop_mac[5], 9);
}

TEST(EthdevConfig, DescriptorsAndMtuOfEachDevice) {
  ServerConfig config;
  config.addresses = {"10.0.0.1@a", "10.0.1.1@b"};
  config.ports = {"a", "b"};
  for (const unsigned device : {0U, 1U}) {
    const auto usual = ethdev_config(config, 1, device, {{0, 1}});
    EXPECT_EQ(usual.rx_descriptors, port::EthdevConfig{}.rx_descriptors);
    EXPECT_EQ(usual.tx_descriptors, port::EthdevConfig{}.tx_descriptors);
    EXPECT_EQ(usual.mtu, port::EthdevConfig{}.mtu);
    ServerConfig more = config;
    more.rx_descriptors = 4'096;
    more.tx_descriptors = 2'048;
    more.mtu = 9'000;
    const auto ethdev = ethdev_config(more, 1, device, {{0, 1}});
    EXPECT_EQ(ethdev.rx_descriptors, 4'096U);
    EXPECT_EQ(ethdev.tx_descriptors, 2'048U);
    EXPECT_EQ(ethdev.mtu, 9'000);
    // What waits in the rings is no lane's: of its home in the transmit rings of all.
    EXPECT_EQ(ethdev.buffers - usual.buffers, 3'072U + 2 * 1'024U);
    EXPECT_EQ(ethdev.receive_buffers - usual.receive_buffers, 3'072U + 1'024U);
  }
}

TEST(PortMemory, IsThatOfTheMbufsOfEachDevice) {
  ServerConfig config;
  config.addresses = {"10.0.0.1@a", "10.0.1.1@b"};
  config.ports = {"a", "b"};
  config.io_lanes = 2;
  const Homes homes{{0}, {1, 0}};
  const auto huge = port_memory_bytes(config, 1, 2U << 20, homes), small = port_memory_bytes(config, 1, 4'096, homes);
  ASSERT_EQ(huge.size(), 2U);
  for (const unsigned device : {0U, 1U}) {
    const port::EthdevConfig ethdev = ethdev_config(config, 1, device, homes);
    const std::uint64_t mbufs = ethdev.buffers + (device == 0 ? ethdev.receive_buffers : 0U);
    EXPECT_GT(huge[device], mbufs * 2'304) << "an mbuf of 2,176 bytes behind its 128";
    EXPECT_LT(huge[device], mbufs * 2'500 + (8U << 20));
    EXPECT_GT(small[device], mbufs * 4'096) << "none crosses a page";
  }
  config.driver = Driver::socket;
  EXPECT_TRUE(port_memory_bytes(config, 1, 4'096, homes).empty());
}

Homes homes(unsigned io_lanes, std::vector<int> nodes, HomeChoice choice = HomeChoice::automatic) {
  ServerConfig config;
  config.io_lanes = io_lanes;
  config.home = choice;
  config.ports.assign(nodes.size(), "net_null");
  return home_devices(config, nodes);
}

TEST(HomeDevices, AreDealtToLanesWhereTheyAreOnSeveralNodes) {
  EXPECT_EQ(homes(2, {-1}), (Homes{{0}, {0}}));
  EXPECT_EQ(homes(2, {0, 1}), (Homes{{0}, {1}}));
  EXPECT_EQ(homes(4, {0, 1}), (Homes{{0}, {0}, {1}, {1}}));
  EXPECT_EQ(homes(3, {1, 0}), (Homes{{0}, {0}, {1}}));
  EXPECT_EQ(homes(3, {0, 0, 1}), (Homes{{0}, {1}, {2}}));
}

/// One device that is down then idles no lane.
TEST(HomeDevices, AreAllWhereNothingIsGainedByAnOwnOne) {
  EXPECT_EQ(homes(2, {0, 0}), (Homes{{0, 1}, {1, 0}})) << "on one node";
  EXPECT_EQ(homes(2, {0, -1}), (Homes{{0, 1}, {1, 0}})) << "who knows";
  EXPECT_EQ(homes(1, {0, 1}), (Homes{{0, 1}})) << "fewer lanes than devices";
  EXPECT_EQ(homes(2, {0, 1, 1}), (Homes{{0, 1, 2}, {1, 0, 2}}));
}

TEST(HomeDevices, AreWhatWasChosen) {
  EXPECT_EQ(homes(2, {0, 0}, HomeChoice::spread), (Homes{{0}, {1}}));
  EXPECT_EQ(homes(2, {0, 1}, HomeChoice::all), (Homes{{0, 1}, {1, 0}}));
}

TEST(LinkSizes, HoldTwoTicksOfAllPlayers) {
  ServerConfig config;
  config.sessions_max = 100'000;
  EXPECT_GE(link_sizes(config, 1).rows, 200'000U);
  EXPECT_GE(link_sizes(config, 4).rows, 50'000U);
  config.sessions_max = 10;
  EXPECT_EQ(link_sizes(config, 16).rows, 4'096U);
}

TEST(LinkSizes, HoldATickOfEveryViewerOfThePair) {
  ServerConfig config;
  config.players_max = 10'000;
  EXPECT_GE(link_sizes(config, 1).buffers, 10'000U);
  EXPECT_GE(link_sizes(config, 4).buffers, 2'500U);
  EXPECT_LT(link_sizes(config, 4).buffers, 10'000U);
  config.players_max = 1'000;
  EXPECT_GE(io_config(config, {}, nullptr, 1, 0).spare_buffers, 1'000U);
}

TEST(LaneBuffers, CoverEveryRingAtOnce) {
  const ServerConfig config;
  for (unsigned shards : {1U, 4U, 16U}) {
    const unsigned spare = io_config(config, {}, nullptr, shards, 0).spare_buffers;
    const unsigned rings = shards * (link_sizes(config, shards).buffers + spare);
    EXPECT_GT(socket_config(config, shards).buffers, rings + 2 * spare + 2'048);
    EXPECT_GT(ethdev_config(config, shards, 0, home_devices(config, {})).buffers,
              socket_config(config, shards).buffers);
  }
}

TEST(IsaOf, AutomaticIsWhatTheCpuHas) {
  EXPECT_EQ(isa_of(IsaChoice::automatic), simd::detected_isa());
  EXPECT_EQ(isa_fault(IsaChoice::automatic, simd::Isa::scalar), "");
  EXPECT_EQ(isa_fault(IsaChoice::scalar, simd::Isa::scalar), "");
  EXPECT_EQ(isa_fault(IsaChoice::avx2, simd::Isa::avx512), "");
  EXPECT_NE(isa_fault(IsaChoice::avx512, simd::Isa::avx2).find("asks for avx512, and this CPU"), std::string::npos);
  EXPECT_NE(isa_fault(IsaChoice::sse42, simd::Isa::scalar).find("offer scalar"), std::string::npos);
  EXPECT_EQ(isa_of(IsaChoice::scalar), simd::Isa::scalar);
  EXPECT_EQ(isa_of(IsaChoice::sse42), simd::Isa::sse42);
  EXPECT_EQ(isa_of(IsaChoice::avx2), simd::Isa::avx2);
  EXPECT_EQ(isa_of(IsaChoice::avx512), simd::Isa::avx512);
  EXPECT_EQ(isa_of(IsaChoice::sse42), simd::Isa::sse42);
}

}  // namespace
}  // namespace serried::config
