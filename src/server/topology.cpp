#include "server/topology.h"

#include <algorithm>
#include <memory>
#include <set>

#include <hwloc.h>

#include "base/text.h"
#include "machine/cgroup.h"
#include "port/cpus.h"

namespace serried::server {
namespace {

CpuPlace place_in(hwloc_topology_t topology, hwloc_obj_t cpu) {
  CpuPlace place{cpu->os_index, 0, 0, cpu->os_index, false};
  if (const int node = cpu->nodeset == nullptr ? -1 : hwloc_bitmap_first(cpu->nodeset); node > 0)
    place.node = static_cast<unsigned>(node);
  // Memory of other kinds (HBM, CXL) may stand beside a CPU as a node of its own; the first one is plain memory.
  if (const hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, cpu); package != nullptr)
    place.package = package->logical_index;
  if (const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, cpu);
      core != nullptr && core->cpuset != nullptr)
    if (const int first = hwloc_bitmap_first(core->cpuset); first >= 0) place.core = static_cast<unsigned>(first);
  return place;
}

/// On the node of the CPUs that are nearest to it, where they have all the same.
PciPlace place_of_nic(hwloc_topology_t topology, hwloc_obj_t nic, std::span<const CpuPlace> cpus) {
  const auto& pci = nic->attr->pcidev;
  const std::string address = base::formatted("%04x:%02x:%02x.%x", unsigned{pci.domain}, unsigned{pci.bus},
                                              unsigned{pci.dev}, unsigned{pci.func});
  std::set<unsigned> nodes;
  if (const hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(topology, nic); near != nullptr && near->cpuset != nullptr)
    for (const CpuPlace& place : cpus)
      if (hwloc_bitmap_isset(near->cpuset, place.cpu) != 0) nodes.insert(place.node);
  return {address, nodes.size() == 1 ? static_cast<int>(*nodes.begin()) : base::any_node};
}

bool is_nic(hwloc_obj_t device) { return device->attr->pcidev.class_id >> 8 == 0x02; }

}  // namespace

Topology read_topology(hwloc_topology* topology) {
  Topology found;
  const int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
  for (int i = 0; i < count; ++i)
    found.cpus.push_back(place_in(topology, hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, static_cast<unsigned>(i))));
  std::sort(found.cpus.begin(), found.cpus.end(), [](const CpuPlace& a, const CpuPlace& b) { return a.cpu < b.cpu; });
  for (hwloc_obj_t device = nullptr; (device = hwloc_get_next_pcidev(topology, device)) != nullptr;)
    if (is_nic(device)) found.nics.push_back(place_of_nic(topology, device, found.cpus));
  return found;
}

Topology machine_topology() {
  // hwloc would ask again without end.
  if (port::allowed_cpus().empty()) return {};
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return {};
  const std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)> guard{topology, hwloc_topology_destroy};
  hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  if (hwloc_topology_load(topology) != 0) return {};
  Topology found = read_topology(topology);
  const std::vector<unsigned> isolated = machine::isolated_cpus(machine::View{});
  for (CpuPlace& place : found.cpus)
    place.isolated = std::find(isolated.begin(), isolated.end(), place.cpu) != isolated.end();
  return found;
}

CpuPlace place_of(std::span<const CpuPlace> topology, unsigned cpu) noexcept {
  const auto found =
      std::find_if(topology.begin(), topology.end(), [cpu](const CpuPlace& place) { return place.cpu == cpu; });
  return found == topology.end() ? CpuPlace{cpu, 0, 0, cpu, false} : *found;
}

unsigned node_count(std::span<const CpuPlace> topology) {
  std::set<unsigned> nodes;
  for (const CpuPlace& place : topology) nodes.insert(place.node);
  return std::max(static_cast<unsigned>(nodes.size()), 1U);
}

}  // namespace serried::server
