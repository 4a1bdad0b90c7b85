#pragma once
/// How the small programs begin, and how they say that they failed.

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "crypt/keys.h"

namespace serried::tools {

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// One sentence for a person, and the exit code that goes with it.
inline int fail(std::string_view program, const std::string& message) {
  std::cerr << program << ": " << message << "\n";
  return exit_failed;
}

/// Read the command line and make the cryptography ready. When there is an exit code, it was help or a mistake, and all
/// is said.
[[nodiscard]] inline std::optional<int> begin(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (!crypt::initialise()) return fail(app.get_name(), "the cryptography library cannot be used on this machine");
  return {};
}

}  // namespace serried::tools
