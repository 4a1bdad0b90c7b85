// Items of the system around a server: its configuration, kernel and drivers, clock, keys, sockets.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "crypt/token.h"
#include "machine/memory.h"
#include "machine/process.h"
#include "port/address.h"
#include "port/eal.h"
#include "port/socket.h"
#include "port/xdp_filter.h"
#include "process/rights.h"
#include "server/check.h"

namespace serried::server {
namespace {

using Kind = Change::Kind;
using process::Right;

std::string mib_text(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void probe_configuration(const Needs& needs, const Machine& machine, Findings& findings) {
  std::size_t missing = 0;
  const config::ProfileParameter* const open = needs.profile ? needs.profile->open_parameter() : nullptr;
  if (open != nullptr) {
    ++missing;
    std::string text = "profile " + needs.profile->name + " needs " + open->name + " (" + open->about + ")";
    std::string example = "VALUE";
    if (open->name == "pci") {
      std::string nics;
      for (const machine::PciDevice& device : machine::ethernet_devices(machine.view)) {
        if (nics.empty()) example = device.address;
        nics += (nics.empty() ? "" : ", ") + device.address + " (" +
                (device.driver.empty() ? "no driver" : device.driver) + ")";
      }
      text += nics.empty() ? "; this machine has no NIC on PCI" : "; this machine has " + nics;
    }
    findings.missing(text,
                     {{Kind::command, "", "--profile " + needs.profile->name + "," + open->name + "=" + example}});
  }
  for (const config::Fault& fault : needs.faults) {
    // A key of another machine is looked at there, by the item of its own.
    if (fault.where == "--token-key") continue;
    ++missing;
    findings.missing(fault.where + " " + fault.text, {});
  }
  if (missing == 0) findings.ok("its options agree with one another");
}

void probe_kernel(const Needs& needs, const Machine& machine, Findings& findings) {
  const machine::KernelVersion version = machine::kernel_version(machine.view);
  const auto text = machine.view.text("/proc/sys/kernel/osrelease").value_or("");
  if (version == machine::KernelVersion{}) return findings.cannot_tell("/proc/sys/kernel/osrelease is not there");
  // What DPDK asks for, and AF_XDP's need_wakeup.
  const bool xdp = needs.any_driver("net_af_xdp");
  const machine::KernelVersion least = xdp ? machine::KernelVersion{5, 4} : machine::KernelVersion{4, 19};
  if (version >= least) return findings.ok("Linux " + text);
  findings.missing("Linux " + text + "; " + (xdp ? "net_af_xdp needs 5.4" : "DPDK needs 4.19"),
                   {{Kind::command, "", "apt-get install linux-image-amd64, and boot it"}});
}

void probe_sysfs(const Needs&, const Machine& machine, Findings& findings) {
  if (machine.view.exists("/sys/devices/system/cpu/online")) return findings.ok("/sys is mounted");
  findings.missing("/sys/devices/system/cpu is not there, by which EAL finds CPUs",
                   {{Kind::command, "", "mount -t sysfs sysfs /sys"}});
}

/// "net_e1000_igb" as the file and the package of its driver are called.
std::string plugin_of(const std::string& driver) {
  if (driver.starts_with("net_e1000")) return "net_e1000";
  if (driver == "net_virtio_user") return "net_virtio";
  return driver;
}

std::string package_of(std::string plugin, const std::string& folder) {
  std::replace(plugin.begin(), plugin.end(), '_', '-');
  const std::size_t dash = folder.rfind('-');  // .../pmds-23.0
  const std::string abi = dash == std::string::npos ? "" : folder.substr(dash + 1, folder.rfind('.') - dash - 1);
  const bool digit = plugin.back() >= '0' && plugin.back() <= '9';
  return "librte-" + plugin + (digit ? "-" : "") + abi;
}

void probe_plugins(const Needs& needs, const Machine& machine, Findings& findings) {
  if (needs.sockets()) return findings.not_needed("kernel sockets need no driver of DPDK");
  if (needs.devices.empty()) {
    return findings.missing(
        "EAL is told of no device",
        {{Kind::command, "", "--profile NAME (serried-server --profiles), or --vdev or -a before --"}});
  }
  const std::string folder = port::driver_folder();
  std::vector<std::string> seen;
  for (const DeviceNeed& device : needs.devices) {
    findings.of(device.eal.name);
    if (device.driver.empty()) {
      findings.not_needed("no profile names its driver; EAL finds it by the ids of the device");
      continue;
    }
    const std::string plugin = plugin_of(device.driver);
    if (std::find(seen.begin(), seen.end(), plugin) != seen.end()) continue;
    seen.push_back(plugin);
    if (!machine.view.exists(folder))
      findings.cannot_tell("DPDK's folder of drivers, " + folder + ", is not there");
    else if (machine.view.exists(std::string(folder).append("/librte_").append(plugin).append(".so")))
      findings.ok("driver " + device.driver + " is installed");
    else
      findings.missing("driver " + device.driver + " is not in " + folder,
                       {{Kind::command, "", "apt-get install " + package_of(plugin, folder)}});
  }
}

void probe_ports(const Needs& needs, const Machine&, Findings& findings) {
  if (needs.sockets()) return findings.not_needed("kernel sockets have no DPDK port");
  for (const std::string& port : needs.config.ports) {
    findings.of(port);
    const bool number = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
    const bool named = std::any_of(needs.devices.begin(), needs.devices.end(), [&](const DeviceNeed& device) {
      return device.eal.name == machine::full_pci_address(port);
    });
    std::size_t index = 0;
    std::from_chars(port.data(), port.data() + port.size(), index);
    if (named || (number && index < needs.devices.size())) {
      findings.ok("is among EAL's devices");
    } else {
      std::string names;
      for (const DeviceNeed& device : needs.devices) names += (names.empty() ? "" : ", ") + device.eal.name;
      findings.missing("is none of EAL's devices" + (names.empty() ? ", of which there are none" : ": " + names),
                       {{Kind::command, "", "--port " + (needs.devices.empty() ? "NAME" : needs.devices[0].eal.name)}});
    }
  }
}

void probe_capabilities(const Needs& needs, const Machine& machine, Findings& findings) {
  std::vector<std::pair<Right, const char*>> wanted;
  const auto want = [&](Right right, const char* name) {
    if (std::find(wanted.begin(), wanted.end(), std::pair{right, name}) == wanted.end())
      wanted.emplace_back(right, name);
  };
  for (const DeviceNeed& device : needs.devices) {
    if (device.driver == "net_af_xdp" || device.driver == "net_af_packet" || device.reach == Reach::shared) {
      want(Right::net_raw, "cap_net_raw");
      want(Right::net_admin, "cap_net_admin");
    }
    if (device.driver == "net_af_xdp") {
      const bool old = machine::kernel_version(machine.view) < machine::KernelVersion{5, 8};
      want(old ? Right::sys_admin : Right::bpf, old ? "cap_sys_admin" : "cap_bpf");
    }
    if (device.driver == "net_tap") want(Right::net_admin, "cap_net_admin");
    if (device.driver == "net_pcap" && !device.interface.empty()) want(Right::net_raw, "cap_net_raw");
  }
  if (wanted.empty()) return findings.not_needed("this driver needs none");
  const auto rights = machine::rights(machine.view);
  if (!rights) return findings.cannot_tell("/proc/self/status is not there");
  std::string all, lacking;
  for (const auto& [right, name] : wanted) {
    all += (all.empty() ? "" : ",") + std::string{name};
    if (!rights->has(static_cast<unsigned>(right))) lacking += (lacking.empty() ? "" : ",") + std::string{name};
  }
  if (lacking.empty()) return findings.ok(all + " of user " + std::to_string(rights->user));
  findings.missing("user " + std::to_string(rights->user) + " has no " + lacking,
                   {{Kind::command, "",
                     "run as root, or setcap " + all + "+ep on serried-server, or AmbientCapabilities= of its unit"}});
}

void probe_xdp_program(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!needs.config.xdp_filter) return findings.not_needed("--xdp-filter is off");
  if (!machine.view.here()) return findings.cannot_tell("it is looked for beside the program that runs");
  const auto program = port::find_xdp_program();
  if (program) return findings.ok(program.value());
  findings.missing(program.error().message, {{Kind::command, "", "apt-get install clang, and build again"}});
}

void probe_clock(const Needs&, const Machine& machine, Findings& findings) {
  const std::string file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const std::string source = machine.view.text(file).value_or("");
  if (source.empty()) return findings.not_needed("the kernel does not show its clock source");
  // Those that clock_gettime reads without a system call.
  constexpr std::array fast{"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"};
  if (std::find(fast.begin(), fast.end(), source) != fast.end()) return findings.ok(source);
  const std::string others =
      machine.view.text("/sys/devices/system/clocksource/clocksource0/available_clocksource").value_or("");
  std::vector<Change> changes;
  const auto there = machine::words(others);
  for (const char* const name : fast)
    if (changes.empty() && std::find(there.begin(), there.end(), name) != there.end())
      changes.push_back({Kind::value, file, name});
  const char* const advice = "each look at the clock is a system call, one a lane's poll";
  if (changes.empty()) return findings.advised(source + ": " + advice + ", and there is no other here", {});
  findings.advised(source + ": " + advice, std::move(changes));
}

void probe_time(const Needs&, const Machine& machine, Findings& findings) {
  const Change install{Kind::command, "", "apt-get install systemd-timesyncd && timedatectl set-ntp true"};
  if (!machine.clock_synchronised)
    return findings.not_needed("of a machine that is not running the clock cannot be asked");
  if (*machine.clock_synchronised) return findings.ok("the clock is synchronised");
  for (const char* const daemon : {"systemd-timesyn", "chronyd", "ntpd", "ntpsec"})
    if (machine::is_running(machine.view, daemon))
      return findings.advised(std::string{daemon} + " runs and has not set the clock yet; tokens bear 30 s", {});
  findings.advised("nothing sets the clock; login tokens bear a difference of 30 s", {install});
}

void probe_token_key(const Needs& needs, const Machine& machine, Findings& findings) {
  if (needs.config.measurement_seed != 0) return findings.not_needed("the keys of --measurement come from its seed");
  const std::string& file = needs.config.token_key;
  const Change make{Kind::command, "", "serried-token keygen --out " + (file.empty() ? "FILE" : file)};
  if (file.empty()) return findings.missing("--token-key is not given", {make});
  if (!machine.view.exists(file) && !machine.view.here()) return findings.missing(file + " is not there", {make});
  if (machine.view.here())
    if (const auto key = crypt::load_token_key(file); !key) return findings.missing(key.error().message, {make});
  const auto access = machine.view.access(file);
  if (access && (access->mode & 077U) != 0)
    return findings.advised(file + " can be read by others than its owner", {{Kind::command, "", "chmod 600 " + file}});
  findings.ok(file);
}

/// "0100007F:9C40" of /proc/net/udp, in the kernel's byte order.
struct Bound {
  std::string address;
  unsigned port = 0;
};

Bound bound_in(const std::string& line) {
  const auto parts = machine::words(line);
  Bound bound;
  if (parts.size() < 2) return bound;
  const std::size_t colon = std::min(parts[1].find(':'), parts[1].size());
  bound.address = parts[1].substr(0, colon);
  const char* const end = parts[1].data() + parts[1].size();
  if (colon < parts[1].size()) std::from_chars(parts[1].data() + colon + 1, end, bound.port, 16);
  return bound;
}

/// An address as those files have it: words of 32 bits as numbers of this machine.
std::string as_bound(const port::Address& address) {
  std::string text;
  for (std::size_t at = port::is_ipv4(address) ? 12 : 0; at < address.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, address.data() + at, sizeof word);
    text += base::formatted("%08X", word);
  }
  return text;
}

bool is_zero(const std::string& digits) { return digits.find_first_not_of('0') == std::string::npos; }

std::optional<port::Address> socket_address(const Needs& needs) {
  if (needs.config.addresses.empty()) return {};
  std::string text = needs.config.addresses.front();
  text = text.substr(0, text.find_first_of("/%@"));
  const auto address = port::parse_address(text);
  if (!address) return {};
  return address.value();
}

void probe_udp_port(const Needs& needs, const Machine& machine, Findings& findings) {
  const std::string port = std::to_string(needs.config.udp_port);
  if (!needs.sockets()) return findings.not_needed("a DPDK port shares no port with the kernel");
  const auto own = socket_address(needs);
  const std::string mine = own ? as_bound(*own) : std::string{"0"};
  if (!machine.view.exists("/proc/net/udp")) return findings.cannot_tell("/proc/net/udp is not there");
  for (const char* const file : {"/proc/net/udp", "/proc/net/udp6"})
    for (const std::string& line : machine.view.lines(file)) {
      const Bound other = bound_in(line);
      if (other.port != needs.config.udp_port) continue;
      if (is_zero(other.address) || is_zero(mine) || other.address == mine)
        return findings.missing("UDP port " + port + " is taken by another socket",
                                {{Kind::command, "", "ss -lnup sport = :" + port}});
    }
  findings.ok("UDP port " + port + " is free");
}

bool has_ipv4(const machine::View& view, const std::string& text) {
  const auto lines = view.lines("/proc/net/fib_trie");
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const auto parts = machine::words(lines[i]);
    if (parts.size() == 2 && parts[0] == "|--" && parts[1] == text &&
        lines[i + 1].find("host LOCAL") != std::string::npos)
      return true;
  }
  return false;
}

bool has_ipv6(const machine::View& view, const port::Address& address) {
  std::string digits;
  for (const unsigned byte : address) digits += base::formatted("%02x", byte);
  for (const std::string& line : view.lines("/proc/net/if_inet6"))
    if (line.starts_with(digits)) return true;
  return false;
}

void probe_address(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!needs.sockets()) return findings.not_needed("a DPDK port answers for its addresses itself");
  const auto own = socket_address(needs);
  if (!own) return findings.not_needed("the socket takes all addresses of the machine");
  const std::string text = port::format_address(*own);
  const bool loopback = port::is_ipv4(*own) && (*own)[12] == 127;
  if (loopback || (port::is_ipv4(*own) ? has_ipv4(machine.view, text) : has_ipv6(machine.view, *own)))
    return findings.ok(text + " is of this machine");
  const char* const file = port::is_ipv4(*own) ? "/proc/net/fib_trie" : "/proc/net/if_inet6";
  if (!machine.view.exists(file)) return findings.cannot_tell(std::string{file} + " is not there");
  findings.missing(text + " is of no interface of this machine",
                   {{Kind::command, "", "ip address add " + text + "/PREFIX dev INTERFACE"}});
}

void probe_socket_buffers(const Needs& needs, const Machine& machine, Findings& findings) {
  if (!needs.sockets()) return findings.not_needed("mbufs hold what waits");
  const auto rights = machine::rights(machine.view);
  if (rights && rights->has(static_cast<unsigned>(Right::net_admin)))
    return findings.ok("CAP_NET_ADMIN sets their size past the limit of the system");
  const auto wanted = static_cast<std::uint64_t>(port::SocketConfig{}.receive_bytes) / needs.config.io_lanes;
  std::vector<Change> changes;
  std::string small;
  for (const char* const name : {"rmem_max", "wmem_max"}) {
    const std::string file = "/proc/sys/net/core/" + std::string{name};
    const auto most = machine.view.number(file);
    if (!most || *most >= wanted) continue;
    small +=
        (small.empty() ? "" : ", ") + ("net.core." + std::string{name}) + " " + std::to_string(*most >> 10) + " KiB";
    changes.push_back({Kind::value, file, std::to_string(wanted)});
    changes.push_back({Kind::line, "/etc/sysctl.d/60-serried.conf",
                       "net.core." + std::string{name} + " = " + std::to_string(wanted)});
  }
  if (changes.empty()) return findings.ok("net.core.rmem_max and wmem_max leave room for " + mib_text(wanted));
  findings.advised(small + "; a tick of a thousand players wants " + mib_text(wanted), std::move(changes));
}

void probe_open_files(const Needs& needs, const Machine& machine, Findings& findings) {
  // With hugepages that are not one file, EAL holds one open for each.
  constexpr std::uint64_t others = 256;
  if (needs.huge_bytes == 0) return findings.not_needed("a few dozen files are open, whatever the players");
  const bool single =
      std::find(needs.arguments.begin(), needs.arguments.end(), "--single-file-segments") != needs.arguments.end();
  if (single) return findings.not_needed("--single-file-segments: one file for all hugepages");
  const auto most = machine::limit(machine.view, "Max open files");
  if (!most) return findings.cannot_tell("/proc/self/limits is not there");
  const std::uint64_t wanted = needs.huge_bytes / huge_page_bytes + others;
  if (*most >= wanted)
    return findings.ok("a file for each hugepage: " + std::to_string(wanted) + " of at most " +
                       (*most == machine::unlimited ? "any number" : std::to_string(*most)));
  findings.missing("EAL opens a file for each hugepage, " + std::to_string(wanted) + " in all, and the limit is " +
                       std::to_string(*most),
                   {{Kind::line, "/etc/security/limits.d/60-serried.conf", "@serried - nofile 65536"},
                    {Kind::command, "", "ulimit -n 65536, LimitNOFILE=65536 of its unit, or --single-file-segments"}});
}

constexpr std::array system_table{
    CheckItem{"system", "configuration", probe_configuration},
    CheckItem{"system", "kernel", probe_kernel},
    CheckItem{"system", "sysfs", probe_sysfs},
    CheckItem{"system", "token key", probe_token_key},
    CheckItem{"system", "time", probe_time},
    CheckItem{"system", "clock source", probe_clock},
    CheckItem{"system", "capabilities", probe_capabilities},
    CheckItem{"system", "open files", probe_open_files},
    CheckItem{"system", "udp port", probe_udp_port},
    CheckItem{"system", "address", probe_address},
    CheckItem{"system", "socket buffers", probe_socket_buffers},
    CheckItem{"system", "drivers", probe_plugins},
    CheckItem{"system", "ports", probe_ports},
    CheckItem{"system", "xdp program", probe_xdp_program},
};

}  // namespace

std::span<const CheckItem> system_items() { return system_table; }

}  // namespace serried::server
