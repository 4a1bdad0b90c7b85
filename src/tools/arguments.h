#pragma once
/// The command line of the programs beside the server: options, flags and subcommands that fill variables. Help and
/// faults are CLI11's, which is compiled in arguments.cpp alone: it costs a file more time than all else in it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace serried::tools {

inline constexpr int exit_usage = 2;

/// What an option was called in an earlier version. The old name is refused, and the message says the present one.
struct RenamedOption {
  std::string_view program;  ///< serried-...
  std::string_view name;     ///< without the dashes
  std::string_view now;
};

[[nodiscard]] std::span<const RenamedOption> renamed_options();

/// An option that was declared, to say more about it.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}

  Argument& required();
  /// What help writes in the place of the value.
  Argument& unit(const std::string& text);
  /// Help names the variable's value from before the command line was read.
  Argument& shown();
  Argument& range(int least, int most);
  Argument& range(unsigned least, unsigned most);
  Argument& range(double least, double most);
  Argument& non_negative();
  Argument& one_of(const std::vector<std::string>& words);

 private:
  CLI::Option* option_;
};

/// What a program, or one of its subcommands, can be given. Variables outlive it; it fills them while parsing.
class Arguments {
 public:
  Arguments(const std::string& program, const std::string& about);
  ~Arguments();
  Arguments(Arguments&&) noexcept;
  Arguments& operator=(Arguments&&) noexcept;

  /// `names` as "--name", "-n,--name", or "name" for one that is given by its place. Of T there are: std::string,
  /// double, int, unsigned, std::uint16_t, std::uint64_t, std::vector<unsigned>.
  template <class T>
  Argument add(const std::string& names, T& value, const std::string& help);
  /// Decimal or 0x hexadecimal, from `least` to `most`; anything else is a usage error that says so.
  Argument add_number(const std::string& names, std::uint64_t& value, const std::string& help, std::uint64_t least,
                      std::uint64_t most);
  /// Sets `value`; with names as "--name,!--no-name" or "!--no-name" the latter clears it.
  void add_flag(const std::string& names, bool& value, const std::string& help);

  /// A subcommand, as long as this lives.
  [[nodiscard]] Arguments add_command(const std::string& name, const std::string& help);
  /// One of the subcommands must be given.
  void require_command();
  void footer(const std::string& text);

  /// Exit code when that was all: help was printed (0), or what is wrong (exit_usage). --help-markdown prints what
  /// docs/running.md shows: a Markdown table, one line an option.
  [[nodiscard]] std::optional<int> parse(int argc, char** argv);
  /// The same without a program's name in front.
  [[nodiscard]] std::optional<int> parse(std::vector<std::string> words,
                                         std::span<const RenamedOption> renamed = renamed_options());
  /// Whether this subcommand is the one that was given.
  [[nodiscard]] bool given() const;

 private:
  explicit Arguments(CLI::App* command);

  std::unique_ptr<CLI::App> owned_;  ///< none for a subcommand
  CLI::App* app_;
};

}  // namespace serried::tools
