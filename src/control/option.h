#pragma once
/// The table of options: one row an option, from which the command line, the reader of files, --help and the example
/// file come. Private to src/control/config*.cpp and their tests.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "control/config.h"

namespace serried::control {

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
};

[[nodiscard]] std::span<const Option> options();

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

}  // namespace serried::control
