#pragma once
/// What the cgroup of this process lets it have of the CPUs: which ones, and how much of their time. Both versions of
/// cgroups, mounted as the distribution or the container has them.
/// Source  cgroups(7), cpuset(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of Linux

#include <optional>
#include <string>
#include <vector>

#include "machine/view.h"

namespace serried::machine {

/// The CPUs of its cpuset (cpuset.cpus.effective). Unlike the affinity mask it holds those that isolcpus= keeps from
/// the scheduler. Empty: no cgroup says.
[[nodiscard]] std::vector<unsigned> cpuset_cpus(const View& view);

struct CpuQuota {
  double cpus = 0;   ///< CPU time it may use, in CPUs: 1.5 are 150 ms in 100 ms
  std::string file;  ///< that says so
};
/// The least of its own cgroup and all above it that can be seen; none: no limit.
[[nodiscard]] std::optional<CpuQuota> cpu_quota(const View& view);

/// CPUs that isolcpus= or an isolated partition keeps from the scheduler: threads come there by affinity alone.
[[nodiscard]] std::vector<unsigned> isolated_cpus(const View& view);

}  // namespace serried::machine
