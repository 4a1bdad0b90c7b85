#include "machine/cgroup.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace serried::machine {
namespace {

struct Mount {
  std::string folder;
  bool unified = false;                  ///< version 2
  std::vector<std::string> controllers;  ///< of version 1
};

bool holds(const std::vector<std::string>& texts, std::string_view wanted) {
  return std::find(texts.begin(), texts.end(), wanted) != texts.end();
}

std::vector<Mount> mounts(const View& view) {
  std::vector<Mount> found;
  for (const std::string& line : view.lines("/proc/self/mounts")) {
    const auto parts = words(line);
    if (parts.size() < 4 || !parts[2].starts_with("cgroup")) continue;
    found.push_back({parts[1], parts[2] == "cgroup2", base::split(parts[3], ',')});
  }
  return found;
}

/// Where this process is in the hierarchy of `controller`, or in the unified one. Below the root of its namespace.
std::string own_path(const View& view, const Mount& mount, std::string_view controller) {
  for (const std::string& line : view.lines("/proc/self/cgroup")) {
    const auto parts = base::split(line, ':');
    if (parts.size() < 3) continue;
    if (mount.unified ? parts[1].empty() : holds(base::split(parts[1], ','), controller)) return parts[2];
  }
  return "/";
}

/// The cgroups of this process that say something of `controller`: its own first, then those above it. A container may
/// see its own as the root, under a path that names another's folder: then that root is all there is.
std::vector<std::string> own_folders(const View& view, std::string_view controller) {
  std::vector<std::string> folders;
  for (const Mount& mount : mounts(view)) {
    if (!mount.unified && !holds(mount.controllers, controller)) continue;
    std::string path = own_path(view, mount, controller);
    if (!view.exists(mount.folder + path)) path = "/";
    while (path.size() > 1) {
      folders.push_back(mount.folder + path);
      path.erase(path.rfind('/'));
    }
    folders.push_back(mount.folder);
  }
  return folders;
}

double ratio(double quota, double period) { return period > 0 ? quota / period : 0; }

std::optional<double> quota_of(const View& view, const std::string& folder, std::string& file) {
  // Version 2: "max 100000" or "150000 100000". Version 1: -1 is no limit, which is no number here.
  file = folder + "/cpu.max";
  if (const auto both = view.text(file)) {
    const auto parts = words(*both);
    double quota = 0, period = 0;
    if (parts.size() < 2 || parts[0] == "max") return {};
    std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), quota);
    std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), period);
    return ratio(quota, period);
  }
  file = folder + "/cpu.cfs_quota_us";
  const auto quota = view.number(file), period = view.number(folder + "/cpu.cfs_period_us");
  if (!quota || !period) return {};
  return ratio(static_cast<double>(*quota), static_cast<double>(*period));
}

}  // namespace

std::vector<unsigned> cpuset_cpus(const View& view) {
  for (const std::string& folder : own_folders(view, "cpuset"))
    for (const char* const name : {"/cpuset.cpus.effective", "/cpuset.effective_cpus"})
      if (const auto text = view.text(folder + name); text && !text->empty()) return parse_cpu_list(*text);
  return {};
}

std::optional<CpuQuota> cpu_quota(const View& view) {
  std::optional<CpuQuota> least;
  for (const std::string& folder : own_folders(view, "cpu")) {
    std::string file;
    const auto cpus = quota_of(view, folder, file);
    if (cpus && *cpus > 0 && (!least || *cpus < least->cpus)) least = CpuQuota{*cpus, file};
  }
  return least;
}

std::vector<unsigned> isolated_cpus(const View& view) {
  return parse_cpu_list(view.text("/sys/devices/system/cpu/isolated").value_or(""));
}

}  // namespace serried::machine
