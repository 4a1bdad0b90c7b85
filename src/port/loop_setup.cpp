#include "port/loop.h"

#include <algorithm>
#include <cstring>

namespace serried::port {

LoopNetwork::LoopNetwork(const LoopNetworkConfig& config)
    : seed_(config.seed),
      scatter_(config.scatter),
      profile_(config.profile),
      flights_(config.in_flight_max),
      bytes_(new std::uint8_t[std::size_t{config.in_flight_max} * BufferPool::data_bytes_max]) {
  for (std::uint32_t i = 0; i < flights_.size(); ++i) flights_[i].left = i + 1 < flights_.size() ? i + 1 : nil;
  free_ = flights_.empty() ? nil : 0;
}

LoopNetwork::~LoopNetwork() { SERRIED_CHECK(routes_.empty()); }

Result<std::unique_ptr<LoopPort>> LoopNetwork::open(const LoopPortConfig& config) {
  std::unique_ptr<LoopPort> port(new LoopPort(*this, config, ports_made_));
  port->outbound_ = profile_;
  auto bound = bind(*port, config.address, config.port_first, config.port_last);
  if (!bound) return bound.error();
  ++ports_made_;
  return port;
}

void LoopNetwork::set_profile(const LoopProfile& profile) noexcept {
  profile_ = profile;
  for (LoopPort* port : routes_) port->outbound_ = profile;
}

Nanos LoopNetwork::next_due() const noexcept {
  Nanos due = ~Nanos{0};
  for (const LoopPort* port : routes_)
    if (port->heap_ != nil) due = std::min(due, flights_[port->heap_].due);
  return due;
}

Result<Done> LoopNetwork::bind(LoopPort& port, const Address& address, std::uint16_t first, std::uint16_t last) {
  if (last == 0) last = first;
  if (first == 0 || last < first)
    return Error{"loop port " + format_endpoint(address, first) +
                 ": the UDP ports must be 1 to 65535, first before last"};
  for (const LoopPort* other : routes_) {
    if (other == &port || other->address_ != address || last < other->port_first_ || first > other->port_last_)
      continue;
    const bool same = first == other->port_first_ && last == other->port_last_;
    if (!(same && port.shared_ && other->shared_))
      return Error{"loop port " + format_endpoint(address, first) + " is taken; choose another address or UDP port"};
  }
  unbind(port);
  port.address_ = address;
  port.port_first_ = first;
  port.port_last_ = last;
  const auto place = std::upper_bound(routes_.begin(), routes_.end(), &port, [](const LoopPort* a, const LoopPort* b) {
    if (a->address_ != b->address_) return a->address_ < b->address_;
    return a->port_first_ != b->port_first_ ? a->port_first_ < b->port_first_ : a->id_ < b->id_;
  });
  routes_.insert(place, &port);
  return Done{};
}

void LoopNetwork::unbind(LoopPort& port) noexcept {
  routes_.erase(std::remove(routes_.begin(), routes_.end(), &port), routes_.end());
}

LoopPort::LoopPort(LoopNetwork& network, const LoopPortConfig& config, std::uint32_t id)
    : network_(network), pool_(config.buffers), shared_(config.shared), id_(id) {}

LoopPort::~LoopPort() {
  while (heap_ != LoopNetwork::nil) {
    const std::uint32_t index = heap_;
    heap_ = network_.merge(network_.flights_[index].left, network_.flights_[index].right);
    ++network_.counters_.unroutable;
    network_.land(index);
  }
  network_.unbind(*this);
}

Result<Done> LoopPort::rebind(const Address& address, std::uint16_t port_first, std::uint16_t port_last) {
  return network_.bind(*this, address, port_first, port_last);
}

}  // namespace serried::port
