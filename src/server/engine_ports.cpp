// The two kinds of port a server stands on, opened from its configuration.

#include <algorithm>

#include <rte_ethdev.h>

#include "server/engine_on.h"
#include "session/id.h"

namespace serried::server {
namespace {

/// Upper bits of a connection id, which is the first field of a datagram, little-endian.
constexpr port::LaneField lane_field{3, 8 - session::id_lane_bits};
static_assert(session::lane_of(0x5000'0000) == 0x50U >> lane_field.shift);

}  // namespace

Result<SocketPorts> SocketPorts::open(const config::ServerConfig& config, unsigned shards) {
  SocketPorts ports;
  port::SocketConfig settings = config::socket_config(config, shards);
  settings.local_addresses = ports.local_addresses_.get();
  for (unsigned i = 0; i < config.io_lanes; ++i) {
    auto socket = port::Socket::open(settings);
    if (!socket) return socket.error();
    ports.sockets_.push_back(std::move(socket).value());
  }
  if (config.io_lanes == 1) return ports;
  if (!config.steering) {
    ports.steering_ = "sockets: not steered; lanes hand over what came to another";
  } else if (auto steered = ports.sockets_.front()->steer(lane_field, config.io_lanes)) {
    ports.steering_ = "sockets: the kernel steers sealed datagrams to their lanes";
  } else {
    ports.steering_ = "sockets: " + steered.error().message + "; lanes hand over what came to another";
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
  std::vector<std::string> lines{std::move(note)};
  if (!steering_.empty()) lines.push_back(steering_);
  return lines;
}

namespace {

port::XdpFilterConfig filter_config(const config::ServerConfig& config, unsigned interface_index) {
  const port::HostConfig host = config::ethdev_config(config, 1).host;
  port::XdpFilterConfig filter;
  filter.interface_index = interface_index;
  filter.has_ipv4 = host.has_ipv4;
  filter.has_ipv6 = host.has_ipv6;
  filter.ipv4 = host.ipv4.address;
  filter.ipv6 = host.ipv6.address;
  filter.udp_port = config.udp_port;
  filter.rate_per_s = config.xdp_rate_per_s;
  return filter;
}

template <class Filter>
admin::BanSink sink_to(const char* name, Filter& filter) {
  return {name, [&filter](const guard::Prefix& prefix) { return filter.ban(prefix.address, prefix.bits); },
          [&filter](const guard::Prefix& prefix) { filter.lift(prefix.address, prefix.bits); }};
}

}  // namespace

Result<Done> DevicePorts::open_filters(const config::ServerConfig& config) {
  const std::uint16_t port_id = device_->report().port_id;
  if (auto flow = port::FlowFilter::open(port_id, config.vlan)) flow_ = std::move(flow).value();
  if (!config.xdp_filter) return Done{};
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port_id, &info) != 0 || info.if_index == 0)
    return Error{"--xdp-filter: device " + device_->report().device + " stands on no kernel interface; use net_af_xdp"};
  auto xdp = port::XdpFilter::open(filter_config(config, info.if_index));
  if (!xdp) return xdp.error().within("--xdp-filter");
  xdp_ = std::move(xdp).value();
  return Done{};
}

std::vector<admin::BanSink> DevicePorts::ban_sinks() {
  std::vector<admin::BanSink> sinks;
  if (xdp_) sinks.push_back(sink_to("xdp", *xdp_));
  if (flow_) sinks.push_back(sink_to("rte_flow", *flow_));
  return sinks;
}

void DevicePorts::poll_missed() noexcept {
  device_->poll_missed();
  if (xdp_) filtered_ = xdp_->counts();
}

void DevicePorts::collect_filtered(telemetry::Snapshot& snapshot) const {
  const auto add = [&](metrics::Drop reason, std::uint64_t frames) {
    snapshot.drops[static_cast<std::size_t>(reason)] += frames;
    snapshot.counters[metrics::CounterId::port_rx_frames] += frames;
  };
  add(metrics::Drop::filter_banned, filtered_.banned);
  add(metrics::Drop::filter_rate, filtered_.rate);
  add(metrics::Drop::filter_malformed, filtered_.malformed);
}

Result<DevicePorts> DevicePorts::open(const config::ServerConfig& config, unsigned shards) {
  auto device = port::EthdevDevice::open(config::ethdev_config(config, shards));
  if (!device) return device.error();
  DevicePorts ports;
  ports.device_ = std::move(device).value();
  if (auto done = ports.open_filters(config); !done) return done.error();
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
  lines.push_back(flow_ ? "bans go into the NIC as rte_flow rules"
                        : "the driver takes no rte_flow rules; lanes drop bans");
  if (xdp_) lines.emplace_back("our XDP program filters before the lanes; ARP and ICMP are the kernel's");
  if (!report.link_up) lines.emplace_back("the link of " + report.device + " is down; the server waits for it");
  return lines;
}

}  // namespace serried::server
