#pragma once
/// Small files that an operator names, as a whole.

#include <optional>
#include <string>

namespace serried::base {

/// All bytes of a file, which may be none; no value when it cannot be read, as a folder cannot.
[[nodiscard]] std::optional<std::string> read_file(const std::string& name);

}  // namespace serried::base
