#pragma once
/// A Summary for eyes (a table that redraws itself, or a line) and for programs (JSON).

#include <string>

#include "tools/swarm/summary.h"

namespace serried::tools {

[[nodiscard]] std::string table(const Summary& summary);
[[nodiscard]] std::string line(const Summary& summary);
[[nodiscard]] std::string json(const Summary& summary);

}  // namespace serried::tools
