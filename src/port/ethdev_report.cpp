// What a device turned out to be, as a line of the log.

#include <algorithm>

#include "base/setup.h"
#include "port/ethdev.h"

namespace serried::port {

SERRIED_SETUP std::string EthdevReport::queues_text() const {
  if (rx_queues == tx_queues) return std::to_string(tx_queues) + " queues";
  return std::to_string(rx_queues) + " receive and " + std::to_string(tx_queues) + " transmit queues";
}

/// "4096 mbufs a lane", "4096/1024 mbufs a lane": each number once.
SERRIED_SETUP std::string EthdevReport::buffers_text() const {
  std::vector<unsigned> different;
  for (const unsigned count : buffers)
    if (count != 0 && std::find(different.begin(), different.end(), count) == different.end())
      different.push_back(count);
  std::string text;
  for (const unsigned count : different) text.append(text.empty() ? "" : "/").append(std::to_string(count));
  return text + " mbufs a lane";
}

SERRIED_SETUP std::string EthdevReport::text() const {
  const auto by = [](bool nic) { return nic ? "nic" : "software"; };
  std::string line = device + " (" + driver + ", port " + std::to_string(port_id) + ", NUMA " +
                     (numa_node < 0 ? "any" : std::to_string(numa_node)) + ", " + format_mac(mac) + ", MTU " +
                     std::to_string(mtu) + "): " + queues_text() + ", " + std::to_string(rx_descriptors) + "/" +
                     std::to_string(tx_descriptors) + " descriptors, " + buffers_text() + "; checksums rx ip " +
                     by(rx_ip_checksum) + " udp " + by(rx_udp_checksum) + ", tx ip " + by(tx_ip_checksum) + " udp " +
                     by(tx_udp_checksum) + "; RSS";
  if (rss_hash_types.empty()) line += " none";
  for (const std::string& type : rss_hash_types) line += " " + type;
  line += link_up ? "; link up" : "; link down";
  if (link_up && link_mbps > 0) line.append(" ").append(std::to_string(link_mbps)).append(" Mbit/s");
  for (const std::string& note : notes) line += "; " + note;
  return line;
}

}  // namespace serried::port
