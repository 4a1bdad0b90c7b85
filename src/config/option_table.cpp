#include "config/option_table.h"

#include "config/option.h"

namespace serried::config {
namespace {

/// "a|b|c" with `quote` around each part and `between` them.
std::string parts(const std::string& text, const std::string& quote, const std::string& between) {
  std::string out = quote;
  for (const char c : text) {
    if (c == '|')
      out.append(quote).append(between).append(quote);
    else
      out += c;
  }
  return out + quote;
}

/// Text of a cell: a bar would end it.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string unit_of(const Option& option) {
  if (option.choices != nullptr) return parts(option.choices, "`", ", ");
  const std::string unit = parts(option.unit, "", " or "), range = option_range(option);
  return range.empty() ? unit : unit + ", " + range;
}

std::string row(const std::string& name, const std::string& unit, const std::string& value, const std::string& help) {
  return "| `--" + name + "` | " + unit + (unit.empty() ? "| " : " | ") + value + (value.empty() ? "| " : " | ") +
         cell(help) + " |\n";
}

}  // namespace

std::string option_table() {
  const ServerConfig defaults;
  std::string text = "| option | unit | default | what |\n| --- | --- | --- | --- |\n";
  for (const Option& option : options())
    text += row(option.name, unit_of(option), option_text(option, defaults), option.help);
  for (const CommandLineOnly& option : command_line_only()) text += row(option.name, option.unit, "", option.help);
  return text;
}

}  // namespace serried::config
