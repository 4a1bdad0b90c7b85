#pragma once
/// The table of options: one row an option, from which the command line, the reader of files, --help and the example
/// file come. Private to src/config/config*.cpp and their tests.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace serried::config {

/// Where an option's value lives in a ServerConfig. `std::uint8_t*` is an enum, its value the index of the choice.
using Target = std::variant<std::string*, std::vector<std::string>*, bool*, std::uint8_t*, std::uint16_t*, unsigned*,
                            std::uint64_t*, std::optional<unsigned>*>;

struct Option {
  const char* name;     ///< on the command line, without the dashes
  const char* section;  ///< of the file
  const char* key;      ///< in the section
  const char* unit;     ///< what the value is: a unit, or a kind of name
  const char* help;
  Target (*target)(ServerConfig&);
  double least = 0, most = 0;     ///< of numbers, both included
  const char* choices = nullptr;  ///< of enums, separated by '|'
  /// Of texts: what is wrong with the value, empty when nothing is.
  std::string (*check)(const std::string& value) = nullptr;
  bool in_files = true;  ///< false: only the command line takes it
};

[[nodiscard]] std::span<const Option> options();

/// What only the command line takes: no part of a configuration.
struct CommandLineOnly {
  const char* name;  ///< without the dashes
  const char* unit;  ///< empty for what takes no value
  const char* help;
};
[[nodiscard]] std::span<const CommandLineOnly> command_line_only();

/// What an option was called in an earlier version. The old name is refused, and the message says the present one.
struct RenamedOption {
  const char* name;  ///< on the command line, without the dashes
  const char* key;   ///< section.key in the file
  const char* now;   ///< the name of the option in options()
};

[[nodiscard]] std::span<const RenamedOption> renamed_options();

/// The option that was called `name` on the command line; null when none was.
[[nodiscard]] const Option* renamed_from_name(std::span<const RenamedOption> renamed, std::string_view name);
/// The option whose key in the file was `key`, as section.key; null when none was.
[[nodiscard]] const Option* renamed_from_key(std::span<const RenamedOption> renamed, std::string_view key);

/// read_config and read_toml (config.h) with these entries instead of renamed_options().
[[nodiscard]] Reading read_config(std::span<const std::string> arguments, std::span<const RenamedOption> renamed);
bool read_toml(const std::string& text, const std::string& name, std::span<const RenamedOption> renamed,
               ServerConfig& config, std::vector<Fault>& faults);

/// The heading of a section, for --help and the example.
[[nodiscard]] const char* section_text(const std::string& section);

/// Set an option from text. What is wrong with the text, or empty.
[[nodiscard]] std::string set_option(const Option& option, std::span<const std::string> values, ServerConfig& config);

/// The value as text: as set_option takes it; lists are joined by a space.
[[nodiscard]] std::string option_text(const Option& option, const ServerConfig& config);
/// The value as TOML.
[[nodiscard]] std::string option_toml(const Option& option, const ServerConfig& config);

/// What the value must be, for messages and help: "0 to 65535", "ethdev|socket", empty for free text.
[[nodiscard]] std::string option_range(const Option& option);

}  // namespace serried::config
