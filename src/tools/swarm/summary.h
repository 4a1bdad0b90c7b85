#pragma once
/// What a swarm run came to: plain values, made by the engine, printed by report.

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/histogram.h"
#include "metrics/drop.h"

namespace serried::tools {

/// Milliseconds.
struct Quantiles {
  double p50 = 0, p99 = 0, p999 = 0, max = 0;
};
[[nodiscard]] Quantiles quantiles_ms(const base::Histogram& nanoseconds);

struct Summary {
  std::uint32_t players = 0;
  std::uint32_t connected = 0;  ///< reached the world at least once
  std::uint32_t playing = 0;    ///< are in it now
  std::uint64_t errors = 0;
  std::map<std::string, std::uint64_t> error_kinds;
  std::string first_error;  ///< one sentence about the first session that ended with an error
  std::uint64_t view_mismatches = 0, audits = 0;
  double connect_seconds = 0, connects_per_second = 0;

  // Of the playing phase: from the moment all are in the world
  double seconds = 0;
  double rx_pps = 0, tx_pps = 0, rx_bps = 0, tx_bps = 0;
  double updates_per_second_per_bot = 0;
  Quantiles update_latency, staleness, rtt;
  std::uint64_t latency_samples = 0;
  double cpu_seconds = 0;
  double swarm_busy = 0;
  double swarm_lag_ms_p99 = 0, swarm_lag_ms_max = 0;  ///< inputs that left later than planned
  bool swarm_behind = false;                          ///< its own loop was late: latencies include its lateness

  // Of the bots that draw, in the whole run
  std::uint32_t drawing = 0;
  std::uint64_t scenes_drawn = 0;  ///< whole ones
  std::uint64_t frames_drawn = 0, frames_repeated = 0;
  std::uint64_t scene_faults = 0;  ///< what a client must not show: tools/swarm/watcher.h
  Quantiles speed_error_percent;   ///< in per cent, not milliseconds
  Quantiles scene_behind;
  std::uint64_t tracked_drawn = 0, tracked_audited = 0;  ///< entities they have now; those that an audit has confirmed

  // Of the whole run
  std::uint64_t chats_sent = 0, chats_received = 0;
  std::uint64_t commands_sent = 0, states_received = 0;
  std::uint64_t messages_sent = 0, messages_received = 0;  ///< of the game, on any channel
  std::uint64_t resent = 0;                                ///< reliable datagrams that were lost
  std::uint64_t timeouts = 0;                              ///< retransmission timeouts
  std::uint64_t rekeys = 0, roams = 0;

  double tracked_per_bot = 0, far_records_per_second_per_bot = 0;
  std::uint64_t bytes_per_bot = 0;  ///< of session and view
  std::uint64_t rss_bytes = 0;
  std::map<std::string, std::uint64_t> drops;

  /// Exit code 0: all bots were in, and nothing was wrong.
  [[nodiscard]] bool good() const noexcept {
    return connected == players && errors == 0 && view_mismatches == 0 && scene_faults == 0 && players != 0;
  }
};

}  // namespace serried::tools
