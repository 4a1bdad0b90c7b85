#pragma once
/// Files that a program leaves behind, and those that it goes on writing to.

#include <string>

#include "serried/result.h"

namespace serried::process {

/// The whole text or an error, never half a file: written beside and renamed.
[[nodiscard]] Result<Done> write_file(const std::string& name, const std::string& text);

/// Whether write_file could write `name` now; leaves nothing behind. To be asked before the work whose end it is.
[[nodiscard]] Result<Done> can_write_file(const std::string& name);

/// A descriptor that appends to `name`, which is made if need be, but not its directory. Never waits, for the reader of
/// a FIFO neither.
[[nodiscard]] Result<int> open_to_append(const std::string& name);

}  // namespace serried::process
