#pragma once
/// What can lie below the lane. Each function lays its wire, runs the measurement over it and takes it away again. An
/// error is what keeps a driver from being measured here; `skipped` when that is no fault.

#include "report.h"

namespace serried::bench {

struct Outcome {
  bool skipped = false;
  std::string message;  ///< empty: measured
};

Outcome run_memory(const Options& options, Report& report);
/// One to four io lanes over memory, and one to four shard lanes.
Outcome run_scaling(const Options& options, Report& report);
Outcome run_socket(const Options& options, Report& report);
/// net_ring, a pair in this process.
Outcome run_ring(const Options& options, Report& report);
/// net_null for what goes out; what comes in comes through memory.
Outcome run_null(const Options& options, Report& report);
/// net_af_xdp on both ends of a veth pair, in a network namespace of our own. Needs root.
Outcome run_af_xdp(const Options& options, Report& report);

}  // namespace serried::bench
