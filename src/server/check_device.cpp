// Items of the NICs: that they are there, who has them, what they are plugged into.

#include <algorithm>
#include <array>

#include "machine/process.h"
#include "server/check.h"

namespace serried::server {
namespace {

using Kind = Change::Kind;
constexpr const char* dpdk_interfaces = "/etc/dpdk/interfaces";

/// Calls `look` for each device that is reached so, in its name; without any, `none` says why that is not needed.
template <class Look>
void each(const Needs& needs, Findings& findings, std::initializer_list<Reach> reaches, const char* none, Look look) {
  bool any = false;
  for (const DeviceNeed& device : needs.devices) {
    if (std::find(reaches.begin(), reaches.end(), device.reach) == reaches.end()) continue;
    any = true;
    findings.of(device.eal.name);
    look(device);
  }
  findings.of("");
  if (!any) findings.not_needed(none);
}

std::string interfaces_text(const machine::PciDevice& device) {
  std::string text;
  for (const std::string& name : device.interfaces) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// An interface of the device that the machine's own traffic goes by; empty: none.
std::string routed_interface(const machine::View& view, const machine::PciDevice& device) {
  for (const std::string& name : device.interfaces)
    if (const auto interface = machine::interface(view, name); interface && interface->routed) return name;
  return {};
}

std::string others_text(const machine::View& view) {
  std::string text;
  for (const machine::PciDevice& device : machine::ethernet_devices(view))
    text += (text.empty() ? "" : ", ") + device.address;
  return text.empty() ? "this machine has no NIC on PCI" : "NICs of this machine: " + text;
}

void probe_nic(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::vfio, Reach::shared}, "no PCI device is named", [&](const DeviceNeed& device) {
    if (device.pci) return findings.ok("is there");
    if (!machine.view.exists("/sys/bus/pci/devices")) return findings.cannot_tell("/sys/bus/pci is not there");
    findings.missing("is not there; " + others_text(machine.view),
                     {{Kind::command, "", "lspci -D | grep -i ethernet"}});
  });
}

void probe_binding(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::vfio, Reach::shared}, "no PCI device is named", [&](const DeviceNeed& device) {
    if (!device.pci) return;
    const machine::PciDevice& pci = *device.pci;
    const std::string now = pci.driver.empty() ? "no driver" : pci.driver;
    if (device.reach == Reach::shared) {
      const std::string wanted =
          needs.profile && !needs.profile->binding.empty() ? needs.profile->binding : "mlx5_core";
      if (pci.driver == wanted) return findings.ok("stays with " + wanted);
      return findings.missing("has " + now + " and must have its kernel driver " + wanted,
                              {{Kind::driver, pci.address, wanted}});
    }
    if (pci.driver == "vfio-pci" || pci.driver == "igb_uio" || pci.driver == "uio_pci_generic")
      return findings.ok(pci.driver);
    std::string text = "has " + now;
    if (!pci.interfaces.empty()) text += " (interface " + interfaces_text(pci) + ")";
    if (const std::string routed = routed_interface(machine.view, pci); !routed.empty())
      return findings.missing(
          text + ", and " + routed +
              " carries traffic of this machine: take another port, or move its routes and addresses first",
          {{Kind::command, "", "ip route show dev " + routed}});
    std::vector<Change> changes{{Kind::driver, pci.address, "vfio-pci"}};
    if (machine.view.exists(dpdk_interfaces))
      changes.push_back({Kind::line, dpdk_interfaces, "pci " + pci.address + " vfio-pci"});
    else
      changes.push_back(
          {Kind::command, "",
           "for good: apt-get install dpdk, and the line pci " + pci.address + " vfio-pci in " + dpdk_interfaces});
    findings.missing(text + " and must have vfio-pci", std::move(changes));
  });
}

void probe_vfio_module(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!needs.any(Reach::vfio)) return findings.not_needed("no device is reached through VFIO");
  if (machine.view.exists("/sys/bus/pci/drivers/vfio-pci")) return findings.ok("loaded");
  findings.missing("vfio-pci is not loaded",
                   {{Kind::module, "", "vfio-pci"}, {Kind::line, "/etc/modules-load.d/serried.conf", "vfio-pci"}});
}

std::string iommu_words(const machine::View& view) {
  const std::string vendor = view.field("/proc/cpuinfo", "vendor_id").value_or("");
  return vendor == "AuthenticAMD" ? "iommu=pt" : "intel_iommu=on iommu=pt";
}

void probe_iommu(const Needs& needs, const Machine& machine, Findings& findings) {
  const machine::View& view = machine.view;
  const bool unsafe = view.text("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode").value_or("N") == "Y";
  each(needs, findings, {Reach::vfio}, "no device is reached through VFIO", [&](const DeviceNeed& device) {
    if (!device.pci) return;
    if (device.pci->driver == "igb_uio" || device.pci->driver == "uio_pci_generic")
      return findings.not_needed(device.pci->driver + " does without");
    if (!device.pci->iommu_group.empty()) return findings.ok("group " + device.pci->iommu_group);
    if (unsafe) return findings.ok("none, and vfio's no-IOMMU mode is on: the device may write anywhere");
    const bool any = !view.names("/sys/class/iommu").empty() || !view.names("/sys/kernel/iommu_groups").empty();
    const Change firmware{Kind::command, "",
                          "switch the IOMMU (VT-d, AMD-Vi) on in the firmware; of a virtual machine give it one "
                          "(intel-iommu, virtio-iommu)"};
    if (any) return findings.missing("the machine has an IOMMU, and this device is behind none", {firmware});
    findings.missing("the kernel has no IOMMU", {{Kind::boot, "", iommu_words(view)}, firmware});
  });
}

void probe_group(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::vfio}, "no device is reached through VFIO", [&](const DeviceNeed& device) {
    if (!device.pci || device.pci->iommu_group.empty()) return;
    std::vector<Change> changes;
    std::string names;
    for (const machine::PciDevice& other : machine::group_neighbours(machine.view, *device.pci)) {
      names += (names.empty() ? "" : ", ") + other.address + " (" + other.driver + ")";
      if (routed_interface(machine.view, other).empty()) changes.push_back({Kind::driver, other.address, "vfio-pci"});
    }
    if (names.empty()) return findings.ok("no driver of the kernel is in it");
    changes.push_back({Kind::command, "", "or another slot: the group is what the board makes of it"});
    findings.missing(
        "group " + device.pci->iommu_group + " is shared with " + names + ", and VFIO gives a group away as a whole",
        std::move(changes));
  });
}

void probe_vfio_rights(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::vfio}, "no device is reached through VFIO", [&](const DeviceNeed& device) {
    if (!device.pci || device.pci->iommu_group.empty() || device.pci->driver != "vfio-pci")
      return findings.not_needed("until the device is bound there is no file to open");
    const auto rights = machine::rights(machine.view);
    if (!rights) return findings.cannot_tell("/proc/self/status is not there");
    const std::string file = "/dev/vfio/" + device.pci->iommu_group;
    const auto access = machine.view.access(file);
    const auto all = machine.view.access("/dev/vfio/vfio");
    if (!access || !all)
      return findings.missing(access ? "/dev/vfio/vfio is not there" : file + " is not there",
                              {{Kind::module, "", "vfio-pci"},
                               {Kind::command, "", "of a container: --device " + file + " --device /dev/vfio/vfio"}});
    if (rights->may_use(*access) && rights->may_use(*all)) return findings.ok(file);
    findings.missing(file + " may not be opened by user " + std::to_string(rights->user),
                     {{Kind::line, "/etc/udev/rules.d/60-serried-vfio.rules",
                       "SUBSYSTEM==\"vfio\", GROUP=\"serried\", MODE=\"0660\""},
                      {Kind::command, "",
                       "groupadd --system serried; usermod -aG serried USER; udevadm control --reload; udevadm trigger "
                       "--subsystem-match=vfio"}});
  });
}

void probe_rdma(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::shared}, "no device keeps its kernel driver", [&](const DeviceNeed& device) {
    if (!device.pci) return;
    if (!machine.view.names("/sys/bus/pci/devices/" + device.pci->address + "/infiniband").empty())
      return findings.ok("mlx5_ib has the device");
    findings.missing("the device has no verbs (mlx5_ib is not loaded)",
                     {{Kind::module, "", "mlx5_ib"},
                      {Kind::line, "/etc/modules-load.d/serried.conf", "mlx5_ib"},
                      {Kind::command, "", "apt-get install rdma-core"}});
  });
}

void probe_firmware(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!needs.profile || needs.profile->firmware.empty())
    return findings.not_needed("the profile names no file of firmware");
  const std::string& file = needs.profile->firmware;
  // The kernel's own order, and that of the driver of ice.
  const std::string updates = "/lib/firmware/updates" + file.substr(std::string_view{"/lib/firmware"}.size());
  for (const std::string& path : {updates, file})
    if (machine.view.exists(path)) return findings.ok(path);
  findings.missing(
      file + " is not there",
      {{Kind::command, "", "apt-get install " + needs.profile->firmware_package + " (component non-free-firmware)"}});
}

void probe_node(const Needs& needs, const Machine&, Findings& findings) {
  each(needs, findings, {Reach::vfio, Reach::shared}, "no PCI device is named", [&](const DeviceNeed& device) {
    if (!device.pci) return;
    const int node = device.pci->node;
    if (node < 0) return findings.not_needed("the firmware does not say on which NUMA node it is");
    findings.ok("NUMA node " + std::to_string(node));
  });
}

void probe_near_cpus(const Needs& needs, const Machine& machine, Findings& findings) {
  each(needs, findings, {Reach::vfio, Reach::shared}, "no PCI device is named", [&](const DeviceNeed& device) {
    if (!device.pci || device.pci->node < 0) return findings.not_needed("it is near all of them");
    const std::string near =
        machine.view.text("/sys/devices/system/node/node" + std::to_string(device.pci->node) + "/cpulist").value_or("");
    const auto cpus = machine::parse_cpu_list(near);
    const auto usable = std::count_if(cpus.begin(), cpus.end(), [&](unsigned cpu) {
      return std::find(needs.cpus.begin(), needs.cpus.end(), cpu) != needs.cpus.end();
    });
    if (usable > 0) return findings.ok(std::to_string(usable) + " usable CPUs on its node");
    findings.advised(
        "none of its node (" + near + ") may be used here: every frame crosses to another",
        {{Kind::command, "", "CPUs of that node: AllowedCPUs= of its unit, --lcores, docker --cpuset-cpus"}});
  });
}

void probe_pcie(const Needs& needs, const Machine&, Findings& findings) {
  each(needs, findings, {Reach::vfio, Reach::shared}, "no PCI device is named", [&](const DeviceNeed& device) {
    if (!device.pci) return;
    const machine::PciDevice& pci = *device.pci;
    if (pci.width == 0 || pci.speed.empty() || pci.speed.starts_with("Unknown"))
      return findings.not_needed("it has no PCIe link to be slow");
    const std::string now = "x" + std::to_string(pci.width) + " at " + pci.speed;
    if (pci.width >= pci.width_max && pci.speed == pci.speed_max) return findings.ok(now);
    findings.advised(
        now + "; it could x" + std::to_string(pci.width_max) + " at " + pci.speed_max,
        {{Kind::command, "", "a slot with all its lanes; a link that saves power goes up when it is used"}});
  });
}

void probe_interface(const Needs& needs, const Machine& machine, Findings& findings) {
  std::vector<std::pair<std::string, const DeviceNeed*>> all;
  for (const DeviceNeed& device : needs.devices) {
    if (device.reach == Reach::interface) all.emplace_back(device.interface, &device);
    if (device.reach == Reach::shared && device.pci)
      for (const std::string& name : device.pci->interfaces) all.emplace_back(name, &device);
  }
  if (all.empty()) return findings.not_needed("no interface of the kernel is used");
  for (const auto& [name, device] : all) {
    findings.of(name.empty() ? device->eal.name : name);
    const auto interface = machine::interface(machine.view, name);
    if (!interface && !machine.view.exists("/sys/class/net")) {
      findings.cannot_tell("/sys/class/net is not there");
    } else if (!interface) {
      std::string names;
      for (const std::string& other : machine.view.names("/sys/class/net"))
        names += (names.empty() ? "" : ", ") + other;
      findings.missing("is not there; there are " + names, {{Kind::command, "", "ip link show"}});
    } else if (!interface->up) {
      findings.missing("is down", {{Kind::command, "", "ip link set " + name + " up"}});
    } else if (interface->mtu < 1'280) {
      findings.missing("has an MTU of " + std::to_string(interface->mtu) + "; datagrams need 1280",
                       {{Kind::command, "", "ip link set " + name + " mtu 1500"}});
    } else if (device->driver == "net_af_packet" && interface->routed) {
      findings.advised("carries traffic of this machine: if it has the server's address, the kernel answers too",
                       {{Kind::command, "", "ip address flush dev " + name}});
    } else {
      findings.ok("is up, MTU " + std::to_string(interface->mtu));
    }
  }
}

void probe_queues(const Needs& needs, const Machine& machine, Findings& findings) {
  const std::string lanes = std::to_string(needs.config.io_lanes);
  if (needs.sockets()) return findings.not_needed("the kernel has the queues");
  if (needs.profile && needs.profile->queues != 0 && needs.config.io_lanes > needs.profile->queues)
    return findings.missing("this kind of device has " + std::to_string(needs.profile->queues) +
                                " queues at most, and there are " + lanes + " io lanes",
                            {{Kind::command, "", "--io-lanes " + std::to_string(needs.profile->queues)}});
  bool any = false;
  for (const DeviceNeed& device : needs.devices) {
    if (device.driver != "net_af_xdp") continue;
    const auto interface = machine::interface(machine.view, device.interface);
    if (!interface || interface->rx_queues == 0) continue;
    any = true;
    findings.of(device.interface);
    const std::string asked = device.eal.argument("queue_count").value_or("1");
    if (std::to_string(interface->rx_queues) == asked)
      findings.ok(asked + (asked == "1" ? " queue" : " queues"));
    else
      findings.missing("has " + std::to_string(interface->rx_queues) + " receive queues, and " + asked +
                           " of them are taken: what comes by the others is not ours",
                       {{Kind::command, "",
                         "ethtool -L " + device.interface + " combined " + asked +
                             ", or queues=" + std::to_string(interface->rx_queues) + " of the profile"}});
  }
  if (!any) findings.ok(lanes + (needs.config.io_lanes == 1 ? " queue" : " queues") + " of each device");
}

/// Files that a software device makes or reads: sockets of memif and vhost, captures of pcap.
void probe_files(const Needs& needs, const Machine& machine, Findings& findings) {
  bool any = false;
  for (const DeviceNeed& device : needs.devices) {
    findings.of(device.eal.name);
    const bool server = device.driver == "net_memif" ? device.eal.argument("role").value_or("client") == "server"
                                                     : device.driver == "net_vhost" && !device.eal.argument("client");
    const auto socket = device.eal.argument(device.driver == "net_vhost" ? "iface" : "socket");
    if (server && socket && device.eal.argument("socket-abstract").value_or("no") == "no") {
      any = true;
      if (!machine.view.exists(*socket))
        findings.ok(*socket + " is free");
      else
        findings.missing(*socket + " is there already: another server has it, or it was left behind",
                         {{Kind::command, "", "rm " + *socket + ", if no other server runs"}});
    }
    if (const auto file = device.eal.argument("rx_pcap"); file && device.driver == "net_pcap") {
      any = true;
      if (machine.view.exists(*file))
        findings.ok(*file);
      else
        findings.missing(*file + " is not there", {{Kind::command, "", "serried-swarm and tcpdump write captures"}});
    }
  }
  findings.of("");
  if (!any) findings.not_needed("no device stands on a file");
}

constexpr std::array device_table{
    CheckItem{"device", "nic", probe_nic},           CheckItem{"device", "binding", probe_binding},
    CheckItem{"device", "vfio", probe_vfio_module},  CheckItem{"device", "iommu", probe_iommu},
    CheckItem{"device", "iommu group", probe_group}, CheckItem{"device", "vfio rights", probe_vfio_rights},
    CheckItem{"device", "verbs", probe_rdma},        CheckItem{"device", "firmware", probe_firmware},
    CheckItem{"device", "numa node", probe_node},    CheckItem{"device", "near cpus", probe_near_cpus},
    CheckItem{"device", "pcie link", probe_pcie},    CheckItem{"device", "interface", probe_interface},
    CheckItem{"device", "queues", probe_queues},     CheckItem{"device", "files", probe_files},
};

}  // namespace

std::span<const CheckItem> device_items() { return device_table; }

}  // namespace serried::server
