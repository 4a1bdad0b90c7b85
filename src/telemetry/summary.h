#pragma once
/// The figures of a whole run as one JSON object: what --json-summary writes and scripts read.

#include <string>

#include "config/config.h"
#include "telemetry/meter.h"
#include "telemetry/snapshot.h"
#include "telemetry/status.h"

namespace serried::telemetry {

/// Rates and tick figures cover the time with players (Meter); counts cover the run. Indented, ends with a new line.
[[nodiscard]] std::string summary_json(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts,
                                       const config::ServerConfig& config);

}  // namespace serried::telemetry
