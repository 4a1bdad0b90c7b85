#include "port/eal.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <net/if.h>
#include <optional>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_ring.h>

#include "base/setup.h"
#include "port/cpus.h"
#include "port/driver_messages.h"
#include "port/xdp_program.h"

namespace serried::port {
namespace {

enum class State { none, running, stopped };
State state = State::none;
/// The kernel's, that devices of net_af_xdp stand on: as it closes, it takes their programs off. Local, so that nothing
/// frees it outside of set-up.
SERRIED_SETUP std::vector<std::string>& kernel_interfaces() {
  static std::vector<std::string> names;
  return names;
}

/// What EAL writes its log to, and where that goes. The stream is never closed: a thread of EAL may be about to use it.
std::FILE* log_stream = nullptr;
std::mutex log_mutex;
std::function<void(std::string)> log_say;

ssize_t write_log(void*, const char* text, std::size_t bytes) {
  const std::lock_guard lock(log_mutex);
  if (log_say) log_say(std::string(text, bytes));
  return static_cast<ssize_t>(bytes);
}

bool has(const std::vector<std::string>& arguments, const char* wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

Error eal_error(int error) {
  const std::string head = "EAL does not start: ";
  switch (error) {
    case EACCES:
    case EPERM:
      // EAL says this of hugepages that are not there, too.
      return Error{head +
                   "no hugepages, or no right to them or to devices; reserve some (/proc/sys/vm/nr_hugepages) and run "
                   "as root, or give --no-huge -m 512 --no-pci and a driver for users"};
    case ENOMEM:
      return Error{head + "not enough memory; reserve hugepages (/proc/sys/vm/nr_hugepages), or give --no-huge -m 512"};
    case ENOENT:
    case ENODEV:
      return Error{head + "a device or plugin was not found; look at its messages above, and at --vdev and -a"};
    case EINVAL:
      return Error{head + "an argument is wrong; its own message above says which"};
    case EAGAIN:
      return Error{head + "another process uses the same files; give each process its own --file-prefix"};
    default:
      return Error{head + rte_strerror(error) + "; its own messages above say more"};
  }
}

Result<rte_ring*> make_ring(const std::string& name, unsigned slots) {
  rte_ring* const ring = rte_ring_create(name.c_str(), slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (ring != nullptr) return ring;
  if (rte_errno == EEXIST) return Error{"ring pair " + name + " exists; choose another name"};
  return Error{"cannot make ring " + name + " of " + std::to_string(slots) +
               " slots (a power of two): " + rte_strerror(rte_errno)};
}

SERRIED_SETUP void close_eal() noexcept {
  state = State::stopped;
  // Our ethdevs are gone, and their programs with them: what net_af_xdp would still find at an interface is another's.
  // Where it cannot be kept from that, what EAL has open ends with the process.
  std::optional<OutOfSight> away;
  for (const std::string& interface : kernel_interfaces())
    if (!away && !XdpProgram{}.may_close(if_nametoindex(interface.c_str()))) away.emplace();
  if (!away || away->hidden()) rte_eal_cleanup();
}

}  // namespace

SERRIED_SETUP void log_eal_to(std::function<void(std::string)> say) {
  const bool ends = !say;
  if (ends && log_stream == nullptr) return;
  if (ends) rte_openlog_stream(nullptr);
  {
    const std::lock_guard lock(log_mutex);
    log_say = std::move(say);
  }
  if (ends) return;
  if (log_stream == nullptr) log_stream = fopencookie(nullptr, "w", {nullptr, write_log, nullptr, nullptr});
  if (log_stream != nullptr) rte_openlog_stream(log_stream);
}

SERRIED_SETUP Result<Done> system_allows_eal(const std::vector<unsigned>& cpus) {
  if (cpus.empty())
    return Error{
        "this system does not say which CPUs there are for us (sched_getaffinity), and EAL needs to know; allow "
        "that call in its seccomp filter"};
  if (!run_on(cpus))
    return Error{
        "this system forbids to choose a CPU (sched_setaffinity), and EAL pins its threads; allow that call in "
        "its seccomp filter"};
  if (access("/sys/devices/system/cpu", R_OK | X_OK) != 0)
    return Error{
        "/sys is not mounted here, and EAL finds CPUs by /sys/devices/system/cpu; mount it (mount -t sysfs sysfs "
        "/sys)"};
  return Done{};
}

SERRIED_SETUP Result<Done> start_eal(const std::vector<std::string>& arguments) {
  if (state == State::running) return Error{"EAL runs already; it starts once a process"};
  if (state == State::stopped) return Error{"EAL was stopped and cannot start again in this process"};
  if (has(arguments, "--in-memory") && has(arguments, "--no-huge"))
    return Error{"--in-memory and --no-huge exclude one another: the first needs hugepages, the second has none"};
  if (has(arguments, "--help") || has(arguments, "-h"))
    return Error{"EAL would print its help and end the process; see `dpdk-testpmd --help`"};
  const std::vector<unsigned> cpus = allowed_cpus();
  if (auto good = system_allows_eal(cpus); !good) return good.error();
  if (auto claimed = claim_af_xdp_interfaces(arguments); !claimed) return claimed.error();
  kernel_interfaces() = af_xdp_interfaces(arguments);
  // EAL keeps pointers into its arguments, and reorders them.
  static std::vector<std::string> kept;
  static std::vector<char*> pointers;
  kept = core_arguments(arguments, cpus);
  kept.insert(kept.begin(), arguments.begin(), arguments.end());
  kept.insert(kept.begin(), "serried");
  pointers.clear();
  for (std::string& argument : kept) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(kept.size()), pointers.data()) < 0) {
    state = State::stopped;
    return eal_error(rte_errno);
  }
  state = State::running;
  keep_driver_messages();  // libxdp came with the plugins
  return Done{};
}

SERRIED_SETUP std::vector<std::string> lcore_arguments(const std::vector<unsigned>& cpus) {
  const bool low = std::all_of(cpus.begin(), cpus.end(), [](unsigned cpu) { return cpu < RTE_MAX_LCORE; });
  std::string list;
  for (unsigned lcore = 0; lcore < cpus.size() && lcore < RTE_MAX_LCORE; ++lcore) {
    if (lcore != 0) list += ',';
    if (!low) list.append(std::to_string(lcore)).append("@");
    list += std::to_string(cpus[lcore]);
  }
  return {"--lcores", list};
}

SERRIED_SETUP std::vector<std::string> core_arguments(const std::vector<std::string>& arguments,
                                                      const std::vector<unsigned>& cpus) {
  const bool chosen = std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument.starts_with("-l") || argument.starts_with("-c") || argument.starts_with("--lcores");
  });
  if (chosen || cpus.empty() || cpus.back() < RTE_MAX_LCORE) return {};
  return lcore_arguments(cpus);
}

SERRIED_SETUP void stop_eal() noexcept {
  if (state == State::running) close_eal();
  log_eal_to({});
}

bool eal_runs() noexcept { return state == State::running; }

SERRIED_SETUP std::string driver_folder() { return RTE_EAL_PMD_PATH; }

SERRIED_SETUP std::vector<std::string> ethdev_names() {
  std::vector<std::string> names;
  if (!eal_runs()) return names;
  for (std::uint64_t next = rte_eth_find_next(0); next < RTE_MAX_ETHPORTS;) {
    const auto id = static_cast<std::uint16_t>(next);
    char name[RTE_ETH_NAME_MAX_LEN] = {};
    if (rte_eth_dev_get_name_by_port(id, name) == 0) names.emplace_back(name);
    next = rte_eth_find_next(static_cast<std::uint16_t>(id + 1));
  }
  return names;
}

SERRIED_SETUP std::vector<std::string> ethdev_drivers() {
  std::vector<std::string> drivers;
  for (const std::string& name : ethdev_names()) {
    std::uint16_t id = 0;
    rte_eth_dev_info info{};
    const bool known = rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0 && rte_eth_dev_info_get(id, &info) == 0;
    drivers.emplace_back(known && info.driver_name != nullptr ? info.driver_name : "unknown");
  }
  return drivers;
}

SERRIED_SETUP Result<RingPair> make_ring_pair(const std::string& name, unsigned queues, unsigned slots) {
  if (!eal_runs()) return Error{"ring pair " + name + ": EAL does not run"};
  if (queues == 0 || queues > 16) return Error{"ring pair " + name + ": 1 to 16 queues, not " + std::to_string(queues)};
  rte_ring* there[16] = {};
  rte_ring* back[16] = {};
  for (unsigned i = 0; i < queues; ++i)
    for (const bool forward : {true, false}) {
      auto ring = make_ring(name + (forward ? "_t" : "_b") + std::to_string(i), slots);
      if (!ring) return ring.error();
      (forward ? there : back)[i] = ring.value();
    }
  const std::string first = name + "_a", second = name + "_b";
  const unsigned node = rte_socket_id() == static_cast<unsigned>(SOCKET_ID_ANY) ? 0 : rte_socket_id();
  if (rte_eth_from_rings(first.c_str(), back, queues, there, queues, node) < 0 ||
      rte_eth_from_rings(second.c_str(), there, queues, back, queues, node) < 0)
    return Error{"ring pair " + name + ": " + rte_strerror(rte_errno)};
  return RingPair{"net_ring_" + first, "net_ring_" + second};
}

}  // namespace serried::port
