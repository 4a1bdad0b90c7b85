#include "config/engine_config.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "config/ports.h"

namespace serried::config {
namespace {

/// Most buffers that an io lane keeps at hand for each shard: what a shard can plan while the lane is in one poll.
constexpr unsigned spare_buffers_max = 2'048;
constexpr unsigned link_buffers_min = 1'024;
constexpr unsigned small_blocks = 1'024, large_blocks = 96;
static_assert(small_blocks * channel::BlockPool::small_bytes + large_blocks * channel::BlockPool::large_bytes ==
              64U << 20);

/// Parsed without a fault before: check_config saw to it.
template <class T>
T checked(Result<T> parsed) {
  SERRIED_CHECK(static_cast<bool>(parsed));
  return parsed.value();
}

/// The world's defaults count ticks of 60 a second where a time is meant: a client lets far proxies expire after
/// seconds, an input is held until the next of ten a second.
unsigned ticks_at(const ServerConfig& config, unsigned ticks_at_60) {
  return std::max(ticks_at_60 * config.tick_rate_hz / 60, 1U);
}

unsigned spare_buffers(const LinkSizes& sizes) { return std::min(sizes.buffers, spare_buffers_max); }

/// Everything that can be out of a lane's pool at once, and some: rings to and from each shard with the slices they
/// work on, what is at hand (twice the target before it is trimmed), what waits to leave, bursts under way.
unsigned lane_buffers(const ServerConfig& config, unsigned shards) {
  const LinkSizes sizes = link_sizes(config, shards);
  const unsigned spare = spare_buffers(sizes);
  return shards * (sizes.buffers + spare + 3 * wire::Batch::capacity) + 2 * spare + 4'096;
}

/// Of a queue whose pool its lane takes nothing from: bursts under way, answers of the host, and with AF_XDP its rings
/// and the copies of what it sends for other pools.
constexpr unsigned receive_buffers = 8'192;

message::ConnectionAccepted parameters_of(const ServerConfig& config) {
  const world::Config world = world_config(config);
  message::ConnectionAccepted parameters;
  parameters.tick_rate_hz = static_cast<std::uint16_t>(config.tick_rate_hz);
  parameters.input_rate_max_hz = static_cast<std::uint16_t>(config.input_rate_max_hz);
  parameters.idle_ping_ms = config.idle_ping_ms;
  parameters.timeout_ms = config.timeout_ms;
  parameters.ack_delay_us = config.ack_delay_ms * 1'000;
  parameters.tracked_max = static_cast<std::uint16_t>(config.tracked_max);
  parameters.section_size_xy = static_cast<std::uint32_t>(world.geometry.section_size_xy);
  parameters.section_size_z = static_cast<std::uint32_t>(world.geometry.section_size_z);
  parameters.sections_x = world.geometry.sections[0];
  parameters.sections_y = world.geometry.sections[1];
  parameters.sections_z = world.geometry.sections[2];
  parameters.cell_size_xy = static_cast<std::uint32_t>(world.cell_size_xy);
  parameters.cell_size_z = static_cast<std::uint32_t>(world.cell_size_z);
  return parameters;
}

}  // namespace

port::HostConfig host_config(const ServerConfig& config, const std::string& device) {
  port::HostConfig host;
  for (const port::LocalAddress& local : addresses_of(config, device)) {
    const bool ipv4 = port::is_ipv4(local.address);
    (ipv4 ? host.has_ipv4 : host.has_ipv6) = true;
    (ipv4 ? host.ipv4 : host.ipv6) = local;
  }
  for (const port::Address& gateway : gateways_of(config, device))
    (port::is_ipv4(gateway) ? host.gateway_ipv4 : host.gateway_ipv6) = gateway;
  host.port_first = host.port_last = config.udp_port;
  host.vlan = config.vlan;
  if (config.measurement_seed != 0) host.mac = session::Measurement::server_mac;  // as the recorded frames have it
  host.verify_udp_checksum = config.verify_udp_checksum;
  if (config.next_hop == "arp") {
    host.next_hop = port::NextHop::arp;
  } else if (config.next_hop != "learn") {
    host.next_hop = port::NextHop::static_mac;
    host.next_hop_mac = checked(port::parse_mac(config.next_hop));
  }
  return host;
}

unsigned sessions_per_lane(const ServerConfig& config) noexcept {
  const unsigned share = (config.sessions_max + config.io_lanes - 1) / config.io_lanes;
  if (config.io_lanes == 1) return share;
  // A hash of addresses deals clients to lanes, never quite evenly: no lane shall be full long before the server is.
  return std::min(share + share / 8 + 32, sessions_per_lane_max);
}

unsigned spare_sessions_per_lane(const ServerConfig& config) noexcept {
  return std::clamp(sessions_per_lane(config) / 16, 16U, spare_sessions_per_lane_max);
}

unsigned session_places_per_lane(const ServerConfig& config) noexcept {
  return sessions_per_lane(config) + spare_sessions_per_lane(config);
}

world::Config world_config(const ServerConfig& config) {
  world::Config world;
  world.ticks_per_second = config.tick_rate_hz;
  world.players_max = config.players_max;
  world.npcs = config.npcs;
  world.resume_s = config.resume_s;
  const float scale = static_cast<float>(config.view_distance_units) / world.radius[0];  // of a player
  for (float& radius : world.radius) radius *= scale;
  for (unsigned* const ticks : {&world.slot_rest_ticks, &world.input_hold_ticks}) *ticks = ticks_at(config, *ticks);
  return world;
}

replicate::Config replicate_config(const ServerConfig& config) {
  replicate::Config replicate;
  replicate.datagram_bytes = config.budget_bytes;
  replicate.tracked_max = config.tracked_max;
  replicate.foe_steps = config.foe_steps;
  replicate.audit_per_second = config.audits_per_s;
  for (unsigned* const ticks : {&replicate.distant_interval_ticks, &replicate.resting_interval_ticks,
                                &replicate.refresh_ticks, &replicate.far_cycle_ticks, &replicate.quiet_ticks})
    *ticks = ticks_at(config, *ticks);
  return replicate;
}

games::reference::Config reference_config(const ServerConfig& config, const Assets* assets) {
  games::reference::Config game;
  game.player_spawn_half = static_cast<float>(config.spawn_size_units) / 2;
  game.npc_decision_ticks = ticks_at(config, game.npc_decision_ticks);
  if (assets != nullptr) game.welcome = assets->welcome;
  return game;
}

io::IoConfig io_config(const ServerConfig& config, const crypt::TokenKey& key, const Assets* assets, unsigned shards,
                       unsigned io_lane) {
  io::IoConfig io;
  io.lane = io_lane;
  io.sessions_max = sessions_per_lane(config);
  io.sessions_spare = spare_sessions_per_lane(config);
  io.attempts_max = std::bit_ceil(std::clamp(io.sessions_max, 256U, 65'536U));
  io.cookie_rate_per_s = config.cookie_rate_per_s;
  io.spare_buffers = spare_buffers(link_sizes(config, shards));
  io.protocol_id = key.protocol_id;
  io.abuse_guard.address_per_s = config.address_rate_per_s;
  io.abuse_guard.prefix_per_s = config.prefix_rate_per_s;
  io.abuse_guard.ban_score = config.ban_score;
  io.parameters = parameters_of(config);
  if (config.measurement_seed != 0) {
    // A file comes as fast as it goes, and may come to its end.
    io.parameters.input_rate_max_hz = 0;
    io.parameters.timeout_ms = io.parameters.idle_ping_ms = ~std::uint32_t{0};
  }
  io.message_bytes_max = config.message_bytes_max;
  // 64 MiB of messages in fragments a process, and for those in datagrams what every session may have waiting, within
  // reason: a client that acks nothing is cut off after some twenty seconds.
  io.small_blocks = static_cast<std::uint16_t>(small_blocks / config.io_lanes);
  io.large_blocks = static_cast<std::uint16_t>(large_blocks / config.io_lanes);
  io.chunks = std::clamp(8 * io.sessions_max, 4'096U, 262'144U);
  io.rekey_bytes = std::uint64_t{config.rekey_mib} << 20;
  io.rekey_after = config.rekey_s * second;
  io.integrity_period = config.integrity_period_s * second;
  io.refuse_unknown_builds = config.integrity_required;
  if (assets == nullptr) return io;
  if (!assets->integrity.versions().empty()) io.integrity = &assets->integrity;
  if (assets->dictionary) io.dictionary = &*assets->dictionary;
  return io;
}

handshake::HandshakeConfig handshake_config(const ServerConfig& config, const crypt::TokenKey& key, Nanos started_at) {
  handshake::HandshakeConfig handshake;
  handshake.token_key = key;
  handshake.started_at = started_at;
  // Every session's token, those of players that came and went within a token's life, and some room.
  handshake.tokens_remembered = std::bit_ceil(std::max(4 * config.sessions_max, 65'536U));
  handshake.players_max = config.players_max;
  return handshake;
}

port::SocketConfig socket_config(const ServerConfig& config, unsigned shards) {
  port::SocketConfig socket;
  if (!config.addresses.empty()) {
    const OwnAddress own = checked(parse_own_address(config.addresses.front()));
    socket.address = own.local.address;
    socket.interface = own.interface;
  }
  socket.port_first = config.udp_port;
  if (config.io_lanes > 1) socket.sharing = port::Sharing::first;
  socket.buffers = lane_buffers(config, shards);
  return socket;
}

Homes home_devices(const ServerConfig& config, std::span<const int> device_nodes) {
  const auto devices = static_cast<unsigned>(config.ports.size());
  int node = -1;
  bool several = false;
  for (const int of : device_nodes) {
    several = several || (of >= 0 && node >= 0 && of != node);
    if (of >= 0) node = of;
  }
  const bool own =
      config.home != HomeChoice::all && (config.home == HomeChoice::spread || (several && config.io_lanes >= devices));
  Homes homes(config.io_lanes);
  for (unsigned lane = 0; lane < config.io_lanes; ++lane) {
    const unsigned first = lane * devices / config.io_lanes;
    homes[lane].push_back(first);
    for (unsigned device = 0; device < devices && !own; ++device)
      if (device != first) homes[lane].push_back(device);
  }
  return homes;
}

port::EthdevConfig ethdev_config(const ServerConfig& config, unsigned shards, unsigned device, const Homes& homes) {
  port::EthdevConfig ethdev;
  ethdev.device = config.ports[device];
  ethdev.queues = config.io_lanes;
  ethdev.host = host_config(config, ethdev.device);
  ethdev.rx_descriptors = config.rx_descriptors;
  ethdev.tx_descriptors = config.tx_descriptors;
  ethdev.mtu = config.mtu;
  const unsigned descriptors = ethdev.rx_descriptors + ethdev.tx_descriptors;
  // What waits in the transmit rings of the other devices came out of here too.
  ethdev.buffers = descriptors + lane_buffers(config, shards) +
                   ethdev.tx_descriptors * (static_cast<unsigned>(config.ports.size()) - 1);
  ethdev.receive_buffers = descriptors + receive_buffers;
  if (config.measurement_seed != 0) {
    ethdev.buffers += session::Measurement::frames_max;
    ethdev.receive_buffers += session::Measurement::frames_max;
  }
  for (const std::vector<unsigned>& home : homes) {
    const bool here = std::find(home.begin(), home.end(), device) != home.end();
    ethdev.uses.push_back(home.front() == device ? port::QueueUse::home
                          : here                 ? port::QueueUse::receive
                                                 : port::QueueUse::send);
  }
  return ethdev;
}

std::vector<std::uint64_t> port_memory_bytes(const ServerConfig& config, unsigned shards, std::uint64_t page_bytes,
                                             const Homes& homes) {
  std::vector<std::uint64_t> bytes;
  if (config.driver == Driver::socket) return bytes;
  // An mbuf with the pool's header; its place in the pool's ring; a pool's caches, one for each of EAL's 128 lcores.
  constexpr std::uint64_t mbuf = 2'368, slot = 16, pool = 2U << 20;
  const std::uint64_t each = (page_bytes < (64U << 10) ? page_bytes : mbuf) + slot;
  for (unsigned device = 0; device < config.ports.size(); ++device) {
    const port::EthdevConfig ethdev = ethdev_config(config, shards, device, homes);
    std::uint64_t& sum = bytes.emplace_back(0);
    for (const port::QueueUse use : ethdev.uses) {
      if (use == port::QueueUse::send) continue;
      sum += (use == port::QueueUse::home ? ethdev.buffers : ethdev.receive_buffers) * each + pool;
    }
  }
  return bytes;
}

session::Measurement measurement_of(const ServerConfig& config) noexcept {
  const OwnAddress own = checked(parse_own_address(config.addresses.front()));
  return session::Measurement{{.seed = config.measurement_seed,
                               .players = config.players_max,
                               .lanes = config.io_lanes,
                               .ipv6 = !port::is_ipv4(own.local.address)}};
}

LinkSizes link_sizes(const ServerConfig& config, unsigned shards) {
  LinkSizes sizes;
  // Inputs of two ticks from all players: a shard looks at its ring between slices, not while it steps.
  sizes.rows = std::bit_ceil(std::max(2 * sessions_per_lane(config) / shards, 4'096U));
  // A whole tick: shards plan faster than an io lane seals, and a viewer without a buffer is told nothing that tick.
  const unsigned viewers = (config.players_max + config.io_lanes * shards - 1) / (config.io_lanes * shards);
  sizes.buffers = std::bit_ceil(std::clamp(viewers, link_buffers_min, 16'384U));
  // At 47 us a key exchange, a full queue is 50 ms of work; what does not fit is dropped and tried again by the client.
  sizes.jobs = 1'024;
  return sizes;
}

std::vector<std::string> engine_faults(const ServerConfig& config, unsigned shards) {
  std::vector<std::string> faults = world_config(config).validate(shards);
  for (const auto& more : {replicate_config(config).validate(), reference_config(config, nullptr).validate()})
    faults.insert(faults.end(), more.begin(), more.end());
  return faults;
}

std::string isa_fault(IsaChoice choice, simd::Isa best) {
  const simd::Isa asked = choice == IsaChoice::automatic ? best : isa_of(choice);
  if (asked <= best) return {};
  return "asks for " + std::string(simd::isa_name(asked)) + ", and this CPU and its system offer " +
         std::string(simd::isa_name(best)) + " at most; ask for no more, or leave it out";
}

simd::Isa isa_of(IsaChoice choice) noexcept {
  switch (choice) {
    case IsaChoice::scalar:
      return simd::Isa::scalar;
    case IsaChoice::sse42:
      return simd::Isa::sse42;
    case IsaChoice::avx2:
      return simd::Isa::avx2;
    case IsaChoice::avx512:
      return simd::Isa::avx512;
    case IsaChoice::automatic:
      break;
  }
  return simd::detected_isa();
}

}  // namespace serried::config
