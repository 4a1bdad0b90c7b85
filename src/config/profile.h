#pragma once
/// A profile: what a server on one kind of port is started with and what it finds there, in one TOML file of
/// dpdk-config/profiles. It has
///
///     [profile]      about, driver, tried (where it was run; left out: nowhere here)
///     [parameters.X] about, default: what a user fills in, as --profile NAME,X=VALUE; {X} in the texts below
///     [eal]          arguments
///     [machine]      hugepages, binding, firmware, firmware_package: what --check looks for
///     [device]       queues, checksums, rss: what the device is expected to have
///     [options.S]    options of section S, as a configuration file has them
///     [[figures]]    what, value, source
///
/// A parameter may be given several times, once for each NIC: a text of a list that holds {X} then stands there once
/// for each value, with {n} for its number.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace serried::config {

struct Fault;
struct ServerConfig;

/// unsaid: EAL's arguments decide. wanted: while there are enough, else small pages. needed: the driver cannot do
/// without.
enum class Pages : std::uint8_t { unsaid, wanted, needed };

struct Figure {
  std::string what, value, source;
};

struct ProfileParameter {
  std::string name, about;
  std::vector<std::string> values;  ///< given, or the default; empty: it must be given, and is not
};

struct Profile {
  std::string name;   ///< as it was asked for, without parameters
  bool read = false;  ///< false: there is no such file, or it is no TOML
  std::string about, driver, tried;
  std::vector<ProfileParameter> parameters;
  std::vector<std::string> eal;
  Pages hugepages = Pages::unsaid;
  std::string binding;  ///< kernel driver that its PCI device must have: "vfio-pci"; empty: its own
  std::string firmware, firmware_package;
  unsigned queues = 0;  ///< most io lanes; 0: not said
  std::vector<std::string> checksums, rss;
  std::vector<Figure> figures;

  /// The first parameter that must be given and is not; null: none.
  [[nodiscard]] const ProfileParameter* open_parameter() const noexcept;
};

/// What --profile names: "ice,pci=0000:18:00.0".
struct ProfileRequest {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;
};
[[nodiscard]] ProfileRequest parse_profile_request(const std::string& text);

/// Folders in which profiles stand: of the build, and where they are installed.
[[nodiscard]] std::vector<std::string> profile_folders();

/// The names of the profiles in `folders`.
[[nodiscard]] std::vector<std::string> profile_names(std::span<const std::string> folders);

/// Read the profile, which is a path or a name in one of `folders`, and set its options in `config`. What is wrong with
/// it becomes faults; a parameter that is missing is none here (Profile::open_parameter).
[[nodiscard]] Profile load_profile(const ProfileRequest& request, std::span<const std::string> folders,
                                   ServerConfig& config, std::vector<Fault>& faults);

/// The same for the text of a file; `file` is for the faults.
[[nodiscard]] Profile read_profile(const std::string& text, const std::string& file, const ProfileRequest& request,
                                   ServerConfig& config, std::vector<Fault>& faults);

/// For people: each profile with its parameters and what it is for.
[[nodiscard]] std::string profiles_text(std::span<const std::string> folders);

}  // namespace serried::config
