#pragma once
/// From what a user says to what each module takes: pure functions, one a module.

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
/// Precondition of both: check_config found nothing.
[[nodiscard]] port::SocketConfig socket_config(const ServerConfig& config, unsigned shards);
/// `device` counts the ports in the order in which they are given. All that lanes send comes out of the buffers of the
/// first one.
[[nodiscard]] port::EthdevConfig ethdev_config(const ServerConfig& config, unsigned shards, unsigned device);

/// What the ports of a server take of EAL's memory, by device, in bytes: mbufs and rings of its queues. `page_bytes` is
/// the size of its pages: no mbuf crosses one of 4 KiB.
[[nodiscard]] std::vector<std::uint64_t> port_memory_bytes(const ServerConfig& config, unsigned shards,
                                                           std::uint64_t page_bytes);
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
