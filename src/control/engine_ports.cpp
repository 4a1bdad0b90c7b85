// The two kinds of port a server stands on, opened from its configuration.

#include <algorithm>

#include "control/engine_on.h"

namespace serried::control {

Result<SocketPorts> SocketPorts::open(const ServerConfig& config, unsigned shards) {
  SocketPorts ports;
  for (unsigned i = 0; i < config.io_lanes; ++i) {
    auto socket = port::Socket::open(socket_config(config, shards));
    if (!socket) return socket.error();
    ports.sockets_.push_back(std::move(socket).value());
  }
  return ports;
}

void SocketPorts::poll_missed() noexcept {
  for (auto& socket : sockets_) socket->poll_missed();
}

std::string SocketPorts::endpoints() const {
  const wire::Path& local = sockets_.front()->local();
  return port::format_endpoint(local.address, local.port);
}

std::vector<std::string> SocketPorts::notes() const {
  const port::SocketReport& report = sockets_.front()->report();
  std::string note = "socket: receive buffer " + std::to_string(report.receive_bytes >> 10) + " KiB, send buffer " +
                     std::to_string(report.send_bytes >> 10) + " KiB, GRO " + (report.gro ? "on" : "off") + ", GSO " +
                     (report.gso ? "on" : "off");
  // A tick's burst of a thousand players fits into a megabyte; what the kernel gives by default does not hold it.
  if (report.receive_bytes < (1 << 20))
    note += "; small: raise net.core.rmem_max and net.core.wmem_max with sysctl if datagrams are missed";
  return {note};
}

Result<DevicePorts> DevicePorts::open(const ServerConfig& config, unsigned shards) {
  auto device = port::EthdevDevice::open(ethdev_config(config, shards));
  if (!device) return device.error();
  DevicePorts ports;
  ports.device_ = std::move(device).value();
  for (const std::string& text : config.addresses) {
    const auto address = port::parse_local_address(text);
    if (!address) return address.error();
    ports.endpoints_ +=
        (ports.endpoints_.empty() ? "" : ", ") + port::format_endpoint(address.value().address, config.udp_port);
  }
  return ports;
}

std::vector<std::string> DevicePorts::notes() const {
  const port::EthdevReport& report = device_->report();
  std::vector<std::string> lines{report.text()};
  lines.insert(lines.end(), report.notes.begin(), report.notes.end());
  if (!report.link_up) lines.emplace_back("the link of " + report.device + " is down; the server waits for it");
  return lines;
}

}  // namespace serried::control
