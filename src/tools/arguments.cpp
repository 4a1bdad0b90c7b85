#include "tools/arguments.h"

#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include "crypt/field_text.h"

namespace serried::tools {

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

std::optional<int> Arguments::parse(std::vector<std::string> words) {
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
