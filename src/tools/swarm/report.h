#pragma once
/// A Summary for eyes (a table that redraws itself, or a line) and for programs (JSON).

#include <string>

#include "serried/result.h"
#include "tools/swarm/summary.h"

namespace serried::tools {

[[nodiscard]] std::string table(const Summary& summary);
[[nodiscard]] std::string line(const Summary& summary);
[[nodiscard]] std::string json(const Summary& summary);
Result<Done> write_json(const Summary& summary, const std::string& file);

}  // namespace serried::tools
