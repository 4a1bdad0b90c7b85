#pragma once
/// A machine that lacks nothing for a server on an ice NIC, and what a server started with given words needs of it.

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/args.h"
#include "config/config.h"
#include "config/eal.h"
#include "port/eal.h"
#include "server/check.h"
#include "support/made_up_machine.h"

namespace serried::server {

using Texts = std::vector<std::string>;

/// Two nodes of four CPUs, a NIC on node 1 bound to vfio-pci, hugepages on both, root's rights.
struct ReadyMachine : support::MadeUpMachine {
  ReadyMachine() {
    for (const char* const node : {"0", "1"}) {
      const std::string folder = std::string("/sys/devices/system/node/node") + node;
      file(folder + "/cpulist", node[0] == '0' ? "0-3" : "4-7");
      file(folder + "/meminfo", std::string("Node ") + node + " MemTotal: 8388608 kB");
      pages(node, 1'024, 1'000);
    }
    file("/proc/self/status",
         "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-7");
    limits("unlimited", "1048576");
    file("/proc/sys/kernel/osrelease", "6.1.0-13-amd64").file("/sys/devices/system/cpu/online", "0-7");
    file("/proc/cpuinfo",
         "vendor_id\t: GenuineIntel\nflags\t\t: sse4_2 popcnt pclmulqdq avx2 avx512f constant_tsc nonstop_tsc");
    file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
    file("/proc/self/mounts", "proc /proc proc rw 0 0").file("/proc/self/cgroup", "0::/");
    file("/sys/devices/system/cpu/isolated", "1-7").file("/sys/devices/system/cpu/nohz_full", "1-7");
    file("/proc/cmdline", "quiet isolcpus=1-7 nohz_full=1-7 rcu_nocbs=1-7");
    for (unsigned cpu = 0; cpu < 8; ++cpu)
      file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor", "performance");
    file("/proc/sys/kernel/numa_balancing", "0").file("/proc/swaps", "Filename Type Size");
    file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    file("/proc/net/udp", "  sl  local_address rem_address").file("/proc/net/udp6", "  sl  local_address");
    file("/proc/sys/net/core/rmem_max", "8388608").file("/proc/sys/net/core/wmem_max", "8388608");
    file(port::driver_folder() + "/librte_net_ice.so", "").file("/lib/firmware/intel/ice/ddp/ice.pkg", "");
    file("/keys/token.key", "")
        .folder("/sys/bus/pci/drivers/vfio-pci")
        .file("/dev/vfio/vfio", "")
        .file("/dev/vfio/12", "");
    std::filesystem::permissions(root() + "/keys/token.key", std::filesystem::perms{0600});
    nic(address, "vfio-pci", "12");
  }
  void pages(const std::string& node, unsigned reserved, unsigned free) {
    const std::string folder = "/sys/devices/system/node/node" + node + "/hugepages/hugepages-2048kB";
    file(folder + "/nr_hugepages", std::to_string(reserved)).file(folder + "/free_hugepages", std::to_string(free));
  }
  void limits(const std::string& locked, const std::string& files) {
    file("/proc/self/limits",
         "Max open files " + files + " " + files + " files\nMax locked memory " + locked + " " + locked + " bytes");
  }
  void user(unsigned id, const std::string& capabilities) {
    const std::string number = std::to_string(id);
    file("/proc/self/status", "Uid:\t" + number + "\t" + number + "\t0\t0\nGid:\t" + number + "\t" + number +
                                  "\t0\t0\nGroups:\t\nCapEff:\t" + capabilities + "\nCpus_allowed_list:\t0-7");
  }
  void nic(const std::string& at, const std::string& driver, const std::string& group) {
    const std::string folder = "/sys/bus/pci/devices/" + at;
    file(folder + "/class", "0x020000").file(folder + "/vendor", "0x8086").file(folder + "/device", "0x1592");
    file(folder + "/numa_node", "1").file(folder + "/current_link_speed", "16.0 GT/s PCIe");
    file(folder + "/max_link_speed", "16.0 GT/s PCIe").file(folder + "/current_link_width", "16");
    file(folder + "/max_link_width", "16");
    without(folder + "/driver").without(folder + "/iommu_group");
    if (!driver.empty()) link(folder + "/driver", "../drivers/" + driver);
    if (group.empty()) return;
    link(folder + "/iommu_group", "../groups/" + group);
    folder_of_group(group, at);
  }
  void folder_of_group(const std::string& group, const std::string& at) {
    folder("/sys/kernel/iommu_groups/" + group + "/devices/" + at);
  }
  static constexpr const char* address = "0000:18:00.0";
};

/// What `words` of the command line, in which EAL's stand before "--", make of a machine.
struct Checked {
  Checked(const support::MadeUpMachine& made, Texts words, std::optional<bool> synchronised = true) {
    std::vector<const char*> argv{"serried-server"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    config::Arguments arguments = config::split_arguments(argv);
    reading = config::read_config(arguments.own);
    if (reading.profile) arguments.eal = config::merge_eal(reading.profile->eal, arguments.eal);
    const machine::View view = made.view();
    needs = needs_of(reading, config::eal_arguments(arguments, reading.config, 1), view);
    findings = check_machine(needs, {view, synchronised});
  }
  /// Of an item, of one device where it is asked of several; a failure where there is none.
  [[nodiscard]] Finding of(const std::string& item, const std::string& subject = "") const {
    for (const Finding& finding : findings)
      if (finding.item == item && (subject.empty() || finding.subject == subject)) return finding;
    ADD_FAILURE() << "no item " << item << " " << subject;
    return {};
  }
  [[nodiscard]] State state(const std::string& item) const { return of(item).state; }
  [[nodiscard]] std::string text(const std::string& item) const { return of(item).text; }
  /// All changes of an item, as commands, one a line.
  [[nodiscard]] std::string commands(const std::string& item) const {
    std::string all;
    for (const Change& change : of(item).changes) all += command_of(change) + "\n";
    return all;
  }
  /// Names of what is not OK and not needed either.
  [[nodiscard]] Texts open() const {
    Texts names;
    for (const Finding& finding : findings)
      if (finding.state != State::ok && finding.state != State::not_needed) names.push_back(finding.item);
    return names;
  }
  config::Reading reading;
  Needs needs;
  std::vector<Finding> findings;
};

inline std::string profile(const std::string& name) {
  return std::string{SERRIED_SOURCE_ROOT} + "/dpdk-config/profiles/" + name;
}
/// A server on the NIC of ReadyMachine, with more words behind.
inline Texts on_ice(Texts more = {}, const std::string& key = "/keys/token.key") {
  Texts words{"--check",   "--profile", profile("ice.toml,pci=0000:18:00.0"),
              "--address", "10.0.0.1",  "--token-key",
              key,         "--shards",  "2"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
inline Texts on_sockets(Texts more = {}) {
  Texts words{"--check", "--driver", "socket", "--token-key", "/keys/token.key", "--shards", "2"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace serried::server
