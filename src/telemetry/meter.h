#pragma once
/// From snapshots to figures a person can use: rates of the last interval for the live status, and totals over the time
/// in which at least one player was in the world for the summary. A server that waited an hour for its first player has
/// the same figures as one that did not.

#include <cstdint>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "telemetry/snapshot.h"

namespace serried::telemetry {

struct LaneShare {
  std::string name;
  double busy = 0;  ///< 0 to 1
};

/// Of one interval.
struct Rates {
  double seconds = 0;
  double rx_pps = 0, tx_pps = 0, rx_bits = 0, tx_bits = 0;  ///< a second
  double handshakes = 0;                                    ///< sessions accepted, a second
  double drops = 0;                                         ///< all units, a second
  std::vector<LaneShare> lanes;
};

/// Over the time with players.
struct ActiveTotals {
  double seconds = 0;
  std::uint64_t rx_packets = 0, tx_packets = 0;
  std::uint64_t ticks = 0, ticks_late = 0;
};

class Meter {
 public:
  /// Take in the next snapshot; those of one run, in order. An interval counts as active when there were players at
  /// both of its ends.
  void sample(const Snapshot& snapshot);

  [[nodiscard]] const Rates& rates() const noexcept { return rates_; }
  /// Ticks of the last interval.
  [[nodiscard]] const base::Histogram& recent_ticks() const noexcept { return recent_ticks_; }
  [[nodiscard]] const ActiveTotals& active() const noexcept { return active_; }
  [[nodiscard]] const base::Histogram& active_ticks() const noexcept { return active_ticks_; }
  [[nodiscard]] std::uint64_t players_peak() const noexcept { return players_peak_; }
  [[nodiscard]] double elapsed_s() const noexcept;

 private:
  /// What the next interval is measured against.
  struct Before {
    Nanos at = 0;
    metrics::CounterValues counters;
    std::uint64_t drops = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> lanes;  ///< run_ns, busy_ns
  };
  void measure(const Snapshot& snapshot, const Before& after);

  bool begun_ = false;
  Nanos begin_ = 0;
  Before before_;
  base::Histogram ticks_before_;
  Rates rates_;
  base::Histogram recent_ticks_, active_ticks_;
  ActiveTotals active_;
  std::uint64_t players_peak_ = 0;
};

}  // namespace serried::telemetry
