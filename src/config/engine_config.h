#pragma once
/// From what a user says to what each module takes: pure functions, one a module.

#include <span>
#include <string>
#include <vector>

#include "config/assets.h"
#include "config/config.h"
#include "crypt/token.h"
#include "games/reference/config.h"
#include "handshake/handshake_lane.h"
#include "io/io_state.h"
#include "port/ethdev.h"
#include "port/socket.h"
#include "replicate/config.h"
#include "session/id.h"
#include "session/measurement.h"
#include "simd/isa.h"
#include "world/config.h"

namespace serried::config {

[[nodiscard]] world::Config world_config(const ServerConfig& config);
[[nodiscard]] replicate::Config replicate_config(const ServerConfig& config);
/// `assets` may be null.
[[nodiscard]] games::reference::Config reference_config(const ServerConfig& config, const Assets* assets);
/// `assets` may be null; what the lane needs of them is pointed to.
[[nodiscard]] io::IoConfig io_config(const ServerConfig& config, const crypt::TokenKey& key, const Assets* assets,
                                     unsigned shards, unsigned io_lane);
[[nodiscard]] handshake::HandshakeConfig handshake_config(const ServerConfig& config, const crypt::TokenKey& key,
                                                          Nanos started_at);
/// The devices that each io lane receives from, in the order of the lanes. What a lane sends comes out of the buffers
/// of its first.
using Homes = std::vector<std::vector<unsigned>>;
/// `device_nodes`: NUMA nodes of the ports, in the order in which they are given; less than 0: not known.
[[nodiscard]] Homes home_devices(const ServerConfig& config, std::span<const int> device_nodes);

/// Precondition of both: check_config found nothing.
[[nodiscard]] port::SocketConfig socket_config(const ServerConfig& config, unsigned shards);
/// What a device answers to.
[[nodiscard]] port::HostConfig host_config(const ServerConfig& config, const std::string& device);
/// `device` counts the ports in the order in which they are given.
[[nodiscard]] port::EthdevConfig ethdev_config(const ServerConfig& config, unsigned shards, unsigned device,
                                               const Homes& homes);

/// What the ports of a server take of EAL's memory, by device, in bytes: mbufs and rings of its queues. `page_bytes` is
/// the size of its pages: no mbuf crosses one of 4 KiB. A lane that is not at home at a device takes none, unless that
/// turns out to want pairs of queues.
[[nodiscard]] std::vector<std::uint64_t> port_memory_bytes(const ServerConfig& config, unsigned shards,
                                                           std::uint64_t page_bytes, const Homes& homes);
/// What EAL and its drivers may take besides: descriptors, their own tables. A software device starts with none of it.
inline constexpr std::uint64_t eal_memory_bytes = 24U << 20;

/// Of a server in measurement mode. Preconditions: that it is one, and check_config found nothing.
[[nodiscard]] session::Measurement measurement_of(const ServerConfig& config) noexcept;

/// Sizes of rings between lanes.
struct LinkSizes {
  unsigned rows = 0;     ///< inputs of an (io, shard) pair
  unsigned buffers = 0;  ///< empty and filled ones of a pair
  unsigned jobs = 0;     ///< handshakes of an io lane at a time
};
[[nodiscard]] LinkSizes link_sizes(const ServerConfig& config, unsigned shards);

inline constexpr unsigned spare_sessions_per_lane_max = 1'024;
/// So that the spare ones can be numbered too.
inline constexpr unsigned sessions_per_lane_max = session::sessions_per_lane_max - spare_sessions_per_lane_max;
/// Sessions of one io lane: its part of all; where there are several lanes an eighth more, and some.
[[nodiscard]] unsigned sessions_per_lane(const ServerConfig& config) noexcept;
/// Places beyond those, for players who come back while the lane is full: as many can at a time whose older session is
/// of this lane, and half as many of those whose is not.
[[nodiscard]] unsigned spare_sessions_per_lane(const ServerConfig& config) noexcept;
/// Of an io lane's session table.
[[nodiscard]] unsigned session_places_per_lane(const ServerConfig& config) noexcept;

/// What world, replication and game find wrong, with `shards` shard lanes; each one sentence.
[[nodiscard]] std::vector<std::string> engine_faults(const ServerConfig& config, unsigned shards);

/// The instruction set that a user chose for the simd functions.
[[nodiscard]] simd::Isa isa_of(IsaChoice choice) noexcept;
/// What is wrong with a choice on a CPU that offers `best`; empty: nothing.
[[nodiscard]] std::string isa_fault(IsaChoice choice, simd::Isa best);

}  // namespace serried::config
