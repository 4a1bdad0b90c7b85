#pragma once
/// The streams that a process is born with.

#include <string_view>

namespace serried::process {

/// What every program does first. A descriptor 0, 1 or 2 that is missing becomes /dev/null: the next file or socket
/// would take its number, and what is meant for standard output would go there. SIGPIPE and SIGXFSZ are ignored: a
/// reader that has gone and a file that may not grow are errors of a write, not ends of the process.
void begin() noexcept;

/// The same for a program whose purpose is what it writes to standard output: a missing one takes nothing, so that
/// ended() finds out that something is lost.
void begin_to_print() noexcept;

/// The exit code of a program whose purpose is what it writes to standard output: `code`, or 1 with a sentence on
/// standard error when not all of it could be written.
[[nodiscard]] int ended(std::string_view program, int code) noexcept;

}  // namespace serried::process
