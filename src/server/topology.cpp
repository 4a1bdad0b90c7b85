#include "server/topology.h"

#include <algorithm>
#include <memory>

#include <hwloc.h>

namespace serried::server {
namespace {

/// Which of its core's hardware threads a CPU is.
unsigned sibling_rank(hwloc_topology_t topology, hwloc_obj_t cpu) {
  const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, cpu);
  if (core == nullptr || core->cpuset == nullptr) return 0;
  unsigned rank = 0;
  int other = hwloc_bitmap_first(core->cpuset);
  for (; other >= 0 && static_cast<unsigned>(other) != cpu->os_index; other = hwloc_bitmap_next(core->cpuset, other))
    ++rank;
  return rank;
}

}  // namespace

std::vector<CpuPlace> machine_topology() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return {};
  const std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)> guard{topology, hwloc_topology_destroy};
  if (hwloc_topology_load(topology) != 0) return {};

  std::vector<CpuPlace> places;
  const int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
  for (int i = 0; i < count; ++i) {
    const hwloc_obj_t cpu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, static_cast<unsigned>(i));
    const int node = cpu->nodeset == nullptr ? -1 : hwloc_bitmap_first(cpu->nodeset);
    places.push_back({cpu->os_index, static_cast<unsigned>(std::max(node, 0)), sibling_rank(topology, cpu)});
  }
  std::sort(places.begin(), places.end(), [](const CpuPlace& a, const CpuPlace& b) { return a.cpu < b.cpu; });
  return places;
}

CpuPlace place_of(const std::vector<CpuPlace>& topology, unsigned cpu) noexcept {
  const auto found =
      std::find_if(topology.begin(), topology.end(), [cpu](const CpuPlace& place) { return place.cpu == cpu; });
  return found == topology.end() ? CpuPlace{cpu, 0, 0} : *found;
}

}  // namespace serried::server
