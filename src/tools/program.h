#pragma once
/// How the small programs begin, and how they say that they failed.

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "crypt/keys.h"
#include "process/rights.h"
#include "tools/arguments.h"

namespace serried::tools {

inline constexpr int exit_failed = 1;

/// One sentence for a person, and the exit code that goes with it.
inline int fail(std::string_view program, const std::string& message) {
  std::cerr << program << ": " << message << "\n";
  return exit_failed;
}

/// Read the command line, make the cryptography ready and see to it that keys stay in this process. When there is an
/// exit code, it was help or a mistake, and all is said.
[[nodiscard]] inline std::optional<int> begin(std::string_view program, Arguments& arguments, int argc, char** argv) {
  if (const auto ended = arguments.parse(argc, argv)) return ended;
  process::keep_secrets(false);
  if (!crypt::initialise()) return fail(program, "the cryptography library cannot be used on this machine");
  return {};
}

}  // namespace serried::tools
