// The two kinds of port a server stands on, opened from its configuration.

#include <algorithm>
#include <numeric>

#include <rte_ethdev.h>

#include "base/clock.h"
#include "config/ports.h"
#include "port/isolation.h"
#include "server/engine_on.h"
#include "session/id.h"

namespace serried::server {
namespace {

/// Upper bits of a connection id, which is the first field of a datagram, little-endian.
constexpr port::LaneField lane_field{3, 8 - session::id_lane_bits};
static_assert(session::lane_of(0x5000'0000) == 0x50U >> lane_field.shift);

constexpr const char* not_asked_to_steer = "--steering is off";

}  // namespace

Result<SocketPorts> SocketPorts::open(const EngineSetup& setup, LaneBuilder& builder) {
  const config::ServerConfig& config = setup.config;
  SocketPorts ports;
  port::SocketConfig settings = config::socket_config(config, setup.shards);
  settings.local_addresses = ports.local_addresses_.get();
  for (unsigned i = 0; i < config.io_lanes; ++i) {
    Result<Done> done = Done{};
    builder.build({LaneKind::io, i}, [&] {
      auto socket = port::Socket::open(settings);
      if (socket)
        ports.sockets_.push_back(std::move(socket).value());
      else
        done = socket.error();
    });
    if (!done) return done.error();
    settings.sharing = port::Sharing::joining;
  }
  if (config.io_lanes == 1) return ports;
  ports.not_steered_ = not_asked_to_steer;
  if (config.steering) {
    const auto steered = ports.sockets_.front()->steer(lane_field, config.io_lanes);
    ports.not_steered_ = steered ? "" : steered.error().message;
  }
  ports.steering_ = ports.not_steered_.empty() ? "sockets: the kernel steers sealed datagrams to their lanes"
                                               : "sockets: lanes hand over what came to another: " + ports.not_steered_;
  return ports;
}

void SocketPorts::poll_missed() noexcept {
  for (auto& socket : sockets_) socket->poll_missed();
}

void SocketPorts::collect_filtered(telemetry::Snapshot& snapshot) const {
  telemetry::PortRules& rules = snapshot.rules.emplace_back();
  rules.port = "sockets";
  rules.lanes = static_cast<unsigned>(sockets_.size());
  rules.steered = not_steered_.empty() ? rules.lanes : 0;
  rules.not_steered = not_steered_;
}

std::string SocketPorts::endpoints() const { return port::format_endpoint(sockets_.front()->local()); }

std::vector<std::string> SocketPorts::notes() const {
  const port::SocketReport& report = sockets_.front()->report();
  std::string note = "socket: receive buffer " + std::to_string(report.receive_bytes >> 10) + " KiB, send buffer " +
                     std::to_string(report.send_bytes >> 10) + " KiB, GRO " + (report.gro ? "on" : "off") + ", GSO " +
                     (report.gso ? "on" : "off");
  // A tick's burst of a thousand players fits into a megabyte; what the kernel gives by default does not hold it.
  if (report.receive_bytes < (1 << 20))
    note += "; small: raise net.core.rmem_max and net.core.wmem_max with sysctl if datagrams are missed";
  std::vector<std::string> lines{std::move(note)};
  if (!report.has_ipv6) lines.emplace_back("this system has no IPv6; the server speaks IPv4 alone");
  if (report.receives_singly)
    lines.emplace_back("this system forbids recvmmsg; each datagram is received by a call of its own");
  if (report.sends_singly)
    lines.emplace_back("this system forbids sendmmsg; each message is sent by a call of its own");
  if (!steering_.empty()) lines.push_back(steering_);
  return lines;
}

namespace {

port::XdpFilterConfig filter_config(const config::ServerConfig& config, unsigned device, unsigned interface_index) {
  const port::HostConfig host = config::host_config(config, config.ports[device]);
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

/// However many places bans by score take: the map has one for each ban of an operator.
static_assert(admin::Admin::operator_bans_max + admin::Admin::score_bans_max <= port::XdpFilter::bans_max);

template <class Filter>
admin::BanSink sink_to(std::string name, Filter& filter, std::size_t score_bans_max) {
  return {std::move(name), [&filter](const guard::Prefix& prefix) { return filter.ban(prefix.address, prefix.bits); },
          [&filter](const guard::Prefix& prefix) { filter.lift(prefix.address, prefix.bits); }, score_bans_max};
}

}  // namespace

void DevicePorts::open_rules(const config::ServerConfig& config, unsigned index, Device& device) {
  const port::HostConfig host = config::host_config(config, config.ports[index]);
  port::FlowRulesConfig rules;
  rules.vlan = host.vlan;
  rules.udp_port = host.port_first;
  rules.has_ipv4 = host.has_ipv4;
  rules.has_ipv6 = host.has_ipv6;
  rules.networks = port::keeps_to_masks(device.ethdev->report().driver);
  rules.lane = lane_field;
  for (unsigned lane = 0; lane < config.io_lanes; ++lane) rules.queues.push_back(device.ethdev->receive_queue(lane));
  rules.not_asked = config.steering ? "" : not_asked_to_steer;
  device.flow =
      std::make_unique<port::FlowRules>(std::move(rules), port::flow_driver_of(device.ethdev->report().port_id));
}

Result<Done> DevicePorts::open_filters(const config::ServerConfig& config, unsigned index, Device& device) {
  const std::uint16_t port_id = device.ethdev->report().port_id;
  open_rules(config, index, device);
  if (!config.xdp_filter) return Done{};
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port_id, &info) != 0 || info.if_index == 0)
    return Error{"--xdp-filter: device " + device.name() + " stands on no kernel interface; use net_af_xdp"};
  auto xdp = port::XdpFilter::open(filter_config(config, index, info.if_index));
  if (!xdp) return xdp.error().within("--xdp-filter");
  device.xdp = std::move(xdp).value();
  return Done{};
}

Result<Done> DevicePorts::open_device(const EngineSetup& engine, const config::Homes& homes, unsigned index,
                                      Nanos waited) {
  const config::ServerConfig& config = engine.config;
  const std::string& name = config.ports[index];
  const auto id = port::EthdevDevice::find(name);
  if (!id) return id.error();
  for (const Device& other : devices_)
    if (other.ethdev->report().port_id == id.value())
      return Error{"--port " + name + " and --port " + other.name() + " are one device; name it once"};
  if (config.measurement_seed != 0)
    if (const auto isolated = port::check_isolated(id.value()); !isolated)
      return Error{"--measurement: " + isolated.error().message +
                   ", where strangers could send to a server whose keys are no secret; measure on net_pcap that reads "
                   "files, net_null or net_ring, or leave --measurement out"};
  port::EthdevConfig setup = config::ethdev_config(config, engine.shards, index, homes);
  setup.link_timeout -= std::min(setup.link_timeout, waited);
  crypt::Entropy{}.fill({reinterpret_cast<std::uint8_t*>(&setup.salt), sizeof setup.salt});
  auto ethdev = port::EthdevDevice::open(setup);
  if (!ethdev) return ethdev.error();
  Device& device = devices_.emplace_back();
  device.ethdev = std::move(ethdev).value();
  return open_filters(config, index, device);
}

Result<DevicePorts> DevicePorts::open(const EngineSetup& setup, LaneBuilder& builder) {
  const config::ServerConfig& config = setup.config;
  const config::Homes homes = setup.homes.empty() ? config::home_devices(config, {}) : setup.homes;
  DevicePorts ports;
  std::vector<port::EthdevDevice*> devices;
  const Nanos began = base::now();
  for (unsigned i = 0; i < config.ports.size(); ++i) {
    // One wait for the links of all: meanwhile the rings of those that are up fill.
    if (auto done = ports.open_device(setup, homes, i, base::now() - began); !done) return done.error();
    devices.push_back(ports.devices_.back().ethdev.get());
  }
  for (unsigned lane = 0; lane < config.io_lanes; ++lane)
    builder.build({LaneKind::io, lane},
                  [&] { ports.lanes_.push_back(std::make_unique<port::EthdevQueues>(devices, lane)); });
  std::vector<std::string> endpoints;
  for (const std::string& text : config.addresses) {
    const auto address = config::parse_own_address(text);
    if (!address) return address.error();
    // Devices may share an address.
    const std::string endpoint = port::format_endpoint(address.value().local.address, config.udp_port);
    if (std::find(endpoints.begin(), endpoints.end(), endpoint) != endpoints.end()) continue;
    endpoints.push_back(endpoint);
    ports.endpoints_ += (ports.endpoints_.empty() ? "" : ", ") + endpoint;
  }
  return ports;
}

DevicePorts::~DevicePorts() { static_cast<void>(close()); }

std::vector<PortBuffers> DevicePorts::close() {
  for (Device& device : devices_) {
    device.flow.reset();  // while the device runs, and takes its rules back
    device.xdp.reset();
    device.ethdev->close();
  }
  std::vector<PortBuffers> left;
  for (const Device& device : devices_) {
    const std::vector<unsigned>& of_lanes = device.ethdev->report().buffers;
    left.push_back(
        {device.name(), std::accumulate(of_lanes.begin(), of_lanes.end(), 0U), device.ethdev->outstanding()});
  }
  return left;
}

std::string DevicePorts::of(const Device& device) const { return devices_.size() == 1 ? "" : " of " + device.name(); }

std::vector<admin::BanSink> DevicePorts::ban_sinks() {
  std::vector<admin::BanSink> sinks;
  for (Device& device : devices_) {
    if (device.xdp) sinks.push_back(sink_to("xdp" + of(device), *device.xdp, admin::Admin::score_bans_max));
    if (device.flow->takes_bans())
      sinks.push_back(sink_to("rte_flow" + of(device), *device.flow, port::FlowRules::score_rules_max));
  }
  return sinks;
}

void DevicePorts::poll_missed() noexcept {
  for (Device& device : devices_) {
    device.ethdev->poll_missed(base::now());
    if (device.xdp) device.filtered = device.xdp->counts();
  }
}

std::vector<PortLink> DevicePorts::links() const {
  std::vector<PortLink> links;
  for (const Device& device : devices_)
    links.push_back({device.name(), device.ethdev->link_up(), device.ethdev->silent()});
  return links;
}

std::vector<port::EthdevReport> DevicePorts::reports() const {
  std::vector<port::EthdevReport> reports;
  for (const Device& device : devices_) reports.push_back(device.ethdev->report());
  return reports;
}

std::vector<PortMishap> DevicePorts::mend() {
  using State = port::XdpProgram::State;
  std::vector<PortMishap> mishaps;
  for (Device& device : devices_) {
    const port::DeviceEvents& events = device.ethdev->events();
    if (events.is_leaving())
      mishaps.push_back({device.name(), "the system takes it away (unbound, or unplugged)", true});
    if (events.wants_reset())
      mishaps.push_back({device.name(), "its driver must reset it, which is done by a new start", true});
    const port::XdpProgram& program = device.ethdev->xdp_program();
    const State state = program.state();
    if (state == State::another) {
      mishaps.push_back({device.name(), "its interface has another XDP program: " + program.describe(), true});
    } else if (state == State::gone) {
      const auto done = program.put_back();
      const std::string text = "another process took our XDP program off its interface; ";
      if (done) ++device.xdp_restored;
      mishaps.push_back({device.name(), text + (done ? "it is attached again" : done.error().message), !done});
    }
  }
  return mishaps;
}

bool DevicePorts::count_buffers(const LaneNodes& nodes, std::vector<telemetry::PlacedMemory>& report) const {
  bool allowed = true;
  for (unsigned lane = 0; lane < lanes_.size(); ++lane)
    for (const Device& device : devices_) {
      if (!device.ethdev->lane(lane).receives()) continue;
      const LaneId id{LaneKind::io, lane};
      const int known = device.ethdev->report().numa_node, node = known != any_node ? known : nodes.of(id);
      allowed = count_memory(report, id, "buffers of " + device.name(), node,
                             [&](const auto& visit) { device.ethdev->each_buffer_range(lane, visit); }) &&
                allowed;
    }
  return allowed;
}

void DevicePorts::collect_filtered(telemetry::Snapshot& snapshot) const {
  const auto add = [&](metrics::Drop reason, std::uint64_t frames) {
    snapshot.drops[static_cast<std::size_t>(reason)] += frames;
    snapshot.counters[metrics::CounterId::port_rx_frames] += frames;
  };
  for (const Device& device : devices_) {
    add(metrics::Drop::filter_banned, device.filtered.banned);
    add(metrics::Drop::filter_rate, device.filtered.rate);
    add(metrics::Drop::filter_malformed, device.filtered.malformed);
    snapshot.counters[metrics::CounterId::port_xdp_restored] += device.xdp_restored;
    port::FlowReport report = device.flow->report();
    snapshot.rules.push_back({device.name(), report.lanes, report.steered, std::move(report.not_steered),
                              std::move(report.bans), std::move(report.not_banned), report.ban_rules});
  }
}

std::vector<std::string> DevicePorts::notes_of(const Device& device) {
  const port::EthdevReport& report = device.ethdev->report();
  std::vector<std::string> lines = report.notes;
  const port::FlowReport rules = device.flow->report();
  if (std::string text = rules.lanes_text(); !text.empty()) lines.push_back(std::move(text));
  lines.push_back(rules.bans_text());
  if (device.xdp) lines.emplace_back("our XDP program filters before the lanes; ARP and ICMP are the kernel's");
  if (!report.link_up) lines.push_back("the link of " + report.device + " is down; the server waits for it");
  return lines;
}

std::vector<std::string> DevicePorts::notes() const {
  std::vector<std::string> lines;
  for (const Device& device : devices_) {
    lines.push_back(device.ethdev->report().text());
    for (const std::string& note : notes_of(device))
      lines.push_back(devices_.size() == 1 ? note : device.name() + ": " + note);
  }
  return lines;
}

}  // namespace serried::server
