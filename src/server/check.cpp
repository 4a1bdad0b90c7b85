#include "server/check.h"

#include <algorithm>

namespace serried::server {
namespace {

constexpr std::string_view sysctl_folder = "/proc/sys/";

std::string quoted(const std::string& text) {
  return text.find_first_of(" \"#$") == std::string::npos ? text : "'" + text + "'";
}

/// "/proc/sys/net/core/rmem_max" as sysctl(8) calls it.
std::string sysctl_name(const std::string& file) {
  std::string name = file.substr(sysctl_folder.size());
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

}  // namespace

const char* state_name(State state) noexcept {
  switch (state) {
    case State::ok:
      return "ok";
    case State::missing:
      return "missing";
    case State::advised:
      return "advised";
    case State::not_needed:
      return "not needed";
    case State::cannot_tell:
      break;
  }
  return "cannot tell";
}

const char* kind_name(Change::Kind kind) noexcept {
  switch (kind) {
    case Change::Kind::value:
      return "value";
    case Change::Kind::line:
      return "line";
    case Change::Kind::module:
      return "module";
    case Change::Kind::driver:
      return "driver";
    case Change::Kind::boot:
      return "boot";
    case Change::Kind::command:
      break;
  }
  return "command";
}

std::string command_of(const Change& change) {
  switch (change.kind) {
    case Change::Kind::value:
      if (change.where.starts_with(sysctl_folder))
        return "sysctl -w " + quoted(sysctl_name(change.where) + "=" + change.what);
      return "echo " + quoted(change.what) + " >" + change.where;
    case Change::Kind::line:
      return "echo " + quoted(change.what) + " >>" + change.where;
    case Change::Kind::module:
      return "modprobe " + change.what;
    case Change::Kind::driver:
      return "dpdk-devbind.py --bind=" + change.what + " " + change.where;
    case Change::Kind::boot:
      return "kernel command line: " + change.what;
    case Change::Kind::command:
      break;
  }
  return change.what;
}

std::vector<CheckItem> check_items() {
  std::vector<CheckItem> all;
  for (const auto part : {system_items(), cpu_items(), memory_items(), device_items()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<Finding> check_machine(const Needs& needs, const Machine& machine) {
  std::vector<Finding> all;
  for (const CheckItem& item : check_items()) {
    Findings findings{item.group, item.name, all};
    item.probe(needs, machine, findings);
  }
  return all;
}

int exit_code(std::span<const Finding> findings) noexcept {
  const bool bad = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.state == State::missing || finding.state == State::cannot_tell;
  });
  return bad ? 1 : 0;
}

}  // namespace serried::server
