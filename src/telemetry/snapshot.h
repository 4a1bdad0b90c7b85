#pragma once
/// All counters of a server at one moment, as plain numbers: what status, summary and metrics are made from, so that
/// none of them knows a lane. Filled by server::Engine::collect and server::Runner; tests fill their own.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "metrics/counter.h"
#include "metrics/drop.h"
#include "serried/time.h"

namespace serried::telemetry {

struct LaneFigures {
  std::string name;
  unsigned lcore = 0;
  metrics::CounterValues counters;  ///< of the lane, its port, and what its core measured of it
  unsigned cpu = 0, node = 0;       ///< where the core is

  /// Datagrams in and out; 0 for lanes that handle none.
  [[nodiscard]] std::uint64_t packets() const noexcept {
    return counters[metrics::CounterId::port_rx_packets] + counters[metrics::CounterId::port_tx_packets];
  }
};

/// A core that lanes share, as server::LaneLoop measures it.
struct CoreFigures {
  unsigned lcore = 0;
  metrics::CounterValues counters;
};

/// Memory of a lane, and the pages of it by whether they are on the NUMA node that was asked for.
struct PlacedMemory {
  std::string lane, part;
  int node = 0;
  std::uint64_t pages_there = 0, pages_elsewhere = 0;
};

/// What a port does with datagrams before its lanes see them, by rules of ours.
struct PortRules {
  std::string port;
  unsigned lanes = 0;             ///< that receive by it
  unsigned steered = 0;           ///< of them: sealed datagrams of their sessions come to them and to no other
  std::string not_steered;        ///< why not all; empty: all
  std::vector<std::string> bans;  ///< what kinds of bans it drops
  std::string not_banned;         ///< why not all kinds; empty: all, or it was not asked
  std::uint64_t ban_rules = 0;
};

struct Snapshot {
  Nanos at = 0;

  metrics::CounterValues counters;                         ///< of all lanes and cores together
  std::array<std::uint64_t, metrics::drop_count> drops{};  ///< likewise
  base::Histogram tick_ns;  ///< from when a tick was due to its last slice handed over; the ticks of all shards
  std::uint64_t world_hash = 0;
  std::uint32_t world_tick = 0;  ///< whose hash it is

  std::vector<LaneFigures> lanes;
  std::vector<CoreFigures> cores;  ///< those that have lanes

  // Memory of the process
  std::uint64_t rss_bytes = 0;
  std::uint64_t heap_bytes = 0;      ///< handed out by malloc and not given back
  std::vector<PlacedMemory> placed;  ///< as it was last counted

  std::vector<PortRules> rules;  ///< of each device, or of the sockets

  /// What they counted is part of `counters` from now on.
  void add(LaneFigures lane);
  void add(const CoreFigures& core);

  [[nodiscard]] std::uint64_t drop(metrics::Drop reason) const noexcept {
    return drops[static_cast<std::size_t>(reason)];
  }
  /// How long the lane's core has been polling.
  [[nodiscard]] std::uint64_t run_ns(const LaneFigures& lane) const noexcept;

  // received = delivered + host + dropped, exact once the lanes have stopped; while they run, what is inside a burst is
  // counted as received and not yet as anything else.
  /// Frames, or datagrams where the port has no frames.
  [[nodiscard]] std::uint64_t received() const noexcept { return counters[metrics::CounterId::port_rx_frames]; }
  /// Datagrams that reached the end of their path.
  [[nodiscard]] std::uint64_t delivered() const noexcept {
    return counters[metrics::CounterId::sessions_delivered] + counters[metrics::CounterId::handshakes_answered];
  }
  /// Frames consumed by the port: ARP, ICMP, neighbour discovery.
  [[nodiscard]] std::uint64_t host() const noexcept { return counters[metrics::CounterId::port_rx_host_frames]; }
  /// Drops of the identity: frames and datagrams, not parts of delivered ones and not what could not leave.
  [[nodiscard]] std::uint64_t dropped() const noexcept;
  [[nodiscard]] bool balanced() const noexcept { return received() == delivered() + host() + dropped(); }
};

/// Resident bytes of this process, and bytes that malloc has handed out.
void measure_memory(Snapshot& snapshot) noexcept;

}  // namespace serried::telemetry
