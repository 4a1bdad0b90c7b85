#pragma once
/// Sections of options in a TOML file, for the readers of the configuration file and of profiles. Private to
/// config_toml.cpp and profile.cpp: the header of the library costs a compiler seconds.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "config/option.h"

namespace serried::config {

/// What is wrong in a line of a file.
struct LineFault {
  std::uint32_t line = 0;
  std::string key, text;
};

[[nodiscard]] std::uint32_t line_of(const toml::node& node);

/// Set the options that the sections of `tables` name.
void read_sections(const toml::table& tables, std::span<const RenamedOption> renamed, ServerConfig& config,
                   std::vector<LineFault>& faults);

/// Add them in the order of their lines: "NAME:LINE: KEY".
void add_line_faults(std::vector<LineFault> found, const std::string& name, std::vector<Fault>& faults);

}  // namespace serried::config
