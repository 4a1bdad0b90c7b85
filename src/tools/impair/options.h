#pragma once
/// The command line of serried-impair.

#include <string>
#include <string_view>

#include "tools/impair/relay.h"

namespace serried::tools {

struct ImpairOptions {
  RelayConfig relay;
  double seconds = 0;
  int cpu = -1;
  std::string json_file;
  bool quiet = false;
  int exit_code = -1;  ///< not -1: help or a fault was printed, end with it
};

[[nodiscard]] ImpairOptions parse_impair_line(int argc, char** argv);

/// "loss=2,delay=50": options of one direction, in the place of those of both. Error: no such option, no such value.
[[nodiscard]] Result<Done> override_profile(std::string_view text, LinkProfile& profile);

}  // namespace serried::tools
