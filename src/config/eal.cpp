#include "config/eal.h"

#include <algorithm>
#include <array>

namespace serried::config {
namespace {

/// One option with its value, and the words that it was.
struct Given {
  std::string name, value;
  std::vector<std::string> given;
};

/// As getopt_long reads them: --name=value, --name value, -n value, -nvalue. EAL takes no bare words, so what does not
/// begin with a dash is the value of what stands before it.
std::vector<Given> read(std::span<const std::string> arguments) {
  std::vector<Given> options;
  for (const std::string& word : arguments) {
    if (!word.starts_with('-')) {
      if (options.empty()) options.emplace_back();
      options.back().value = word;
      options.back().given.push_back(word);
    } else if (word.starts_with("--")) {
      const std::size_t equal = word.find('=');
      options.push_back(
          {word.substr(0, equal), equal == std::string::npos ? std::string{} : word.substr(equal + 1), {word}});
    } else {
      options.push_back({word.substr(0, 2), word.size() > 2 ? word.substr(2) : std::string{}, {word}});
    }
  }
  return options;
}

/// What an option speaks of. Of one subject there is one speaker.
struct Subject {
  const char* option;
  const char* subject;
};
constexpr std::array subjects{
    Subject{"-l", "cores"},          Subject{"-c", "cores"},           Subject{"--lcores", "cores"},
    Subject{"--vdev", "devices"},    Subject{"-a", "devices"},         Subject{"--allow", "devices"},
    Subject{"-b", "devices"},        Subject{"--block", "devices"},    Subject{"--no-huge", "pages"},
    Subject{"--in-memory", "pages"}, Subject{"--huge-dir", "pages"},   Subject{"--huge-unlink", "pages"},
    Subject{"-m", "amount"},         Subject{"--socket-mem", "amount"}};

std::string subject_of(const std::string& option) {
  const auto found =
      std::find_if(subjects.begin(), subjects.end(), [&](const Subject& subject) { return option == subject.option; });
  return found == subjects.end() ? option : found->subject;
}

bool speaks_of(std::span<const std::string> arguments, const char* subject) {
  const std::vector<Given> options = read(arguments);
  return std::any_of(options.begin(), options.end(),
                     [&](const Given& option) { return subject_of(option.name) == subject; });
}

bool is_allow(const Given& option) { return option.name == "-a" || option.name == "--allow"; }

EalDevice device_of(const Given& option) {
  EalDevice device;
  device.pci = is_allow(option);
  const std::string& text = option.value;
  std::size_t end = std::min(text.find(','), text.size());
  device.name = text.substr(0, end);
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    const std::size_t equal = std::min(one.find('='), one.size());
    device.arguments.emplace_back(one.substr(0, equal), one.substr(std::min(equal + 1, one.size())));
  }
  return device;
}

}  // namespace

std::string EalDevice::driver() const {
  if (pci) return {};
  // Longest first where one begins another. What stands behind the driver's name in that of a device is the user's.
  for (const char* const known : {"net_af_packet", "net_af_xdp", "net_memif", "net_null", "net_pcap", "net_ring",
                                  "net_tap", "net_vhost", "net_virtio_user"})
    if (name.starts_with(known)) return known;
  if (name.starts_with("virtio_user")) return "net_virtio_user";
  return name;
}

std::optional<std::string> EalDevice::argument(std::string_view key) const {
  const auto found =
      std::find_if(arguments.begin(), arguments.end(), [&](const auto& one) { return one.first == key; });
  if (found == arguments.end()) return {};
  return found->second;
}

EalOptions read_eal(std::span<const std::string> arguments) {
  EalOptions found;
  for (const Given& option : read(arguments)) {
    if (option.name == "--vdev" || is_allow(option)) found.devices.push_back(device_of(option));
    if (option.name == "--no-huge") found.huge = false;
    if (option.name == "--in-memory") found.in_memory = true;
    if (option.name == "--no-pci") found.pci = false;
    if (option.name == "--file-prefix") found.file_prefix = option.value;
    if (subject_of(option.name) == "cores") found.cores = true;
  }
  return found;
}

std::vector<std::string> merge_eal(std::span<const std::string> profile, std::span<const std::string> given) {
  const std::vector<Given> ours = read(given);
  const bool pci = std::any_of(ours.begin(), ours.end(), is_allow);
  std::vector<std::string> merged;
  for (const Given& option : read(profile)) {
    const bool spoken = std::any_of(ours.begin(), ours.end(),
                                    [&](const Given& own) { return subject_of(own.name) == subject_of(option.name); });
    // A PCI device is not found without PCI.
    if (!spoken && !(pci && option.name == "--no-pci"))
      merged.insert(merged.end(), option.given.begin(), option.given.end());
  }
  merged.insert(merged.end(), given.begin(), given.end());
  return merged;
}

bool names_pages(std::span<const std::string> arguments) { return speaks_of(arguments, "pages"); }

bool names_memory(std::span<const std::string> arguments) { return speaks_of(arguments, "amount"); }

}  // namespace serried::config
