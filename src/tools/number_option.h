#pragma once
/// An option that takes a whole number, the same for all tools.

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "crypt/field_text.h"

namespace serried::tools {

/// Decimal or 0x hexadecimal, from `least` to `most`; anything else is a usage error that says so.
inline CLI::Option* add_number(CLI::App& to, const std::string& names, std::uint64_t& value, const std::string& help,
                               std::uint64_t least, std::uint64_t most) {
  const auto read = [&value, names, least, most](const std::string& text) {
    const std::string wrong = crypt::take_number(text, least, most, value);
    if (!wrong.empty()) throw CLI::ValidationError(names + ": '" + text + "' " + wrong);
  };
  return to.add_option_function<std::string>(names, read, help)->type_name("N");
}

}  // namespace serried::tools
