#pragma once
/// EAL's options, as far as a server has to know them before EAL reads them: which devices they name, whether memory is
/// in hugepages, and how those of a profile and those of the command line become one list.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace serried::config {

/// A device that EAL is told of: --vdev NAME,KEY=VALUE,... or --allow ADDRESS,KEY=VALUE,...
struct EalDevice {
  std::string name;  ///< "net_af_xdp0", "0000:18:00.0"
  bool pci = false;
  std::vector<std::pair<std::string, std::string>> arguments;

  /// The driver of a virtual device: "net_af_xdp"; empty of a PCI device, whose ids decide.
  [[nodiscard]] std::string driver() const;
  [[nodiscard]] std::optional<std::string> argument(std::string_view key) const;
};

struct EalOptions {
  std::vector<EalDevice> devices;
  bool huge = true;        ///< no --no-huge
  bool in_memory = false;  ///< --in-memory: hugepages without a file
  bool pci = true;         ///< no --no-pci
  bool cores = false;      ///< -l, -c or --lcores says which CPUs
  std::string file_prefix = "rte";
};
[[nodiscard]] EalOptions read_eal(std::span<const std::string> arguments);

/// Those of the profile and those of the command line. What the command line says of cores, of devices, of the kind of
/// memory or of its amount takes the place of all that the profile says of it; any other option that of the same
/// option.
[[nodiscard]] std::vector<std::string> merge_eal(std::span<const std::string> profile,
                                                 std::span<const std::string> given);

/// Whether the arguments say what memory is of: --no-huge, --in-memory, --huge-dir, --huge-unlink.
[[nodiscard]] bool names_pages(std::span<const std::string> arguments);
/// Whether they say how much: -m, --socket-mem.
[[nodiscard]] bool names_memory(std::span<const std::string> arguments);

}  // namespace serried::config
