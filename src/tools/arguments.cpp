#include "tools/arguments.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <utility>

#include <CLI/CLI.hpp>

#include "crypt/field_text.h"

namespace serried::tools {
namespace {

constexpr std::string_view table_option = "--help-markdown";

// One line an option that has been called something else: {"serried-program", "old-name", "name"}.
constexpr std::array<RenamedOption, 0> renamed_before{};

/// Text of a cell: a bar would end it.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

/// What CLI11 appends to the type for one check: "FLOAT in [0.1 - 1000]", "{socket,ethdev}", "NONNEGATIVE".
std::string range_of(const std::string& check) {
  if (check == "NONNEGATIVE") return "0 or more";
  const std::size_t open = check.find('['), dash = check.find(" - "), close = check.find(']');
  if (open == std::string::npos || dash == std::string::npos || close == std::string::npos) return {};
  return check.substr(open + 1, dash - open - 1) + " to " + check.substr(dash + 3, close - dash - 3);
}

std::string unit_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t colon = type.find(':');
  const std::string unit = type.substr(0, colon), check = colon == std::string::npos ? "" : type.substr(colon + 1);
  if (check.size() > 2 && check.front() == '{') {
    std::string choices = "`";
    for (const char c : check.substr(1, check.size() - 2))
      if (c == ',')
        choices += "`, `";
      else
        choices += c;
    return choices + "`";
  }
  const std::string range = range_of(check);
  return unit + (unit.empty() || range.empty() ? "" : ", ") + range;
}

/// `way` is to the subcommand: "ban add ".
void add_rows(const CLI::App& app, const std::string& way, std::string& text) {
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_lnames().empty() || option == app.get_help_ptr()) continue;
    std::string names;
    for (const std::string& name : option->get_lnames()) {
      const bool first = names.empty();
      names.append(first ? "`" : ", `").append(first ? way : "").append("--").append(name).append("`");
    }
    const std::string unit = option->get_type_size() == 0 ? "" : unit_of(*option), value = option->get_default_str();
    text.append("| ").append(names).append(" | ").append(unit).append(unit.empty() ? "| " : " | ");
    text.append(value).append(value.empty() ? "| " : " | ").append(cell(option->get_description()));
    text.append(option->get_required() ? "; required" : "").append(" |\n");
  }
  for (const CLI::App* const subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
    add_rows(*subcommand, way + subcommand->get_name() + " ", text);
}

/// The present name of an option that `argument` calls by an old one.
std::string_view present_name(std::string_view program, const std::string& argument,
                              std::span<const RenamedOption> renamed) {
  if (!argument.starts_with("--")) return {};
  const std::string_view name = std::string_view{argument}.substr(2, argument.find('=') - 2);
  const auto found = std::find_if(renamed.begin(), renamed.end(), [&](const RenamedOption& entry) {
    return entry.program == program && entry.name == name;
  });
  return found == renamed.end() ? std::string_view{} : found->now;
}

std::string option_table(const CLI::App& app) {
  std::string text = "| option | unit | default | what |\n| --- | --- | --- | --- |\n";
  add_rows(app, "", text);
  return text;
}

}  // namespace

std::span<const RenamedOption> renamed_options() { return renamed_before; }

Argument& Argument::required() {
  option_->required();
  return *this;
}

Argument& Argument::unit(const std::string& text) {
  option_->type_name(text);
  return *this;
}

Argument& Argument::shown() {
  option_->capture_default_str();
  return *this;
}

Argument& Argument::range(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Argument& Argument::range(unsigned least, unsigned most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Argument& Argument::range(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Argument& Argument::non_negative() {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}

Argument& Argument::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

Arguments::Arguments(const std::string& program, const std::string& about)
    : owned_(std::make_unique<CLI::App>(about, program)), app_(owned_.get()) {}
Arguments::Arguments(CLI::App* command) : app_(command) {}
Arguments::~Arguments() = default;
Arguments::Arguments(Arguments&&) noexcept = default;
Arguments& Arguments::operator=(Arguments&&) noexcept = default;

template <class T>
Argument Arguments::add(const std::string& names, T& value, const std::string& help) {
  return Argument(app_->add_option(names, value, help));
}
template Argument Arguments::add(const std::string&, std::string&, const std::string&);
template Argument Arguments::add(const std::string&, double&, const std::string&);
template Argument Arguments::add(const std::string&, int&, const std::string&);
template Argument Arguments::add(const std::string&, unsigned&, const std::string&);
template Argument Arguments::add(const std::string&, std::uint16_t&, const std::string&);
template Argument Arguments::add(const std::string&, std::uint64_t&, const std::string&);
template Argument Arguments::add(const std::string&, std::vector<unsigned>&, const std::string&);

Argument Arguments::add_number(const std::string& names, std::uint64_t& value, const std::string& help,
                               std::uint64_t least, std::uint64_t most) {
  const auto read = [&value, names, least, most](const std::string& text) {
    const std::string wrong = crypt::take_number(text, least, most, value);
    if (!wrong.empty()) throw CLI::ValidationError(names + ": '" + text + "' " + wrong);
  };
  return Argument(app_->add_option_function<std::string>(names, read, help)->type_name("N"));
}

void Arguments::add_flag(const std::string& names, bool& value, const std::string& help) {
  app_->add_flag(names, value, help);
}

Arguments Arguments::add_command(const std::string& name, const std::string& help) {
  return Arguments(app_->add_subcommand(name, help));
}

void Arguments::require_command() { app_->require_subcommand(1); }
void Arguments::footer(const std::string& text) { app_->footer(text); }

std::optional<int> Arguments::parse(int argc, char** argv) {
  return parse(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

std::optional<int> Arguments::parse(std::vector<std::string> words, std::span<const RenamedOption> renamed) {
  if (std::find(words.begin(), words.end(), table_option) != words.end()) {
    std::cout << option_table(*app_);
    return 0;
  }
  bool old = false;
  for (const std::string& word : words)
    if (const std::string_view now = present_name(app_->get_name(), word, renamed); !now.empty()) {
      std::cerr << app_->get_name() << ": " << word.substr(0, word.find('=')) << " is now --" << now << '\n';
      old = true;
    }
  if (old) return exit_usage;
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app_->parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : exit_usage;
  }
  return {};
}

bool Arguments::given() const { return app_->parsed(); }

}  // namespace serried::tools
