// Files: reading them against the table of options, and writing the example from the same table.

#include <algorithm>

#include "config/option.h"
#include "config/toml_sections.h"

namespace serried::config {
namespace {

/// A scalar as set_option takes it; false for tables, arrays and dates, which no option is.
bool scalar_text(const toml::node& node, std::string& text) {
  if (const auto* const integer = node.as_integer()) {
    text = std::to_string(integer->get());
  } else if (const auto* const string = node.as_string()) {
    text = string->get();
  } else if (const auto* const boolean = node.as_boolean()) {
    text = boolean->get() ? "on" : "off";
  } else if (const auto* const real = node.as_floating_point()) {
    text = std::to_string(real->get());
  } else {
    return false;
  }
  return true;
}

std::string node_fault(const Option& option, const toml::node& node, ServerConfig& config) {
  std::vector<std::string> values;
  if (const auto* const array = node.as_array()) {
    for (const toml::node& element : *array)
      if (!scalar_text(element, values.emplace_back())) return "holds something that is no plain value";
    if (!std::holds_alternative<std::vector<std::string>*>(option.target(config))) return "takes one value, not a list";
  } else if (!scalar_text(node, values.emplace_back())) {
    return "takes a plain value";
  }
  return set_option(option, values, config);
}

const Option* find(std::string_view section, std::string_view key) {
  const auto rows = options();
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Option& row) { return row.section == section && row.key == key; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_section(std::string_view name) {
  const auto rows = options();
  return std::any_of(rows.begin(), rows.end(), [&](const Option& row) { return row.section == name; });
}

/// Whether a key of an earlier version stood in this section.
bool was_section(std::string_view name, std::span<const RenamedOption> renamed) {
  return std::any_of(renamed.begin(), renamed.end(), [&](const RenamedOption& entry) {
    const std::string_view key = entry.key;
    return key.substr(0, key.find('.')) == name;
  });
}

/// The section in which a key would be known: for the message about one in the wrong place.
std::string elsewhere(std::string_view key) {
  for (const Option& row : options())
    if (row.key == key) return std::string{"; it belongs to ["} + row.section + "]";
  // Named as on the command line.
  std::string name{key};
  std::replace(name.begin(), name.end(), '_', '-');
  for (const Option& row : options())
    if (row.name == name) return std::string{"; that is "} + row.key + " in [" + row.section + "]";
  return "; remove it, or see --example-config for the keys there are";
}

void read_section(const std::string& section, const toml::table& table, std::span<const RenamedOption> renamed,
                  ServerConfig& config, std::vector<LineFault>& faults) {
  for (const auto& [key, node] : table) {
    const std::string name{key.str()};
    const std::string path = std::string(section).append(".").append(name);
    const Option* const option = find(section, name);
    if (option == nullptr) {
      const Option* const now = renamed_from_key(renamed, path);
      faults.push_back(
          {key.source().begin.line, path,
           now != nullptr ? std::string{"is now "} + now->section + "." + now->key : "is not known" + elsewhere(name)});
    } else if (!option->in_files) {
      faults.push_back({key.source().begin.line, path,
                        std::string{"is for the command line alone; give --"} + option->name + " there"});
    } else if (std::string fault = node_fault(*option, node, config); !fault.empty()) {
      faults.push_back({line_of(node), path, std::move(fault)});
    }
  }
}

}  // namespace

std::uint32_t line_of(const toml::node& node) { return node.source().begin.line; }

void read_sections(const toml::table& tables, std::span<const RenamedOption> renamed, ServerConfig& config,
                   std::vector<LineFault>& faults) {
  for (const auto& [key, node] : tables) {
    const std::string section{key.str()};
    if (!is_section(section) && !was_section(section, renamed))
      faults.push_back({key.source().begin.line, section,
                        "is not known" + (node.is_table() ? "; see --example-config for the sections there are"
                                                          : elsewhere(section))});
    else if (const auto* const table = node.as_table())
      read_section(section, *table, renamed, config, faults);
    else
      faults.push_back({line_of(node), section, "is a section; write [" + section + "] and its keys below"});
  }
}

void add_line_faults(std::vector<LineFault> found, const std::string& name, std::vector<Fault>& faults) {
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  for (LineFault& fault : found)
    faults.push_back({name + ":" + std::to_string(fault.line) + ": " + fault.key, std::move(fault.text)});
}

bool read_toml(const std::string& text, const std::string& name, ServerConfig& config, std::vector<Fault>& faults) {
  return read_toml(text, name, renamed_options(), config, faults);
}

bool read_toml(const std::string& text, const std::string& name, std::span<const RenamedOption> renamed,
               ServerConfig& config, std::vector<Fault>& faults) {
  toml::table file;
  try {
    file = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    faults.push_back(
        {name + ":" + std::to_string(error.source().begin.line), "is no TOML: " + std::string{error.description()}});
    return false;
  }
  std::vector<LineFault> found;
  read_sections(file, renamed, config, found);
  add_line_faults(std::move(found), name, faults);
  return true;
}

std::string example_toml() {
  const ServerConfig defaults;
  std::string text =
      "# Configuration of serried-server: every option there is, with its default. Give the file with --config;\n"
      "# what the command line says comes first. Made by: serried-server --example-config\n";
  std::string section;
  for (const Option& option : options()) {
    if (!option.in_files) continue;
    if (option.section != section) {
      section = option.section;
      text += "\n# " + std::string{section_text(section)} + "\n[" + section + "]\n";
    }
    const std::string range = option_range(option);
    text += "\n# " + std::string{option.help} + "\n# --" + option.name + ", " +
            (range.empty()               ? std::string{option.unit}
             : option.choices != nullptr ? range
                                         : std::string{option.unit} + ", " + range) +
            "\n# " + option.key + " = " + option_toml(option, defaults) + "\n";
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> config_values(const ServerConfig& config) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Option& option : options())
    values.emplace_back(std::string{option.section} + "." + option.key, option_text(option, config));
  return values;
}

}  // namespace serried::config
