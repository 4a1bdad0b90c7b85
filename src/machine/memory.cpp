#include "machine/memory.h"

#include <algorithm>
#include <charconv>

namespace serried::machine {
namespace {

constexpr std::uint64_t kib = 1024;

/// The number with which `text` begins, times 1024 for each step of its unit: "2048kB", "1G", "2M".
std::uint64_t size_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return 0;
  const char unit = stop == text.data() + text.size() ? ' ' : *stop;
  if (unit == 'k' || unit == 'K') return value * kib;
  if (unit == 'M') return value * kib * kib;
  if (unit == 'G') return value * kib * kib * kib;
  return value;
}

std::vector<HugePages> pages_below(const View& view, const std::string& folder) {
  constexpr std::string_view prefix = "hugepages-";
  std::vector<HugePages> found;
  for (const std::string& name : view.names(folder)) {
    if (!name.starts_with(prefix)) continue;
    const std::string own = std::string(folder).append("/").append(name);
    found.push_back({size_of(std::string_view{name}.substr(prefix.size())),
                     view.number(own + "/nr_hugepages").value_or(0), view.number(own + "/free_hugepages").value_or(0),
                     own});
  }
  std::sort(found.begin(), found.end(),
            [](const HugePages& a, const HugePages& b) { return a.page_bytes < b.page_bytes; });
  return found;
}

/// "Node 0 MemTotal:  1024 kB", or "MemTotal:  1024 kB".
std::uint64_t memory_in(const View& view, const std::string& file) {
  for (const std::string& line : view.lines(file)) {
    const auto parts = words(line);
    const auto key = std::find(parts.begin(), parts.end(), "MemTotal:");
    if (key != parts.end() && key + 1 != parts.end()) return size_of(*(key + 1) + "k");
  }
  return 0;
}

}  // namespace

std::vector<Node> nodes(const View& view) {
  const std::string folder = "/sys/devices/system/node";
  std::vector<Node> found;
  for (const std::string& name : view.names(folder)) {
    unsigned number = 0;
    const char* const end = name.data() + name.size();
    if (!name.starts_with("node") || std::from_chars(name.data() + 4, end, number).ptr != end) continue;
    const std::string own = std::string(folder).append("/").append(name);
    Node node{number, parse_cpu_list(view.text(own + "/cpulist").value_or("")), pages_below(view, own + "/hugepages"),
              memory_in(view, own + "/meminfo")};
    if (node.memory_bytes > 0 || !node.pages.empty()) found.push_back(std::move(node));
  }
  if (found.empty())
    found.push_back({0, parse_cpu_list(view.text("/sys/devices/system/cpu/online").value_or("")),
                     pages_below(view, "/sys/kernel/mm/hugepages"), memory_in(view, "/proc/meminfo")});
  return found;
}

std::uint64_t free_bytes(const Node& node) noexcept {
  std::uint64_t bytes = 0;
  for (const HugePages& pages : node.pages) bytes += pages.free * pages.page_bytes;
  return bytes;
}

unsigned leftover_pages(const View& view, const std::string& file_prefix) {
  unsigned pages = 0;
  for (const HugeMount& mount : huge_mounts(view))
    for (const std::string& name : view.names(mount.folder))
      if (name.starts_with(file_prefix + "map_")) ++pages;
  return pages;
}

std::vector<HugeMount> huge_mounts(const View& view) {
  constexpr std::string_view key = "pagesize=";
  std::vector<HugeMount> found;
  for (const std::string& line : view.lines("/proc/self/mounts")) {
    const auto parts = words(line);
    if (parts.size() < 4 || parts[2] != "hugetlbfs") continue;
    const std::size_t at = parts[3].find(key);
    found.push_back(
        {parts[1], at == std::string::npos ? 0 : size_of(std::string_view{parts[3]}.substr(at + key.size()))});
  }
  return found;
}

}  // namespace serried::machine
