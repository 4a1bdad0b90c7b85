// Items of the CPUs: what they can, which of them lanes may have, and what disturbs them there.

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "config/engine_config.h"
#include "machine/cgroup.h"
#include "machine/memory.h"
#include "machine/process.h"
#include "server/check.h"
#include "server/quota.h"
#include "simd/isa.h"

namespace serried::server {
namespace {

using Kind = Change::Kind;

bool polls(const Needs& needs) { return !needs.sockets(); }

std::string cpus_text(const std::vector<unsigned>& cpus) {
  return std::to_string(cpus.size()) + (cpus.size() == 1 ? " CPU" : " CPUs") + " (" + machine::format_cpu_list(cpus) +
         ")";
}

/// Those that lanes would be on, as far as that can be said of a machine that is only looked at: isolated ones first.
std::vector<unsigned> lane_cpus(const Needs& needs, const machine::View& view) {
  const std::vector<unsigned> isolated = machine::isolated_cpus(view);
  std::vector<unsigned> cpus = needs.cpus;
  std::stable_partition(cpus.begin(), cpus.end(), [&](unsigned cpu) {
    return std::find(isolated.begin(), isolated.end(), cpu) != isolated.end();
  });
  // CPU 0 has the kernel's own work; it comes last where another is left.
  if (cpus.size() > needs.lane_cores && !cpus.empty() && cpus.front() == 0)
    std::rotate(cpus.begin(), cpus.begin() + 1, cpus.end());
  cpus.resize(std::min<std::size_t>(cpus.size(), needs.lane_cores));
  std::sort(cpus.begin(), cpus.end());
  return cpus;
}

void probe_instructions(const Needs& needs, const Machine& machine, Findings& findings) {
#if defined(__x86_64__)
  const auto flags = machine.view.field("/proc/cpuinfo", "flags");
  if (!flags) return findings.cannot_tell("/proc/cpuinfo shows no flags");
  const auto all = machine::words(*flags);
  const auto has = [&](const char* flag) { return std::find(all.begin(), all.end(), flag) != all.end(); };
  if (!has("sse4_2") || !has("popcnt"))
    return findings.missing("this CPU has not both SSE4.2 and POPCNT, which this program is built for",
                            {{Kind::command, "", "another CPU; of a virtual machine another CPU model, as -cpu host"}});
  std::string text = "sse4.2";
  for (const auto& [flag, name] : {std::pair{"avx2", "avx2"},
                                   {"avx512f", "avx512"},
                                   {"avx512ifma", "ifma"},
                                   {"aes", "aes"},
                                   {"vaes", "vaes"},
                                   {"sha_ni", "sha"}})
    if (has(flag)) text += std::string{", "} + name;
  if (machine.view.here())
    if (std::string fault = config::isa_fault(needs.config.isa, simd::detected_isa()); !fault.empty())
      return findings.missing("--isa " + fault, {{Kind::command, "", "--isa auto"}});
  findings.ok(text);
#else
  static_cast<void>(needs);
  static_cast<void>(machine);
  findings.not_needed("functions for instruction sets are of x86");
#endif
}

void probe_tsc(const Needs& needs, const Machine& machine, Findings& findings) {
#if defined(__x86_64__)
  if (!polls(needs)) return findings.not_needed("the kernel's clock is all that sockets use");
  const auto flags = machine.view.field("/proc/cpuinfo", "flags");
  if (!flags) return findings.cannot_tell("/proc/cpuinfo shows no flags");
  const auto all = machine::words(*flags);
  for (const char* const flag : {"constant_tsc", "nonstop_tsc"})
    if (std::find(all.begin(), all.end(), flag) == all.end())
      return findings.advised(
          std::string{"the time-stamp counter is not "} + flag + ": DPDK's own waits are of no exact length", {});
  findings.ok("constant and nonstop");
#else
  static_cast<void>(needs);
  static_cast<void>(machine);
  findings.not_needed("the counter of this architecture is constant");
#endif
}

void probe_cpus(const Needs& needs, const Machine& machine, Findings& findings) {
  const std::vector<unsigned> set = machine::cpuset_cpus(machine.view);
  std::string text = cpus_text(needs.cpus);
  if (needs.cpus.empty()) return findings.cannot_tell("/proc/self/status does not say which CPUs this process may use");
  if (!set.empty() && set.size() > needs.cpus.size())
    text += ", by its affinity, of a cpuset of " + std::to_string(set.size());
  const std::string lanes = std::to_string(needs.config.io_lanes) + " io and " + std::to_string(needs.shards) +
                            " shard " + (needs.shards == 1 ? "lane" : "lanes");
  if (needs.cpus.size() >= needs.lane_cores) return findings.ok(text + " for " + lanes);
  findings.advised(text + " for " + lanes + ": some share a core",
                   {{Kind::command, "",
                     "more CPUs (AllowedCPUs= of its unit, docker --cpuset-cpus), or fewer --io-lanes and --shards"}});
}

void probe_quota(const Needs& needs, const Machine& machine, Findings& findings) {
  const auto quota = machine::cpu_quota(machine.view);
  if (!quota) return findings.ok("no limit of CPU time");
  const std::string cpus = base::formatted("%.3g", quota->cpus);
  const unsigned cores = std::min(needs.lane_cores, static_cast<unsigned>(needs.cpus.size()));
  if (quota->cpus >= cores)
    return findings.ok(cpus + " CPUs of time for the cores of the lanes, " + std::to_string(cores));
  findings.advised(
      cpus + " CPUs of time (" + quota->file + ") for lanes that poll on " + std::to_string(cores) +
          (needs.eal.cores ? ": each tenth of a second the kernel stops them" : ": the server leaves some idle"),
      {{Kind::command, "",
        "name CPUs in its place: AllowedCPUs= without CPUQuota=, docker --cpuset-cpus without --cpus"}});
}

void probe_isolation(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!polls(needs)) return findings.not_needed("with sockets the kernel works on every core all the same");
  const std::vector<unsigned> wanted = lane_cpus(needs, machine.view);
  if (needs.cpus.size() < 4)
    return findings.not_needed("with " + std::to_string(needs.cpus.size()) + " CPUs none is left to keep free");
  std::string words;
  const std::string list = machine::format_cpu_list(wanted);
  const auto all_in = [&](const std::vector<unsigned>& cpus) {
    return std::all_of(wanted.begin(), wanted.end(),
                       [&](unsigned cpu) { return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end(); });
  };
  const auto line = machine::words(machine.view.text("/proc/cmdline").value_or(""));
  const auto named = [&](const std::string& key) {
    for (const std::string& word : line)
      if (word.starts_with(key + "=")) return machine::parse_cpu_list(word.substr(key.size() + 1));
    return std::vector<unsigned>{};
  };
  if (!all_in(machine::isolated_cpus(machine.view))) words += "isolcpus=" + list + " ";
  if (!all_in(machine::parse_cpu_list(machine.view.text("/sys/devices/system/cpu/nohz_full").value_or(""))))
    words += "nohz_full=" + list + " ";
  if (!all_in(named("rcu_nocbs")) && words.find("nohz_full") != std::string::npos) words += "rcu_nocbs=" + list + " ";
  if (words.empty()) return findings.ok("CPUs " + list + " are the lanes' alone");
  words.pop_back();
  findings.advised("other threads and the kernel's tick run on the lanes' CPUs too", {{Kind::boot, "", words}});
}

void probe_governor(const Needs& needs, const Machine& machine, Findings& findings) {
  std::vector<Change> changes;
  std::string now;
  bool any = false;
  for (const unsigned cpu : lane_cpus(needs, machine.view)) {
    const std::string file = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor";
    const auto governor = machine.view.text(file);
    if (!governor) continue;
    any = true;
    if (*governor == "performance") continue;
    now = *governor;
    changes.push_back({Kind::value, file, "performance"});
  }
  if (!any) return findings.not_needed("the frequency is not this system's to choose");
  if (changes.empty()) return findings.ok("performance");
  changes.push_back(
      {Kind::command, "", "for good: GOVERNOR=performance in /etc/default/cpufrequtils (package cpufrequtils)"});
  findings.advised(now + ": a lane that sleeps wakes up on a slow core", std::move(changes));
}

void probe_irqbalance(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!machine::is_running(machine.view, "irqbalance")) return findings.not_needed("irqbalance does not run");
  if (!polls(needs)) return findings.not_needed("with sockets interrupts belong on the lanes' cores");
  const std::string list = machine::format_cpu_list(lane_cpus(needs, machine.view));
  const std::string file = "/etc/default/irqbalance";
  for (const std::string& line : machine.view.lines(file))
    if (line.starts_with("IRQBALANCE_BANNED_CPULIST=")) return findings.ok(line);
  findings.advised(
      "irqbalance moves interrupts onto the lanes' CPUs too",
      {{Kind::line, file, "IRQBALANCE_BANNED_CPULIST=" + list}, {Kind::command, "", "systemctl restart irqbalance"}});
}

void probe_numa_balancing(const Needs&, const Machine& machine, Findings& findings) {
  const std::string file = "/proc/sys/kernel/numa_balancing";
  const auto on = machine.view.number(file);
  if (machine::nodes(machine.view).size() < 2) return findings.not_needed("the machine has one NUMA node");
  if (!on) return findings.not_needed("this kernel does not balance nodes");
  if (*on == 0) return findings.ok("off");
  findings.advised(
      "the kernel unmaps pages of lanes now and then to see which node reads them, and moves them",
      {{Kind::value, file, "0"}, {Kind::line, "/etc/sysctl.d/60-serried.conf", "kernel.numa_balancing = 0"}});
}

constexpr std::array cpu_table{
    CheckItem{"cpu", "instructions", probe_instructions},
    CheckItem{"cpu", "time-stamp counter", probe_tsc},
    CheckItem{"cpu", "cpus", probe_cpus},
    CheckItem{"cpu", "quota", probe_quota},
    CheckItem{"cpu", "isolation", probe_isolation},
    CheckItem{"cpu", "governor", probe_governor},
    CheckItem{"cpu", "irqbalance", probe_irqbalance},
    CheckItem{"cpu", "numa balancing", probe_numa_balancing},
};

}  // namespace

std::span<const CheckItem> cpu_items() { return cpu_table; }

}  // namespace serried::server
