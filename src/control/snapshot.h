#pragma once
/// All counters of a server at one moment, as plain numbers: what status, summary and metrics are made from, so that
/// none of them knows a lane. Filled by Server::collect; tests fill their own.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/histogram.h"
#include "observe/drop.h"
#include "serried/time.h"

namespace serried::control {

struct LaneFigures {
  std::string name;
  unsigned lcore = 0;
  std::uint64_t run_ns = 0;  ///< how long its core has been polling
  std::uint64_t busy_ns = 0;
  std::uint64_t longest_ns = 0;
  std::uint64_t polls = 0;
  std::uint64_t items = 0;        ///< what poll counted as work
  std::uint64_t packets = 0;      ///< datagrams in and out; 0 for lanes that handle none
  std::uint64_t allocations = 0;  ///< while polled
};

/// A core that lanes share, as LaneLoop measures it.
struct CoreFigures {
  unsigned lcore = 0;
  std::uint64_t run_ns = 0, awake_ns = 0, cpu_ns = 0;
};

struct Snapshot {
  Nanos at = 0;

  // Ports
  std::uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;

  // received = delivered + host + dropped(), exact once the lanes have stopped; while they run, what is inside a burst
  // is counted as received and not yet as anything else.
  std::uint64_t received = 0;   ///< frames, or datagrams where the port has no frames
  std::uint64_t delivered = 0;  ///< datagrams that reached the end of their path
  std::uint64_t host = 0;       ///< frames answered by the port: ARP, ICMP, neighbour discovery
  std::array<std::uint64_t, observe::drop_count> drops{};

  // Sessions
  std::uint64_t sessions = 0;  ///< slots in use, half-open ones too
  std::uint64_t players = 0;   ///< in the world
  /// Everything countable about handshakes and ends, by name, in the order of the summary.
  std::vector<std::pair<std::string, std::uint64_t>> session_counts, handshake_counts;

  // World
  base::Histogram tick_ns;  ///< from when a tick was due to its last slice handed over; the ticks of all shards
  std::uint64_t ticks = 0, ticks_late = 0;
  /// Ticks between two datagrams to one viewer: 1 unless a shard is overloaded. The largest of all shards.
  std::uint64_t interval_ticks = 1, interval_ticks_max = 1;
  std::uint64_t far_staleness_ticks = 0;   ///< longest turn over the far cells of any viewer
  std::uint64_t far_crossings_missed = 0;  ///< see replicate::PlanCounters: while it stands still, turns miss no entity
  std::uint64_t world_hash = 0;
  std::uint32_t world_tick = 0;  ///< whose hash it is

  std::vector<LaneFigures> lanes;
  std::vector<CoreFigures> cores;  ///< those that have lanes

  // Memory of the process
  std::uint64_t rss_bytes = 0;
  std::uint64_t heap_bytes = 0;  ///< handed out by malloc and not given back

  [[nodiscard]] std::uint64_t drop(observe::Drop reason) const noexcept {
    return drops[static_cast<std::size_t>(reason)];
  }
  /// Drops of the identity: frames and datagrams, not parts of delivered ones and not what could not leave.
  [[nodiscard]] std::uint64_t dropped() const noexcept;
  [[nodiscard]] bool balanced() const noexcept { return received == delivered + host + dropped(); }
};

/// Resident bytes of this process, and bytes that malloc has handed out.
void measure_memory(Snapshot& snapshot) noexcept;

}  // namespace serried::control
