#pragma once
/// NICs as the kernel shows them: PCI devices, with the driver that has them and what they are plugged into, and
/// interfaces of the kernel.

#include <optional>
#include <string>
#include <vector>

#include "machine/view.h"

namespace serried::machine {

struct PciDevice {
  std::string address;  ///< "0000:18:00.0"
  unsigned vendor = 0, device = 0;
  unsigned kind = 0;                    ///< PCI class without the programming interface: 0x0200 is Ethernet
  std::string driver;                   ///< of the kernel; empty: none
  int node = -1;                        ///< NUMA node; -1: the firmware does not say
  std::string iommu_group;              ///< its number; empty: no IOMMU
  std::vector<std::string> interfaces;  ///< of the kernel, while one of its network drivers has the device
  std::string speed, speed_max;         ///< of the PCIe link: "8.0 GT/s PCIe"; empty: not said
  unsigned width = 0, width_max = 0;    ///< lanes of it; 0: not said
};

/// "18:00.0" too, as EAL takes it; the text as it is where it is no PCI address.
[[nodiscard]] std::string full_pci_address(const std::string& text);
[[nodiscard]] std::optional<PciDevice> pci_device(const View& view, const std::string& address);
/// All Ethernet controllers.
[[nodiscard]] std::vector<PciDevice> ethernet_devices(const View& view);
/// Other devices of the same IOMMU group that a driver has which VFIO cannot share it with.
[[nodiscard]] std::vector<PciDevice> group_neighbours(const View& view, const PciDevice& device);

struct Interface {
  std::string name;
  bool up = false;  ///< as its operstate says; unknown counts, as loopback has it
  std::uint64_t mtu = 0;
  unsigned rx_queues = 0;
  bool routed = false;  ///< the machine's own traffic goes by it: a route or an IPv6 address of the world names it
};
/// None: there is no such interface, in this network namespace.
[[nodiscard]] std::optional<Interface> interface(const View& view, const std::string& name);

}  // namespace serried::machine
