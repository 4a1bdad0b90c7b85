#pragma once
/// What the machine looks like, by hwloc: NUMA nodes and hardware threads of CPUs.

#include <vector>

namespace serried::server {

struct CpuPlace {
  unsigned cpu = 0;      ///< the operating system's number
  unsigned node = 0;     ///< NUMA node, the operating system's number
  unsigned sibling = 0;  ///< which hardware thread of its physical core, from 0
};

/// All CPUs of the machine, in the order of their numbers. Where hwloc cannot tell, one node without siblings and no
/// CPU: a caller then takes zeros for what it does not find.
[[nodiscard]] std::vector<CpuPlace> machine_topology();

/// The row of `cpu`, or one with zeros.
[[nodiscard]] CpuPlace place_of(const std::vector<CpuPlace>& topology, unsigned cpu) noexcept;

}  // namespace serried::server
