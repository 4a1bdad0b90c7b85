#pragma once
/// An in-process wire with faults: what LoopPorts send arrives late, twice, with a bit flipped or never, as one seed
/// decides.
/// It reads no clock, needs no EAL, and one seed gives one history: the fate of a datagram depends on its sender and
/// on how many that sender had sent before, not on the order in which ports are polled. One thread.
///
///     LoopPort::transmit --copy--> flight (heap by due time, one a receiver) --copy, when due--> LoopPort::receive
///
/// Buffers never change pools: a sender's come home in transmit, a receiver's are its own.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "port/address.h"
#include "port/pool.h"
#include "port/port.h"

namespace serried::port {

/// What the wire does to datagrams of one direction. Probabilities are of one datagram.
struct LoopProfile {
  double loss = 0;
  double duplicate = 0;  ///< a second copy, with a delay of its own
  double flip = 0;       ///< one bit, anywhere in the payload, is inverted
  Nanos delay_min = 0;   ///< the delay is uniform in [delay_min, delay_max]; what overtakes is reordered
  Nanos delay_max = 0;
  bool in_order = false;  ///< jitter without overtaking: a datagram is never due before the one sent ahead of it
};

struct LoopNetworkConfig {
  std::uint64_t seed = 1;
  unsigned in_flight_max = 65536;  ///< datagrams on the wire; what exceeds it is lost, counted as overflowed
  LoopProfile profile{};           ///< what a new port's outbound direction starts with
  /// Of ports that share an address, each datagram picks one by itself, as where nothing keeps a source to a queue.
  bool scatter = false;
};

/// sent + duplicated = delivered + lost + overflowed + unroutable + missed + in flight, at every moment.
struct LoopCounters {
  std::uint64_t sent = 0, duplicated = 0, flipped = 0;
  std::uint64_t delivered = 0, lost = 0;
  std::uint64_t overflowed = 0;  ///< the wire was full
  std::uint64_t unroutable = 0;  ///< no port at that address, on sending or when due
  std::uint64_t missed = 0;      ///< the receiver had no buffer; it counts nic_missed
};

struct LoopPortConfig {
  Address address{};
  std::uint16_t port_first = 0;
  std::uint16_t port_last = 0;  ///< 0: port_first alone
  unsigned buffers = 2048;
  /// Several ports of the same address and range, like the queues of a NIC: the source end point picks one.
  bool shared = false;
};

class LoopPort;

class LoopNetwork {
 public:
  explicit LoopNetwork(const LoopNetworkConfig& config);
  ~LoopNetwork();
  LoopNetwork(const LoopNetwork&) = delete;
  LoopNetwork& operator=(const LoopNetwork&) = delete;

  /// A new end point. Error: the address and port are taken. The network must outlive it.
  Result<std::unique_ptr<LoopPort>> open(const LoopPortConfig& config);

  /// For the outbound direction of every port there is, and of those to come.
  void set_profile(const LoopProfile& profile) noexcept;

  [[nodiscard]] const LoopCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] unsigned in_flight() const noexcept { return in_flight_; }
  /// When the next datagram is due, for a manual clock that jumps; ~0 when the wire is empty.
  [[nodiscard]] Nanos next_due() const noexcept;

 private:
  friend class LoopPort;
  static constexpr std::uint32_t nil = ~std::uint32_t{0};

  /// A datagram on the wire, a node of its receiver's leftist heap.
  struct Flight {
    Nanos due = 0;
    std::uint64_t order = 0;  ///< sender and its count: ties do not depend on the order of polling
    std::uint32_t left = nil, right = nil, rank = 0;
    std::uint16_t length = 0, destination_port = 0;
    Address destination{};
    wire::Path source{};
  };

  void send(LoopPort& from, const std::uint8_t* data, std::uint16_t length, const wire::Path& to, Nanos now) noexcept;
  void launch(LoopPort& from, LoopPort& to, const std::uint8_t* data, std::uint16_t length, const wire::Path& where,
              Nanos now, base::Prng& rng) noexcept;
  [[nodiscard]] std::uint8_t* bytes_of(std::uint32_t flight) const noexcept {
    return bytes_.get() + std::size_t{flight} * BufferPool::data_bytes_max;
  }
  [[nodiscard]] LoopPort* route(const wire::Path& to, std::uint64_t key) const noexcept;
  [[nodiscard]] bool precedes(std::uint32_t a, std::uint32_t b) const noexcept;
  [[nodiscard]] std::uint32_t merge(std::uint32_t a, std::uint32_t b) noexcept;
  void land(std::uint32_t flight) noexcept;
  Result<Done> bind(LoopPort& port, const Address& address, std::uint16_t first, std::uint16_t last);
  void unbind(LoopPort& port) noexcept;

  std::uint64_t seed_;
  bool scatter_;
  LoopProfile profile_;
  LoopCounters counters_;
  unsigned in_flight_ = 0;
  std::uint32_t ports_made_ = 0;
  std::uint32_t free_ = nil;  ///< unused flights, chained by `left`
  std::vector<Flight> flights_;
  std::unique_ptr<std::uint8_t[]> bytes_;  ///< payloads; apart, so that only what was ever in flight costs memory
  std::vector<LoopPort*> routes_;          ///< ordered by address, first port, id
};

/// One end point. Counts a datagram as sent when the wire took it, whatever happened to it there.
class LoopPort {
 public:
  ~LoopPort();
  LoopPort(const LoopPort&) = delete;
  LoopPort& operator=(const LoopPort&) = delete;

  void receive(wire::Batch& batch, Nanos now) noexcept;
  void transmit(wire::Batch& batch, Nanos now) noexcept;
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return pool_.take(buffers); }
  void release(wire::Batch& batch) noexcept { pool_.give(batch); }
  void release(const wire::Buffer& buffer) noexcept { pool_.give(buffer.owner); }
  [[nodiscard]] const PortCounters& counters() const noexcept { return counters_; }

  /// What happens to datagrams of this port, and on top of it to those on their way to it.
  void set_outbound(const LoopProfile& profile) noexcept { outbound_ = profile; }
  void set_inbound(const LoopProfile& profile) noexcept { inbound_ = profile; }

  /// Move to another address, as a roaming client does; what is still in flight to the old one is unroutable.
  Result<Done> rebind(const Address& address, std::uint16_t port_first, std::uint16_t port_last = 0);

  /// Where others reach it (its first port).
  [[nodiscard]] wire::Path local() const noexcept { return endpoint(address_, port_first_); }
  /// Buffers that are out; 0 when all came home.
  [[nodiscard]] unsigned outstanding() const noexcept { return pool_.outstanding(); }

 private:
  friend class LoopNetwork;
  LoopPort(LoopNetwork& network, const LoopPortConfig& config, std::uint32_t id);
  [[nodiscard]] bool owns(const Address& address, std::uint16_t port) const noexcept {
    return address == address_ && port >= port_first_ && port <= port_last_;
  }

  LoopNetwork& network_;
  BufferPool pool_;
  PortCounters counters_;
  LoopProfile outbound_, inbound_;
  Address address_{};
  std::uint16_t port_first_ = 0, port_last_ = 0;
  bool shared_ = false;
  std::uint32_t id_;
  std::uint64_t sent_ = 0;
  Nanos last_due_ = 0;
  std::uint32_t heap_ = LoopNetwork::nil;
};

static_assert(Port<LoopPort>);

}  // namespace serried::port
