#pragma once
/// A snapshot as a busy server would make it, for the tests of what is rendered from one.

#include <initializer_list>
#include <utility>

#include "telemetry/meter.h"
#include "telemetry/snapshot.h"

namespace serried::telemetry {

using metrics::CounterId;

inline LaneFigures synthetic_lane(const char* name, unsigned lcore,
                                  std::initializer_list<std::pair<CounterId, std::uint64_t>> counters) {
  LaneFigures lane{name, lcore, {}, 2 * lcore, lcore};
  for (const auto& [id, value] : counters) lane.counters[id] = value;
  return lane;
}

inline CoreFigures synthetic_core(unsigned lcore, Nanos run_ns, Nanos awake_ns, Nanos cpu_ns) {
  CoreFigures core{lcore, {}};
  core.counters[CounterId::cores_run_ns] = run_ns;
  core.counters[CounterId::cores_awake_ns] = awake_ns;
  core.counters[CounterId::cores_cpu_ns] = cpu_ns;
  return core;
}

inline void fill_synthetic(Snapshot& snapshot, unsigned seconds) {
  const std::uint64_t s = seconds;
  snapshot.at = (500 + s) * second;
  snapshot.drops[static_cast<std::size_t>(metrics::Drop::bad_crc)] = 10 * s;
  snapshot.drops[static_cast<std::size_t>(metrics::Drop::foreign_port)] = 5 * s;
  snapshot.drops[static_cast<std::size_t>(metrics::Drop::stale_input)] = 1'234 * s;
  snapshot.drops[static_cast<std::size_t>(metrics::Drop::transmit_full)] = 2 * s;
  for (unsigned i = 0; i < 60; ++i) snapshot.tick_ns.record((2 + i / 10) * millisecond);
  snapshot.world_hash = 0xFEDC'BA98'7654'3210U;
  snapshot.counters = {};
  snapshot.lanes.clear();
  snapshot.cores.clear();
  snapshot.add(synthetic_lane("io0", 0,
                              {{CounterId::port_rx_frames, 60'020 * s},
                               {CounterId::port_rx_packets, 60'000 * s},
                               {CounterId::port_rx_bytes, 6'000'000 * s},
                               {CounterId::port_rx_host_frames, 5 * s},
                               {CounterId::port_tx_packets, 60'500 * s},
                               {CounterId::port_tx_bytes, 66'000'000 * s},
                               {CounterId::sessions_delivered, 59'980 * s},
                               {CounterId::handshakes_answered, 20 * s},
                               {CounterId::sessions_sessions, 1'003},
                               {CounterId::sessions_established, 1'010},
                               {CounterId::sessions_timed_out, 7},
                               {CounterId::lanes_busy_ns, s * second / 2},
                               {CounterId::lanes_longest_poll_ns, 3 * millisecond},
                               {CounterId::lanes_polls, 1'000 * s}}));
  snapshot.add(synthetic_lane("shard0", 1,
                              {{CounterId::world_players, 1'000},
                               {CounterId::world_ticks, 60 * s},
                               {CounterId::world_ticks_late, s},
                               {CounterId::replication_interval_ticks, 1},
                               {CounterId::lanes_busy_ns, s * second / 4},
                               {CounterId::lanes_longest_poll_ns, 9 * millisecond},
                               {CounterId::lanes_polls, 900 * s}}));
  snapshot.add(synthetic_lane("handshake", 1,
                              {{CounterId::handshakes_accepted, 20 * s}, {CounterId::handshakes_denied_expired, 3}}));
  snapshot.add(synthetic_core(0, s * second, s * second * 4 / 5, s * second / 2));
  snapshot.add(synthetic_core(1, s * second, s * second, s * second));
  snapshot.rss_bytes = 300U << 20;
  snapshot.heap_bytes = 200U << 20;
}

}  // namespace serried::telemetry
