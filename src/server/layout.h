#pragma once
/// Everything about where a server's lanes run, in two steps, because EAL has to be told its cores before it can say
/// where its devices are. Pure functions of what was asked for and what the machine is.
///
///     machine_topology, usable CPUs, --port, --placement -->  lanes_before_eal  -->  CPUs for EAL, number of shards
///     EAL's lcores, nodes of its devices             -->  lay_out           -->  homes, placement, nodes of lanes
///
/// EAL is given the cores that lanes need and no more: its own threads, and ours, then have the others. With -l, -c or
/// --lcores on the command line it has those, and the first step decides nothing.

#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/engine_config.h"
#include "server/placement.h"
#include "server/topology.h"

namespace serried::server {

struct Layout {
  Placement placement;
  config::Homes homes;
  LaneNodes nodes;
};

/// What the steps have in common.
struct LayoutRequest {
  const config::ServerConfig* config = nullptr;
  std::vector<ToldLane> told{};     ///< --placement FILE; empty: auto
  std::vector<int> device_nodes{};  ///< of each --port
  unsigned machine_cpus = 0;        ///< all that the process may run on
  unsigned cores_max = 0;           ///< that its quota of CPU time is enough for, where we choose them; 0: no quota
};

/// The nodes of --port by their PCI addresses, or where a port is named by number by those that EAL is told to use
/// (-a), which it numbers in their order. any_node where that says nothing.
[[nodiscard]] std::vector<int> nodes_before_eal(std::span<const std::string> ports, std::span<const std::string> eal,
                                                const Topology& topology);

/// Where lanes would run on any of `cpus`.
/// Error: a file that names another one.
[[nodiscard]] Result<Placement> lanes_before_eal(const LayoutRequest& request, const Topology& topology,
                                                 std::span<const unsigned> cpus);

/// `shards` 0: by the number of cores.
/// Error: a file that names a CPU which is not among the cores.
[[nodiscard]] Result<Layout> lay_out(const LayoutRequest& request, const Topology& topology,
                                     const std::vector<Core>& cores, unsigned shards);

/// What is not as it could be, a sentence each: io lanes far from their device, devices whose place was not known when
/// cores were chosen (`before`; empty: they were not chosen).
[[nodiscard]] std::vector<std::string> layout_warnings(const LayoutRequest& request, const Layout& layout,
                                                       std::span<const int> before);

}  // namespace serried::server
