#pragma once
/// A snapshot as a busy server would make it, for the tests of what is rendered from one.

#include "control/meter.h"
#include "control/snapshot.h"

namespace serried::control {

inline void fill_synthetic(Snapshot& snapshot, unsigned seconds) {
  const std::uint64_t s = seconds;
  snapshot.at = (500 + s) * second;
  snapshot.rx_packets = 60'000 * s;
  snapshot.rx_bytes = 6'000'000 * s;
  snapshot.tx_packets = 60'500 * s;
  snapshot.tx_bytes = 66'000'000 * s;
  snapshot.received = 60'020 * s;
  snapshot.host = 5 * s;
  snapshot.drops[static_cast<std::size_t>(observe::Drop::bad_crc)] = 10 * s;
  snapshot.drops[static_cast<std::size_t>(observe::Drop::foreign_port)] = 5 * s;
  snapshot.drops[static_cast<std::size_t>(observe::Drop::stale_input)] = 1'234 * s;
  snapshot.drops[static_cast<std::size_t>(observe::Drop::transmit_full)] = 2 * s;
  snapshot.delivered = snapshot.received - snapshot.host - 15 * s;
  snapshot.sessions = 1'003;
  snapshot.players = 1'000;
  snapshot.session_counts = {{"established", 1'010}, {"timed_out", 7}, {"ended", 0}};
  snapshot.handshake_counts = {{"accepted", 20 * s}, {"denied_expired", 3}};
  for (unsigned i = 0; i < 60; ++i) snapshot.tick_ns.record((2 + i / 10) * millisecond);
  snapshot.ticks = 60 * s;
  snapshot.ticks_late = s;
  snapshot.world_hash = 0xFEDC'BA98'7654'3210U;
  snapshot.lanes.resize(2);
  snapshot.lanes[0] = {"io0", 0, s * second, s * second / 2, 3 * millisecond, 1'000 * s, 120'500 * s, 120'500 * s, 0};
  snapshot.lanes[1] = {"shard0", 1, s * second, s * second / 4, 9 * millisecond, 900 * s, 60 * s, 0, 0};
  snapshot.cores = {{0, s * second, s * second * 4 / 5, s * second / 2}, {1, s * second, s * second, s * second}};
  snapshot.rss_bytes = 300U << 20;
  snapshot.heap_bytes = 200U << 20;
}

}  // namespace serried::control
