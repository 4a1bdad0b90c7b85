#include "server/expectation.h"

#include <algorithm>
#include <utility>

namespace serried::server {

std::vector<std::string> unmet_expectations(const config::Profile& profile, const port::EthdevReport& report,
                                            unsigned io_lanes) {
  std::vector<std::string> unmet;
  if (report.driver != profile.driver)
    unmet.push_back("has the driver " + report.driver + ", and the profile is for " + profile.driver);
  const std::pair<const char*, bool> has[] = {{"rx-ip", report.rx_ip_checksum},
                                              {"rx-udp", report.rx_udp_checksum},
                                              {"tx-ip", report.tx_ip_checksum},
                                              {"tx-udp", report.tx_udp_checksum}};
  for (const auto& [name, there] : has)
    if (!there && std::find(profile.checksums.begin(), profile.checksums.end(), name) != profile.checksums.end())
      unmet.push_back("has no checksum offload " + std::string{name} + ", software does it");
  if (io_lanes < 2) return unmet;
  for (const std::string& type : profile.rss)
    if (std::find(report.rss_hash_types.begin(), report.rss_hash_types.end(), type) == report.rss_hash_types.end())
      unmet.push_back("does not hash " + type + ", so io lanes may get unequal shares");
  return unmet;
}

}  // namespace serried::server
