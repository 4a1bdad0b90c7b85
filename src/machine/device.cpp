#include "machine/device.h"

#include <algorithm>
#include <charconv>

namespace serried::machine {
namespace {

constexpr const char* pci_folder = "/sys/bus/pci/devices/";
constexpr const char* net_folder = "/sys/class/net/";
constexpr unsigned ethernet = 0x0200, bridge_first = 0x0600, bridge_last = 0x06FF;

/// "0x8086"
unsigned hexadecimal(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

int signed_number(const std::string& text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_hexadecimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// Whether a table of routes names the interface: in column `column` of its lines.
bool has_route(const View& view, const char* table, std::size_t column, const std::string& name) {
  for (const std::string& line : view.lines(table)) {
    const auto parts = words(line);
    if (parts.size() > column && parts[column] == name) return true;
  }
  return false;
}

/// An IPv6 address that is not of the link alone: those every interface has.
bool has_ipv6(const View& view, const std::string& name) {
  for (const std::string& line : view.lines("/proc/net/if_inet6")) {
    const auto parts = words(line);
    if (parts.size() >= 6 && parts[5] == name && !parts[0].starts_with("fe80")) return true;
  }
  return false;
}

}  // namespace

std::string full_pci_address(const std::string& text) {
  const auto dot = text.rfind('.');
  const auto colon = text.find(':');
  if (dot == std::string::npos || colon == std::string::npos || colon > dot) return text;
  const std::string_view all = text;
  const bool short_form = text.find(':', colon + 1) == std::string::npos;
  if (!is_hexadecimal(all.substr(0, colon)) || !is_hexadecimal(all.substr(dot + 1))) return text;
  std::string full = short_form ? "0000:" + text : text;
  for (char& c : full)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return full;
}

std::optional<PciDevice> pci_device(const View& view, const std::string& address) {
  const std::string folder = pci_folder + address;
  const auto kind = view.text(folder + "/class");
  if (!kind) return {};
  const auto said = [&](const char* name) { return view.text(folder + name).value_or(""); };
  PciDevice device;
  device.address = address;
  device.vendor = hexadecimal(said("/vendor"));
  device.device = hexadecimal(said("/device"));
  device.kind = hexadecimal(*kind) >> 8;
  device.driver = view.link(folder + "/driver");
  device.node = signed_number(said("/numa_node"));
  device.iommu_group = view.link(folder + "/iommu_group");
  device.interfaces = view.names(folder + "/net");
  // A virtio device has its interface one level further down.
  for (const std::string& name : view.names(folder))
    if (name.starts_with("virtio"))
      for (std::string& interface : view.names(std::string(folder).append("/").append(name).append("/net")))
        device.interfaces.push_back(std::move(interface));
  device.speed = said("/current_link_speed");
  device.speed_max = said("/max_link_speed");
  device.width = static_cast<unsigned>(view.number(folder + "/current_link_width").value_or(0));
  device.width_max = static_cast<unsigned>(view.number(folder + "/max_link_width").value_or(0));
  return device;
}

std::vector<PciDevice> ethernet_devices(const View& view) {
  std::vector<PciDevice> found;
  for (const std::string& address : view.names("/sys/bus/pci/devices"))
    if (auto device = pci_device(view, address); device && device->kind == ethernet)
      found.push_back(std::move(*device));
  return found;
}

std::vector<PciDevice> group_neighbours(const View& view, const PciDevice& device) {
  std::vector<PciDevice> found;
  if (device.iommu_group.empty()) return found;
  for (const std::string& address : view.names("/sys/kernel/iommu_groups/" + device.iommu_group + "/devices")) {
    if (address == device.address) continue;
    auto other = pci_device(view, address);
    if (!other || other->driver.empty() || other->driver.starts_with("vfio") || other->driver == "pci-stub") continue;
    // The kernel's driver of a bridge may stay.
    if (other->kind >= bridge_first && other->kind <= bridge_last) continue;
    found.push_back(std::move(*other));
  }
  return found;
}

std::optional<Interface> interface(const View& view, const std::string& name) {
  const std::string folder = net_folder + name;
  if (name.empty() || !view.exists(folder)) return {};
  Interface found;
  found.name = name;
  const std::string state = view.text(folder + "/operstate").value_or("");
  found.up = state == "up" || state == "unknown";
  found.mtu = view.number(folder + "/mtu").value_or(0);
  for (const std::string& queue : view.names(folder + "/queues"))
    if (queue.starts_with("rx-")) ++found.rx_queues;
  found.routed = has_route(view, "/proc/net/route", 0, name) || has_ipv6(view, name);
  return found;
}

}  // namespace serried::machine
