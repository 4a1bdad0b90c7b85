#pragma once
/// A cgroup may let a process use every CPU and yet give it the time of a few (docker --cpus, CPUQuota=). Lanes that
/// poll use all the time that there is, and the kernel then stops all of them for the rest of each period.

#include <optional>
#include <string>
#include <vector>

#include "machine/cgroup.h"
#include "server/placement.h"

namespace serried::server {

/// How many cores a quota is enough for: its whole CPUs, at least one.
[[nodiscard]] unsigned cores_within(double quota_cpus) noexcept;

/// A sentence for the log where the quota is less than the cores that lanes poll on; empty: it is enough.
[[nodiscard]] std::string quota_warning(const std::optional<machine::CpuQuota>& quota, unsigned lane_cores,
                                        bool cores_named);

}  // namespace serried::server
