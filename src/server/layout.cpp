#include "server/layout.h"

#include <algorithm>
#include <charconv>

#include "config/eal.h"
#include "machine/device.h"

namespace serried::server {
namespace {

int node_of(const Topology& topology, const std::string& address) {
  const auto found = std::find_if(topology.nics.begin(), topology.nics.end(), [&](const PciPlace& nic) {
    return nic.address == machine::full_pci_address(address);
  });
  return found == topology.nics.end() ? any_node : found->node;
}

PlaceRequest place_request(const LayoutRequest& request, const config::Homes& homes, std::vector<Core> cores,
                           unsigned shards) {
  PlaceRequest place;
  place.cores = std::move(cores);
  place.io_lanes = request.config->io_lanes;
  place.shards = shards;
  place.machine_cpus = request.machine_cpus;
  for (const std::vector<unsigned>& home : homes)
    place.homes.push_back(home.front() < request.device_nodes.size() ? request.device_nodes[home.front()] : any_node);
  return place;
}

Result<Placement> place_by(const LayoutRequest& request, const PlaceRequest& place, const Topology& topology) {
  if (request.told.empty()) return server::place(place);
  auto placement = place_as_told(place, request.told, topology.cpus);
  if (!placement) return placement.error().within("--placement " + request.config->placement);
  return placement;
}

}  // namespace

std::vector<int> nodes_before_eal(std::span<const std::string> ports, std::span<const std::string> eal,
                                  const Topology& topology) {
  std::vector<std::string> allowed;
  for (const config::EalDevice& device : config::read_eal(eal).devices)
    if (device.pci) allowed.push_back(machine::full_pci_address(device.name));
  std::sort(allowed.begin(), allowed.end());
  std::vector<int> nodes;
  for (const std::string& port : ports) {
    unsigned id = 0;
    const auto [at, fault] = std::from_chars(port.data(), port.data() + port.size(), id);
    const bool number = fault == std::errc{} && at == port.data() + port.size();
    nodes.push_back(!number               ? node_of(topology, port)
                    : id < allowed.size() ? node_of(topology, allowed[id])
                                          : any_node);
  }
  return nodes;
}

Result<Placement> lanes_before_eal(const LayoutRequest& request, const Topology& topology,
                                   std::span<const unsigned> cpus) {
  std::vector<Core> cores;
  for (const unsigned cpu : cpus) cores.push_back({cpu, place_of(topology.cpus, cpu), false});
  const config::Homes homes = config::home_devices(*request.config, request.device_nodes);
  PlaceRequest place = place_request(request, homes, std::move(cores), request.config->shards);
  place.cores_max = request.cores_max;
  return place_by(request, place, topology);
}

Result<Layout> lay_out(const LayoutRequest& request, const Topology& topology, const std::vector<Core>& cores,
                       unsigned shards) {
  Layout layout;
  layout.homes = config::home_devices(*request.config, request.device_nodes);
  auto placement = place_by(request, place_request(request, layout.homes, cores, shards), topology);
  if (!placement) return placement.error();
  layout.placement = std::move(placement).value();
  layout.nodes = lane_nodes(layout.placement, request.config->io_lanes, topology.cpus);
  return layout;
}

std::vector<std::string> layout_warnings(const LayoutRequest& request, const Layout& layout,
                                         std::span<const int> before) {
  std::vector<std::string> warnings;
  if (!layout.nodes.several) return warnings;
  const std::vector<std::string>& ports = request.config->ports;
  for (std::size_t i = 0; i < std::min(before.size(), request.device_nodes.size()); ++i)
    if (before[i] != request.device_nodes[i] && request.device_nodes[i] != any_node)
      warnings.push_back("port " + ports[i] + " is on NUMA node " + std::to_string(request.device_nodes[i]) +
                         ", which was not known when cores were chosen; name it by its PCI address, or choose cores "
                         "with -l");
  for (unsigned lane = 0; lane < layout.homes.size(); ++lane) {
    const unsigned home = layout.homes[lane].front();
    const int node = home < request.device_nodes.size() ? request.device_nodes[home] : any_node;
    if (node == any_node || layout.nodes.io[lane] == node) continue;
    warnings.push_back(lane_name({LaneKind::io, lane}) + " runs on NUMA node " + std::to_string(layout.nodes.io[lane]) +
                       ", and its port " + ports[home] + " is on node " + std::to_string(node) +
                       "; give EAL cores of that node with -l");
  }
  return warnings;
}

}  // namespace serried::server
