#pragma once
/// Live figures for people: one line, or a table that is redrawn in place.

#include <string>

#include "telemetry/meter.h"
#include "telemetry/snapshot.h"

namespace serried::telemetry {

/// What does not change while a server runs.
struct StatusFacts {
  double tick_budget_ms = 0;
  std::uint64_t players_max = 0;
  bool measurement = false;  ///< the server is in measurement mode, which every view of it says
};

/// One line, without its end.
[[nodiscard]] std::string status_line(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts);

/// Some lines, each ended.
[[nodiscard]] std::string status_table(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts);

/// The table of the whole run, printed at the end.
[[nodiscard]] std::string final_table(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts);

/// A number with three or four digits and a unit: "950", "12.4k", "3.21M".
[[nodiscard]] std::string short_number(double value);

/// Escape sequences that put the cursor back to the begin of a block of `lines` lines and clear it.
[[nodiscard]] std::string over(unsigned lines);

}  // namespace serried::telemetry
