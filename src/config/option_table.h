#pragma once
/// The options as the table of docs/running.md. `scripts/check docs` holds the page to it.

#include <string>

namespace serried::config {

/// A Markdown table, one line an option in the order of --help: name, unit and range, default, what it is.
[[nodiscard]] std::string option_table();

}  // namespace serried::config
