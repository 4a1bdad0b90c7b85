#pragma once
/// serried-server --check: whether a machine has what a configuration needs. A table of items, each a probe that looks
/// at files of the machine (machine/view.h) and says what it finds. Nothing is opened, nothing is changed.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/needs.h"

namespace serried::server {

enum class State : std::uint8_t {
  ok,
  missing,      ///< the server does not start without, or does not do what it is asked
  advised,      ///< it runs, and would run better
  not_needed,   ///< this configuration does not use it
  cannot_tell,  ///< it is needed, and the machine does not show it
};
[[nodiscard]] const char* state_name(State state) noexcept;

/// One step towards what is missing. scripts/tune takes, and takes back, all but the last two kinds.
struct Change {
  enum class Kind : std::uint8_t {
    value,    ///< write `what` into the kernel's file `where`; lost at the next boot
    line,     ///< file `where` has the line `what`; kept over boots
    module,   ///< load the module `what`
    driver,   ///< the PCI device `where` gets the kernel driver `what`
    boot,     ///< words `what` for the kernel command line; a person adds them
    command,  ///< a command for a person
  };
  Kind kind = Kind::command;
  std::string where, what;
};
[[nodiscard]] const char* kind_name(Change::Kind kind) noexcept;
/// As a person would do it.
[[nodiscard]] std::string command_of(const Change& change);

struct Finding {
  std::string item, group;
  std::string subject;  ///< the device, of items that are asked of each; else empty
  State state = State::ok;
  std::string text;  ///< what is, and why that is so or is not enough
  std::vector<Change> changes;
};

/// What a probe says, in the name of its item.
class Findings {
 public:
  Findings(const char* group, const char* item, std::vector<Finding>& all) : group_(group), item_(item), all_(all) {}
  void ok(std::string text) { add(State::ok, std::move(text), {}); }
  void missing(std::string text, std::vector<Change> changes) {
    add(State::missing, std::move(text), std::move(changes));
  }
  void advised(std::string text, std::vector<Change> changes) {
    add(State::advised, std::move(text), std::move(changes));
  }
  void not_needed(std::string text) { add(State::not_needed, std::move(text), {}); }
  void cannot_tell(std::string text) { add(State::cannot_tell, std::move(text), {}); }
  /// What follows is of this device.
  void of(std::string subject) { subject_ = std::move(subject); }

 private:
  void add(State state, std::string text, std::vector<Change> changes) {
    all_.push_back({item_, group_, subject_, state, std::move(text), std::move(changes)});
  }

  const char* group_;
  const char* item_;
  std::vector<Finding>& all_;
  std::string subject_;
};

/// Everything that a probe may look at.
struct Machine {
  const machine::View& view;
  /// Whether the kernel believes its clock to be right; none: it was not asked, as of a machine of files.
  std::optional<bool> clock_synchronised;
};

struct CheckItem {
  const char* group;
  const char* name;
  void (*probe)(const Needs& needs, const Machine& machine, Findings& findings);
};
/// In the order in which they are printed.
[[nodiscard]] std::vector<CheckItem> check_items();
/// Its parts, a file each.
[[nodiscard]] std::span<const CheckItem> system_items();
[[nodiscard]] std::span<const CheckItem> cpu_items();
[[nodiscard]] std::span<const CheckItem> memory_items();
[[nodiscard]] std::span<const CheckItem> device_items();

[[nodiscard]] std::vector<Finding> check_machine(const Needs& needs, const Machine& machine);
/// 0: nothing is missing. 1: something is, or cannot be told.
[[nodiscard]] int exit_code(std::span<const Finding> findings) noexcept;

/// For people: a table, then what the profile expects, then the sum. `colour`: for a terminal.
[[nodiscard]] std::string check_text(const Needs& needs, std::span<const Finding> findings, bool colour);
/// For programs; docs/running.md, The check, has its form.
[[nodiscard]] std::string check_json(const Needs& needs, std::span<const Finding> findings);

}  // namespace serried::server
