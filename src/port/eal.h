#pragma once
/// The environment abstraction layer of DPDK: started once a process, before any Ethdev; it cannot be started again.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "serried/result.h"

namespace serried::port {

/// Start EAL from `arguments` (without a program name, which is added). Pins the calling thread to the first lcore.
/// What libbpf and libxdp say from then on is kept (driver_messages.h). Error: arguments that exclude one another, an
/// interface for AF_XDP that another program uses (xdp_program.h), no hugepages, no rights, a system that forbids to
/// choose CPUs or does not show them (/sys), started before.
/// EAL calls CPUs by their numbers, below 128. Where this process may run on one beyond, and the arguments choose no
/// cores, all its CPUs are given to EAL as lcores 0, 1, ...
Result<Done> start_eal(const std::vector<std::string>& arguments);
/// Whether the system has what EAL needs to know and may do about CPUs, of which this process may run on `cpus`. Where
/// it has not, EAL's own words are about something else; start_eal asks first.
[[nodiscard]] Result<Done> system_allows_eal(const std::vector<unsigned>& cpus);
/// Arguments that have EAL run on these CPUs. Its numbers for them are theirs, unless one is too high for that.
[[nodiscard]] std::vector<std::string> lcore_arguments(const std::vector<unsigned>& cpus);
/// What start_eal adds to `arguments` for a process that may run on `cpus`.
[[nodiscard]] std::vector<std::string> core_arguments(const std::vector<std::string>& arguments,
                                                      const std::vector<unsigned>& cpus);
/// Hand what EAL and its drivers log to `say`, from any thread, instead of writing it to standard error and syslog:
/// what is not taken there would stop a lane. Before start_eal, which it concerns too; until stop_eal has ended,
/// whether EAL ran or not. Null ends it: once this has returned, no thread is in the former `say` or comes to it.
void log_eal_to(std::function<void(std::string)> say);
/// Close what EAL opened, if it runs. All ethdevs must be gone.
void stop_eal() noexcept;
/// A program's EAL, by whichever way the program ends: log_eal_to() as it begins, stop_eal() as it ends. What `say`
/// uses outlives it.
class EalScope {
 public:
  explicit EalScope(std::function<void(std::string)> say) { log_eal_to(std::move(say)); }
  ~EalScope() { stop_eal(); }
  EalScope(const EalScope&) = delete;
  EalScope& operator=(const EalScope&) = delete;
};
[[nodiscard]] bool eal_runs() noexcept;

/// Where DPDK has its drivers, one file each: librte_net_ice.so.
[[nodiscard]] std::string driver_folder();

/// Names of the ethdevs that there are, in the order of their port ids.
[[nodiscard]] std::vector<std::string> ethdev_names();
/// The drivers of the same, in that order.
[[nodiscard]] std::vector<std::string> ethdev_drivers();

/// Two ethdevs in this process, each hearing what the other says, without a kernel or a NIC between them (net_ring).
struct RingPair {
  std::string first, second;  ///< device names for EthdevConfig::device
};
/// `queues` rings of `slots` (a power of two) each way; queue i speaks with queue i. Their memory stays until stop_eal.
Result<RingPair> make_ring_pair(const std::string& name, unsigned queues = 1, unsigned slots = 1024);

}  // namespace serried::port
