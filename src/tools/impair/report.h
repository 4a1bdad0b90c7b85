#pragma once
/// What a relay did, as text and as JSON.

#include <string>

#include "tools/impair/relay.h"

namespace serried::tools {

/// A line and a table; `seconds` since the start.
[[nodiscard]] std::string impair_line(const Relay& relay, double seconds);
[[nodiscard]] std::string impair_table(const Relay& relay, double seconds);
[[nodiscard]] std::string impair_json(const Relay& relay, double seconds);

}  // namespace serried::tools
