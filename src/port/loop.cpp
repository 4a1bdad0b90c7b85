#include "port/loop.h"

#include <algorithm>
#include <cstring>

#include "base/setup.h"

namespace serried::port {
namespace {

Nanos delay_of(const LoopProfile& profile, base::Prng& rng) noexcept {
  if (profile.delay_max <= profile.delay_min) return profile.delay_min;
  return profile.delay_min + rng.below(profile.delay_max - profile.delay_min + 1);
}

/// Always two throws, so that a change of one profile shifts nothing else.
bool either(double first, double second, base::Prng& rng) noexcept {
  const bool one = rng.chance(first);
  const bool other = rng.chance(second);
  return one || other;
}

/// Spread sources over the ports that share an address, the same source always to the same one.
std::uint64_t source_hash(const wire::Path& source) noexcept {
  std::uint64_t high = 0, low = 0;
  std::memcpy(&high, source.address.data(), sizeof high);
  std::memcpy(&low, source.address.data() + sizeof high, sizeof low);
  return base::mix(high, low, source.port);
}

}  // namespace

SERRIED_SETUP LoopNetwork::LoopNetwork(const LoopNetworkConfig& config)
    : seed_(config.seed),
      scatter_(config.scatter),
      profile_(config.profile),
      flights_(config.in_flight_max),
      bytes_(new std::uint8_t[std::size_t{config.in_flight_max} * BufferPool::data_bytes_max]) {
  for (std::uint32_t i = 0; i < flights_.size(); ++i) flights_[i].left = i + 1 < flights_.size() ? i + 1 : nil;
  free_ = flights_.empty() ? nil : 0;
}

SERRIED_SETUP LoopNetwork::~LoopNetwork() { SERRIED_CHECK(routes_.empty()); }

SERRIED_SETUP Result<std::unique_ptr<LoopPort>> LoopNetwork::open(const LoopPortConfig& config) {
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

SERRIED_SETUP Result<Done> LoopNetwork::bind(LoopPort& port, const Address& address, std::uint16_t first,
                                             std::uint16_t last) {
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

SERRIED_SETUP LoopPort::LoopPort(LoopNetwork& network, const LoopPortConfig& config, std::uint32_t id)
    : network_(network), pool_(config.buffers), shared_(config.shared), id_(id) {}

SERRIED_SETUP LoopPort::~LoopPort() {
  while (heap_ != LoopNetwork::nil) {
    const std::uint32_t index = heap_;
    heap_ = network_.merge(network_.flights_[index].left, network_.flights_[index].right);
    ++network_.counters_.unroutable;
    network_.land(index);
  }
  network_.unbind(*this);
}

SERRIED_SETUP Result<Done> LoopPort::rebind(const Address& address, std::uint16_t port_first, std::uint16_t port_last) {
  return network_.bind(*this, address, port_first, port_last);
}

void LoopPort::receive(wire::Batch& batch, Nanos now) noexcept {
  batch.clear();
  auto& flights = network_.flights_;
  while (heap_ != LoopNetwork::nil && flights[heap_].due <= now && batch.rows < wire::Batch::capacity) {
    const std::uint32_t index = heap_;
    const LoopNetwork::Flight& flight = flights[index];
    heap_ = network_.merge(flight.left, flight.right);
    if (!owns(flight.destination, flight.destination_port)) {
      ++network_.counters_.unroutable;
    } else if (const wire::Buffer buffer = pool_.take(); buffer.owner == nullptr) {
      ++network_.counters_.missed;
      counters_.rx_frames.add(1);
      counters_.drops.add(metrics::Drop::nic_missed);
    } else {
      std::memcpy(buffer.data, network_.bytes_of(index), flight.length);
      wire::Path path = flight.source;
      path.local_port = flight.destination_port;
      batch.append(buffer.data, flight.length, buffer.owner, path);
      ++network_.counters_.delivered;
      counters_.rx_frames.add(1);
      counters_.rx_bytes.add(flight.length);
      counters_.rx_packets.add(1);
    }
    network_.land(index);
  }
}

void LoopPort::transmit(wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint16_t local_port = batch.path[row].local_port == 0 ? port_first_ : batch.path[row].local_port;
    if (batch.length[row] > BufferPool::data_bytes_max || !owns(address_, local_port)) {
      counters_.drops.add(metrics::Drop::no_next_hop);
      continue;
    }
    counters_.tx_packets.add(1);
    counters_.tx_bytes.add(batch.length[row]);
    network_.send(*this, batch.data[row], batch.length[row], batch.path[row], now);
  }
  pool_.give(batch);
}

void LoopNetwork::send(LoopPort& from, const std::uint8_t* data, std::uint16_t length, const wire::Path& to,
                       Nanos now) noexcept {
  base::Prng rng(base::mix(seed_, from.id_, from.sent_++));
  ++counters_.sent;
  const wire::Path source = endpoint(from.address_, to.local_port == 0 ? from.port_first_ : to.local_port);
  LoopPort* const target = route(to, scatter_ ? base::mix(seed_, from.id_, from.sent_, 1) : source_hash(source));
  if (target == nullptr) {
    ++counters_.unroutable;
    return;
  }
  const bool lost = either(from.outbound_.loss, target->inbound_.loss, rng);
  const bool twice = either(from.outbound_.duplicate, target->inbound_.duplicate, rng);
  if (twice) ++counters_.duplicated;
  if (lost) {
    counters_.lost += twice ? 2 : 1;
    return;
  }
  launch(from, *target, data, length, to, now, rng);
  if (twice) launch(from, *target, data, length, to, now, rng);
}

void LoopNetwork::launch(LoopPort& from, LoopPort& to, const std::uint8_t* data, std::uint16_t length,
                         const wire::Path& where, Nanos now, base::Prng& rng) noexcept {
  const bool flip = either(from.outbound_.flip, to.inbound_.flip, rng);
  const std::uint64_t flipped_bit = rng.below(std::uint64_t{length} * 8);
  const Nanos delay = delay_of(from.outbound_, rng) + delay_of(to.inbound_, rng);
  if (free_ == nil) {
    ++counters_.overflowed;
    return;
  }
  const std::uint32_t index = free_;
  Flight& flight = flights_[index];
  free_ = flight.left;
  ++in_flight_;

  flight.due = now + delay;
  if (from.outbound_.in_order) flight.due = std::max(flight.due, from.last_due_);
  from.last_due_ = std::max(from.last_due_, flight.due);
  flight.order = (std::uint64_t{from.id_} << 40) + from.sent_;
  flight.left = flight.right = nil;
  flight.rank = 1;
  flight.length = length;
  flight.destination = where.address;
  flight.destination_port = where.port;
  flight.source = endpoint(from.address_, where.local_port == 0 ? from.port_first_ : where.local_port);
  std::uint8_t* const bytes = bytes_of(index);
  if (length > 0) std::memcpy(bytes, data, length);
  if (flip && length > 0) {
    bytes[flipped_bit / 8] ^= static_cast<std::uint8_t>(1U << (flipped_bit % 8));
    ++counters_.flipped;
  }
  to.heap_ = merge(to.heap_, index);
}

/// `key` picks one of the ports that share the address.
LoopPort* LoopNetwork::route(const wire::Path& to, std::uint64_t key) const noexcept {
  // The last range that begins at or before the port; ranges of one address do not overlap, equal ones share.
  const auto after =
      std::upper_bound(routes_.begin(), routes_.end(), to, [](const wire::Path& path, const LoopPort* port) {
        return path.address != port->address_ ? path.address < port->address_ : path.port < port->port_first_;
      });
  if (after == routes_.begin() || !(*(after - 1))->owns(to.address, to.port)) return nullptr;
  auto first = after - 1;
  while (first != routes_.begin() && (*(first - 1))->owns(to.address, to.port)) --first;
  return first[static_cast<std::ptrdiff_t>(key % static_cast<std::uint64_t>(after - first))];
}

bool LoopNetwork::precedes(std::uint32_t a, std::uint32_t b) const noexcept {
  const Flight& x = flights_[a];
  const Flight& y = flights_[b];
  return x.due != y.due ? x.due < y.due : x.order < y.order;
}

/// A leftist heap (C. A. Crane, 1972): merging walks right spines only, so it recurses log2(n) deep, not n.
std::uint32_t LoopNetwork::merge(std::uint32_t a, std::uint32_t b) noexcept {
  if (a == nil) return b;
  if (b == nil) return a;
  if (precedes(b, a)) std::swap(a, b);
  Flight& top = flights_[a];
  top.right = merge(top.right, b);
  const auto rank_of = [this](std::uint32_t index) { return index == nil ? 0U : flights_[index].rank; };
  if (rank_of(top.left) < rank_of(top.right)) std::swap(top.left, top.right);
  top.rank = rank_of(top.right) + 1;
  return a;
}

void LoopNetwork::land(std::uint32_t index) noexcept {
  flights_[index].left = free_;
  free_ = index;
  --in_flight_;
}

}  // namespace serried::port
