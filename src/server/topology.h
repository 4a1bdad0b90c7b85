#pragma once
/// What the machine looks like, by hwloc: NUMA nodes, packages, hardware threads of cores, and NICs.

#include <span>
#include <string>
#include <vector>

#include "base/numa.h"

struct hwloc_topology;

namespace serried::server {

/// All numbers but the package's are the operating system's.
struct CpuPlace {
  unsigned cpu = 0;
  unsigned node = 0;      ///< NUMA node
  unsigned package = 0;   ///< socket, from 0 on: its nodes are nearer to one another than to others
  unsigned core = 0;      ///< physical core: the lowest CPU of its hardware threads
  bool isolated = false;  ///< the kernel keeps it free for those who ask for it (isolcpus)
  [[nodiscard]] bool operator==(const CpuPlace&) const = default;
};

/// A NIC on PCI.
struct PciPlace {
  std::string address;        ///< "0000:41:00.0"
  int node = base::any_node;  ///< any_node: as near to one as to another, or not known
  [[nodiscard]] bool operator==(const PciPlace&) const = default;
};

struct Topology {
  std::vector<CpuPlace> cpus;  ///< in the order of their numbers
  std::vector<PciPlace> nics;
};

/// Of a topology that is loaded; without what is isolated.
[[nodiscard]] Topology read_topology(hwloc_topology* topology);

/// Of this machine, as far as this process may use it. Where hwloc cannot tell, nothing: place_of knows what to say.
[[nodiscard]] Topology machine_topology();

/// The row of `cpu`; without one, a core of its own on node 0.
[[nodiscard]] CpuPlace place_of(std::span<const CpuPlace> topology, unsigned cpu) noexcept;

/// How many NUMA nodes have CPUs; at least 1.
[[nodiscard]] unsigned node_count(std::span<const CpuPlace> topology);

}  // namespace serried::server
