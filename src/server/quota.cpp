#include "server/quota.h"

#include <algorithm>

#include "base/text.h"

namespace serried::server {

unsigned cores_within(double quota_cpus) noexcept {
  constexpr double most = 1U << 16;
  return std::max(static_cast<unsigned>(std::min(quota_cpus, most)), 1U);
}

std::string quota_warning(const std::optional<machine::CpuQuota>& quota, unsigned lane_cores, bool cores_named) {
  if (!quota || quota->cpus >= lane_cores) return {};
  return "the CPU time of this cgroup is that of " + base::formatted("%.3g", quota->cpus) + " CPUs (" + quota->file +
         "), and lanes poll on " + std::to_string(lane_cores) +
         (cores_named ? ": the kernel stops them again and again; name fewer cores" : "") +
         "; give it CPUs instead (AllowedCPUs=, docker --cpuset-cpus) and no quota";
}

}  // namespace serried::server
