#pragma once
/// What a configuration asks of its machine, read off its options, its profile and its EAL arguments together, before
/// anything is opened.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/eal.h"
#include "config/engine_config.h"
#include "machine/device.h"
#include "machine/view.h"

namespace serried::server {

/// How a device is reached.
enum class Reach : std::uint8_t {
  memory,     ///< no kernel, no NIC: net_null, net_memif, net_pcap on files
  interface,  ///< an interface of the kernel: net_af_xdp, net_af_packet
  vfio,       ///< a PCI device that the kernel gives away
  shared,     ///< a PCI device that keeps its kernel driver: mlx5
};

struct DeviceNeed {
  config::EalDevice eal;
  std::string driver;  ///< DPDK's; empty: of a PCI device that no profile names
  Reach reach = Reach::memory;
  std::string interface;                  ///< of the kernel, of Reach::interface
  std::optional<machine::PciDevice> pci;  ///< none: not PCI, or the machine has no such device
};

struct Needs {
  config::ServerConfig config;
  std::optional<config::Profile> profile;
  std::vector<std::string> arguments;  ///< for EAL, whole
  config::EalOptions eal;
  std::vector<DeviceNeed> devices;
  std::vector<unsigned> cpus;  ///< that lanes may use
  config::Homes homes;         ///< of the io lanes, by what the machine says of the devices' nodes
  unsigned shards = 1;
  unsigned lane_cores = 1;  ///< that the lanes ask for: those of the io and the shard lanes
  config::Pages hugepages = config::Pages::unsaid;
  std::uint64_t huge_bytes = 0;  ///< of hugepages, EAL's own included; 0: none are asked for
  std::vector<config::Fault> faults;

  [[nodiscard]] bool sockets() const noexcept { return config.driver == config::Driver::socket; }
  [[nodiscard]] bool any(Reach reach) const noexcept;
  [[nodiscard]] bool any_driver(std::string_view driver) const noexcept;
};

/// `arguments` are EAL's, of profile and command line together.
[[nodiscard]] Needs needs_of(const config::Reading& reading, std::vector<std::string> arguments,
                             const machine::View& view);

/// Pages of EAL's memory: hugepages, or without them those that all processes have.
inline constexpr std::uint64_t huge_page_bytes = 2U << 20, small_page_bytes = 4U << 10;

/// Bytes that a server of this configuration takes of EAL's memory with pages of this size.
[[nodiscard]] std::uint64_t memory_needed(const config::ServerConfig& config, unsigned shards, std::uint64_t page_bytes,
                                          const config::Homes& homes);

/// The CPUs that lanes may have where no option names them: those that the affinity of this process allows, and with
/// them those of its cpuset that the kernel isolates. Not these when it was told to run on fewer than the kernel would
/// have it (taskset).
[[nodiscard]] std::vector<unsigned> usable_cpus(const machine::View& view);

}  // namespace serried::server
