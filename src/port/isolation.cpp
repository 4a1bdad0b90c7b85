#include "port/isolation.h"

#include <algorithm>
#include <array>
#include <sys/stat.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

#include "base/setup.h"

namespace serried::port {
namespace {

bool is_regular(const std::string& file) {
  struct stat found {};
  return stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

SERRIED_SETUP std::string isolation_fault(std::string_view driver, std::string_view arguments,
                                          unsigned interface_index) {
  static constexpr std::array<std::string_view, 3> isolated{"net_null", "net_pcap", "net_ring"};
  if (std::find(isolated.begin(), isolated.end(), driver) == isolated.end()) return "is of " + std::string(driver);
  if (interface_index != 0) return "stands on an interface of the kernel";
  while (!arguments.empty()) {
    const std::string_view argument = arguments.substr(0, arguments.find(','));
    arguments.remove_prefix(std::min(arguments.size(), argument.size() + 1));
    const std::string_view key = argument.substr(0, argument.find('='));
    const std::string value(argument.substr(std::min(argument.size(), key.size() + 1)));
    if (key.find("iface") != std::string_view::npos) return "stands on the interface " + value;
    if (key == "rx_pcap" && !is_regular(value)) return "reads " + value + ", which is no regular file";
  }
  return {};
}

SERRIED_SETUP Result<Done> check_isolated(std::uint16_t port_id) {
  rte_eth_dev_info info{};
  char name[RTE_ETH_NAME_MAX_LEN] = "?";
  static_cast<void>(rte_eth_dev_get_name_by_port(port_id, name));
  std::string fault = "cannot be asked what it is";
  if (rte_eth_dev_info_get(port_id, &info) == 0 && info.driver_name != nullptr) {
    // A ring pair of our own making has no arguments.
    const rte_devargs* const given = info.device != nullptr ? rte_dev_devargs(info.device) : nullptr;
    fault =
        isolation_fault(info.driver_name, given != nullptr && given->args != nullptr ? given->args : "", info.if_index);
  }
  if (fault.empty()) return Done{};
  return Error{"device " + std::string(name) + " " + fault};
}

}  // namespace serried::port
