#include "server/needs.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

#include "config/engine_config.h"
#include "machine/cgroup.h"
#include "server/placement.h"

namespace serried::server {
namespace {

constexpr unsigned mellanox = 0x15b3;

Reach reach_of(const DeviceNeed& device, const std::optional<config::Profile>& profile) {
  if (!device.eal.pci)
    return device.driver == "net_af_xdp" || device.driver == "net_af_packet" || !device.interface.empty() ? Reach::interface : Reach::memory;
  if (profile && !profile->binding.empty() && profile->binding != "vfio-pci") return Reach::shared;
  if (!profile && device.pci && device.pci->vendor == mellanox) return Reach::shared;
  return Reach::vfio;
}

/// An interface that the device stands on. Of net_tap and net_vhost "iface" is what they make.
std::string interface_of(const DeviceNeed& device) {
  if (device.driver == "net_tap" || device.driver == "net_vhost") return {};
  for (const char* const key : {"iface", "rx_iface"})
    if (auto name = device.eal.argument(key)) return *name;
  return {};
}

DeviceNeed need_of(const config::EalDevice& eal, const std::optional<config::Profile>& profile,
                   const machine::View& view) {
  DeviceNeed device;
  device.eal = eal;
  if (eal.pci) {
    device.eal.name = machine::full_pci_address(eal.name);
    device.pci = machine::pci_device(view, device.eal.name);
    if (profile) device.driver = profile->driver;
  } else {
    device.driver = eal.driver();
    device.interface = interface_of(device);
  }
  device.reach = reach_of(device, profile);
  return device;
}

/// Where the kernel does not say which are threads of one core, each is one.
unsigned physical_cores(const machine::View& view, const std::vector<unsigned>& cpus) {
  std::set<std::string> cores;
  for (const unsigned cpu : cpus) {
    const std::string number = std::to_string(cpu);
    cores.insert(view.text("/sys/devices/system/cpu/cpu" + number + "/topology/thread_siblings_list").value_or(number));
  }
  return static_cast<unsigned>(cores.size());
}

/// Of each --port, by its PCI address.
std::vector<int> device_nodes(const Needs& needs) {
  std::vector<int> nodes;
  for (const std::string& port : needs.config.ports) {
    const auto device = std::find_if(needs.devices.begin(), needs.devices.end(), [&](const DeviceNeed& one) {
      return one.pci && one.eal.name == machine::full_pci_address(port);
    });
    nodes.push_back(device == needs.devices.end() ? base::any_node : device->pci->node);
  }
  return nodes;
}

}  // namespace

bool Needs::any(Reach reach) const noexcept {
  return std::any_of(devices.begin(), devices.end(), [&](const DeviceNeed& device) { return device.reach == reach; });
}

bool Needs::any_driver(std::string_view driver) const noexcept {
  return std::any_of(devices.begin(), devices.end(), [&](const DeviceNeed& device) { return device.driver == driver; });
}

std::uint64_t memory_needed(const config::ServerConfig& config, unsigned shards, std::uint64_t page_bytes,
                            const config::Homes& homes) {
  const auto bytes = config::port_memory_bytes(config, shards, page_bytes, homes);
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{config::eal_memory_bytes});
}

std::vector<unsigned> usable_cpus(const machine::View& view) {
  std::vector<unsigned> all = machine::cpuset_cpus(view);
  if (all.empty()) all = machine::parse_cpu_list(view.text("/sys/devices/system/cpu/online").value_or(""));
  const std::vector<unsigned> isolated = machine::isolated_cpus(view);
  const std::vector<unsigned> allowed =
      machine::parse_cpu_list(view.field("/proc/self/status", "Cpus_allowed_list").value_or(""));
  // The mask that init gives its children leaves out what isolcpus= isolates; a cpuset does not.
  std::vector<unsigned> left;
  std::set_difference(all.begin(), all.end(), isolated.begin(), isolated.end(), std::back_inserter(left));
  return !allowed.empty() && left == allowed ? all : allowed;
}

Needs needs_of(const config::Reading& reading, std::vector<std::string> arguments, const machine::View& view) {
  Needs needs;
  needs.config = reading.config;
  needs.profile = reading.profile;
  needs.arguments = std::move(arguments);
  needs.eal = config::read_eal(needs.arguments);
  needs.cpus = usable_cpus(view);
  const unsigned cores = std::max(physical_cores(view, needs.cpus), 1U);
  needs.shards = reading.config.shards != 0 ? reading.config.shards : automatic_shards(cores, reading.config.io_lanes);
  needs.lane_cores = reading.config.io_lanes + needs.shards;
  config::check_config(reading.config, needs.faults);
  if (needs.sockets()) return needs;
  for (const config::EalDevice& device : needs.eal.devices)
    needs.devices.push_back(need_of(device, reading.profile, view));
  needs.hugepages = reading.profile ? reading.profile->hugepages : config::Pages::unsaid;
  needs.homes = config::home_devices(reading.config, device_nodes(needs));
  if (needs.eal.huge) needs.huge_bytes = memory_needed(reading.config, needs.shards, huge_page_bytes, needs.homes);
  return needs;
}

}  // namespace serried::server
