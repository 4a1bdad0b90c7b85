#include "machine/process.h"

#include <algorithm>
#include <charconv>

namespace serried::machine {
namespace {

constexpr unsigned cap_dac_override = 1;

std::vector<unsigned> numbers(const std::string& text) {
  std::vector<unsigned> found;
  for (const std::string& word : words(text)) {
    unsigned value = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc{}) found.push_back(value);
  }
  return found;
}

}  // namespace

bool Rights::may_use(const Access& access) const noexcept {
  constexpr unsigned both = 6;  // read and write
  if (has(cap_dac_override)) return true;
  if (access.user == user) return (access.mode >> 6 & both) == both;
  if (std::find(groups.begin(), groups.end(), access.group) != groups.end()) return (access.mode >> 3 & both) == both;
  return (access.mode & both) == both;
}

std::optional<Rights> rights(const View& view) {
  constexpr const char* file = "/proc/self/status";
  const auto users = view.field(file, "Uid"), groups = view.field(file, "Gid"), more = view.field(file, "Groups");
  const auto capabilities = view.field(file, "CapEff");
  if (!users || !capabilities) return {};
  Rights rights;
  // Real, effective, saved, of the file system.
  if (const auto all = numbers(*users); all.size() > 1) rights.user = all[1];
  if (const auto all = numbers(groups.value_or("")); all.size() > 1) rights.groups.push_back(all[1]);
  for (const unsigned group : numbers(more.value_or(""))) rights.groups.push_back(group);
  std::from_chars(capabilities->data(), capabilities->data() + capabilities->size(), rights.capabilities, 16);
  return rights;
}

std::optional<std::uint64_t> limit(const View& view, std::string_view name) {
  for (const std::string& line : view.lines("/proc/self/limits")) {
    if (!line.starts_with(name)) continue;
    const auto parts = words(std::string_view{line}.substr(name.size()));
    if (parts.empty()) return {};
    if (parts[0] == "unlimited") return unlimited;
    std::uint64_t value = 0;
    if (std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), value).ec != std::errc{}) return {};
    return value;
  }
  return {};
}

bool is_running(const View& view, std::string_view name) {
  for (const std::string& process : view.names("/proc")) {
    if (process.empty() || process.find_first_not_of("0123456789") != std::string::npos) continue;
    if (view.text("/proc/" + process + "/comm").value_or("") == name) return true;
  }
  return false;
}

KernelVersion kernel_version(const View& view) {
  const std::string text = view.text("/proc/sys/kernel/osrelease").value_or("");
  KernelVersion version;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, version.major);
  if (error != std::errc{} || stop == end || *stop != '.') return version;
  std::from_chars(stop + 1, end, version.minor);
  return version;
}

}  // namespace serried::machine
