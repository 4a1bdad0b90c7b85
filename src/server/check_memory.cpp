// Items of memory: hugepages by node, what may be locked, what the kernel does to pages by itself.

#include <algorithm>
#include <array>
#include <map>

#include "config/engine_config.h"
#include "machine/memory.h"
#include "machine/process.h"
#include "process/rights.h"
#include "server/check.h"

namespace serried::server {
namespace {

using Kind = Change::Kind;
constexpr std::uint64_t mib = 1U << 20;
constexpr const char* dpdk_conf = "/etc/dpdk/dpdk.conf";

/// Which part of the memory must lie on which node: pools on that of their device. What is of no device, or of one
/// whose node is not known, may lie anywhere; it is counted to the first node that has CPUs of this process.
std::map<unsigned, std::uint64_t> wanted_by_node(const Needs& needs, const std::vector<machine::Node>& nodes) {
  unsigned any = nodes.front().number;
  for (const machine::Node& node : nodes)
    for (const unsigned cpu : node.cpus)
      if (!needs.cpus.empty() && cpu == needs.cpus.front()) any = node.number;
  std::map<unsigned, std::uint64_t> wanted;
  const auto bytes = config::port_memory_bytes(needs.config, needs.shards, huge_page_bytes, needs.homes);
  wanted[any] += config::eal_memory_bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string name = machine::full_pci_address(needs.config.ports[i]);
    const auto device = std::find_if(needs.devices.begin(), needs.devices.end(),
                                     [&](const DeviceNeed& one) { return one.eal.name == name; });
    const bool known = device != needs.devices.end() && device->pci && device->pci->node >= 0;
    wanted[known ? static_cast<unsigned>(device->pci->node) : any] += bytes[i];
  }
  return wanted;
}

std::string pages_text(const machine::Node& node) {
  std::string text;
  for (const machine::HugePages& pages : node.pages)
    if (pages.reserved != 0)
      text += (text.empty() ? "" : ", ") + std::to_string(pages.free) + " of " + std::to_string(pages.reserved) +
              " pages of " + std::to_string(pages.page_bytes / mib) + " MiB free";
  return text.empty() ? "no page reserved" : text;
}

/// Pages of 2 MiB that a node is to have, so that `bytes` are free there.
std::uint64_t pages_for(const machine::Node& node, std::uint64_t bytes) {
  std::uint64_t used = 0;
  for (const machine::HugePages& pages : node.pages)
    if (pages.page_bytes == huge_page_bytes) used = pages.reserved - std::min(pages.free, pages.reserved);
  return used + (bytes + huge_page_bytes - 1) / huge_page_bytes;
}

std::vector<Change> pages_changes(const machine::View& view, const std::vector<machine::Node>& nodes,
                                  const std::map<unsigned, std::uint64_t>& wanted) {
  std::vector<Change> changes;
  std::string by_node;
  std::uint64_t all = 0;
  for (const machine::Node& node : nodes) {
    const auto bytes = wanted.find(node.number);
    std::uint64_t reserved = 0;
    std::string folder = "/sys/kernel/mm/hugepages/hugepages-2048kB";
    for (const machine::HugePages& pages : node.pages)
      if (pages.page_bytes == huge_page_bytes) {
        reserved = pages.reserved;
        folder = pages.folder;
      }
    std::uint64_t pages = reserved;
    if (bytes != wanted.end() && machine::free_bytes(node) < bytes->second) {
      pages = std::max(reserved, pages_for(node, bytes->second));
      changes.push_back({Kind::value, folder + "/nr_hugepages", std::to_string(pages)});
    }
    by_node += (by_node.empty() ? "" : " ") + std::to_string(pages);
    all += pages;
  }
  // Debian's dpdk package reserves by node at each boot; sysctl knows the machine as a whole alone.
  if (view.exists(dpdk_conf))
    changes.push_back({Kind::line, dpdk_conf, "NR_2M_PAGES=\"" + by_node + "\""});
  else if (nodes.size() == 1)
    changes.push_back({Kind::line, "/etc/sysctl.d/60-serried.conf", "vm.nr_hugepages = " + std::to_string(all)});
  else
    changes.push_back(
        {Kind::command, "", "for good: apt-get install dpdk, and NR_2M_PAGES=\"" + by_node + "\" in " + dpdk_conf});
  return changes;
}

void probe_hugepages(const Needs& needs, const Machine& machine, Findings& findings) {
  if (needs.sockets()) return findings.not_needed("sockets use none");
  if (needs.huge_bytes == 0) return findings.not_needed("--no-huge");
  const auto nodes = machine::nodes(machine.view);
  const auto wanted = wanted_by_node(needs, nodes);
  const std::uint64_t leftover =
      needs.eal.in_memory ? 0 : machine::leftover_pages(machine.view, needs.eal.file_prefix) * huge_page_bytes;
  if (std::all_of(nodes.begin(), nodes.end(), [](const machine::Node& node) { return node.pages.empty(); }))
    return findings.cannot_tell("this kernel shows no hugepages (/sys/kernel/mm/hugepages)");
  bool enough = true;
  std::string text;
  for (const auto& [number, bytes] : wanted) {
    const auto node = std::find_if(nodes.begin(), nodes.end(),
                                   [number_ = number](const machine::Node& one) { return one.number == number_; });
    const std::uint64_t free = node == nodes.end() ? 0 : machine::free_bytes(*node) + leftover;
    enough = enough && free >= bytes;
    text += (text.empty() ? "node " : "; node ") + std::to_string(number) + ": " +
            (node == nodes.end() ? "not there" : pages_text(*node)) + ", " + std::to_string(bytes / mib + 1) +
            " MiB wanted";
  }
  if (leftover != 0)
    text += "; " + std::to_string(leftover / mib) + " MiB are held by files of a former run, which the next takes back";
  if (enough) return findings.ok(text);
  auto changes = pages_changes(machine.view, nodes, wanted);
  if (needs.hugepages == config::Pages::wanted) {
    findings.advised(text + "; the server takes small pages in their place", std::move(changes));
  } else {
    changes.push_back(
        {Kind::command, "",
         needs.any(Reach::vfio) || needs.any(Reach::shared)
             ? "or lower --players-max and --io-lanes"
             : "or --no-huge -m " +
                   std::to_string(memory_needed(needs.config, needs.shards, small_page_bytes, needs.homes) / mib + 1) +
                   " before --"});
    findings.missing(text, std::move(changes));
  }
}

void probe_hugetlbfs(const Needs& needs, const Machine& machine, Findings& findings) {
  if (needs.huge_bytes == 0) return findings.not_needed("no hugepages are asked for");
  if (needs.eal.in_memory || needs.hugepages == config::Pages::wanted)
    return findings.not_needed("--in-memory takes hugepages without a file");
  const auto mounts = machine::huge_mounts(machine.view);
  const Change in_memory{Kind::command, "", "--in-memory before --"};
  if (mounts.empty())
    return findings.missing("hugetlbfs is not mounted",
                            {{Kind::command, "", "mount -t hugetlbfs hugetlbfs /dev/hugepages"}, in_memory});
  const auto rights = machine::rights(machine.view);
  for (const machine::HugeMount& mount : mounts)
    if (const auto access = machine.view.access(mount.folder); rights && access && rights->may_use(*access))
      return findings.ok(mount.folder);
  findings.missing(
      mounts.front().folder + " may not be written by user " + (rights ? std::to_string(rights->user) : "?"),
      {in_memory, {Kind::command, "", "or mount it with uid= or gid= of the server's user"}});
}

void probe_memlock(const Needs& needs, const Machine& machine, Findings& findings) {
  const auto rights = machine::rights(machine.view);
  if (rights && rights->has(static_cast<unsigned>(process::Right::ipc_lock))) return findings.ok("CAP_IPC_LOCK");
  const auto most = machine::limit(machine.view, "Max locked memory");
  if (!most) return findings.cannot_tell("/proc/self/limits is not there");
  if (*most == machine::unlimited) return findings.ok("unlimited");
  const std::string now = "at most " + std::to_string(*most >> 10) + " KiB";
  const std::vector<Change> changes{
      {Kind::line, "/etc/security/limits.d/60-serried.conf", "@serried - memlock unlimited"},
      {Kind::command, "", "log in again as a member of group serried; of a service LimitMEMLOCK=infinity in its unit"}};
  // VFIO counts what a device may reach as locked; so did AF_XDP before 5.11.
  const bool device = needs.any(Reach::vfio) || needs.any(Reach::shared);
  if (device) return findings.missing(now + ", and a NIC must reach all of EAL's memory", changes);
  if (needs.any_driver("net_af_xdp") && machine::kernel_version(machine.view) < machine::KernelVersion{5, 11})
    return findings.missing(now + ", and before Linux 5.11 AF_XDP counts its buffers as locked", changes);
  findings.advised(now + ": memory is not locked, and keys may get into swap", changes);
}

void probe_swap(const Needs&, const Machine& machine, Findings& findings) {
  const auto lines = machine.view.lines("/proc/swaps");
  if (lines.size() < 2) return findings.ok("none");
  const auto rights = machine::rights(machine.view);
  const bool locked = (rights && rights->has(static_cast<unsigned>(process::Right::ipc_lock))) ||
                      machine::limit(machine.view, "Max locked memory").value_or(0) == machine::unlimited;
  if (locked) return findings.ok("there is some, and the server locks its memory");
  findings.advised("pages of the server may be written to it, keys among them: see locked memory", {});
}

void probe_transparent(const Needs&, const Machine& machine, Findings& findings) {
  const std::string file = "/sys/kernel/mm/transparent_hugepage/enabled";
  const auto text = machine.view.text(file);
  if (!text) return findings.not_needed("this kernel has none");
  if (text->find("[never]") == std::string::npos) return findings.ok(*text);
  findings.advised("never: the world's tables stand in pages of 4 KiB", {{Kind::value, file, "madvise"}});
}

constexpr std::array memory_table{
    CheckItem{"memory", "hugepages", probe_hugepages},
    CheckItem{"memory", "hugetlbfs", probe_hugetlbfs},
    CheckItem{"memory", "locked memory", probe_memlock},
    CheckItem{"memory", "swap", probe_swap},
    CheckItem{"memory", "transparent hugepages", probe_transparent},
};

}  // namespace

std::span<const CheckItem> memory_items() { return memory_table; }

}  // namespace serried::server
