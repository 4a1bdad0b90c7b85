#pragma once
/// The figures of a whole run as one JSON object: what --json-summary writes and scripts read.

#include <string>

#include "control/config.h"
#include "control/meter.h"
#include "control/snapshot.h"
#include "control/status.h"
#include "serried/result.h"

namespace serried::control {

/// Rates and tick figures cover the time with players (Meter); counts cover the run. Indented, ends with a new line.
[[nodiscard]] std::string summary_json(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts,
                                       const ServerConfig& config);

/// The whole text or an error, never half a file: written beside and renamed.
Result<Done> write_file(const std::string& name, const std::string& text);

}  // namespace serried::control
