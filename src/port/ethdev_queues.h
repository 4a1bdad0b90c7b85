#pragma once
/// Several queues as one port of one thread: all of one device, or one of each of several devices. They count together.
/// What differs is by which queue a datagram leaves.
///
///     all queues of a device      a hash of both end points picks it, as RSS at the other end of a wire would have it
///                                 where the wire has none (memif): a peer with several lanes then gets each source at
///                                 one of them
///     a queue of several devices  the path names the device, by the order in which they are given. Of some of them the
///                                 lane may have a transmit queue alone (QueueUse::send)

#include <span>
#include <vector>

#include "port/ethdev.h"

namespace serried::port {

class EthdevQueues {
 public:
  /// All queues of `device`, which outlives it.
  explicit EthdevQueues(EthdevDevice& device);
  /// Queue `queue` of each of `devices`, which outlive it. Precondition: at least one, and one of them is its home.
  EthdevQueues(std::span<EthdevDevice* const> devices, unsigned queue);

  /// A burst of all queues that receive: of one what it has, of the next what then finds room. Each in turn is the
  /// first. So a burst with room left means, as with one queue, that little waits.
  void receive(wire::Batch& batch, Nanos now) noexcept {
    return alone_ ? home_->receive(batch, now) : receive_in_turn(batch, now);
  }
  /// With one queue everything leaves by it. With several devices, a row whose path names one that is not there is
  /// dropped (no_next_hop).
  void transmit(wire::Batch& batch, Nanos now) noexcept {
    return alone_ ? home_->transmit(batch, now) : transmit_by_queue(batch, now);
  }
  /// Of the home queue's; any other may send them.
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return home_->acquire(buffers); }
  void release(wire::Batch& batch) noexcept { home_->release(batch); }  // an mbuf knows its pool
  void release(const wire::Buffer& buffer) noexcept { home_->release(buffer); }
  /// Of all queues together.
  [[nodiscard]] const PortCounters& counters() const noexcept { return home_->counters(); }
  /// Buffers that are in none of the queues' pools.
  [[nodiscard]] unsigned outstanding() const noexcept;

 private:
  void receive_in_turn(wire::Batch& batch, Nanos now) noexcept;
  void transmit_by_queue(wire::Batch& batch, Nanos now) noexcept;
  [[nodiscard]] std::size_t queue_of(const wire::Path& path) const noexcept;

  std::vector<Ethdev*> queues_;
  std::vector<wire::Batch> outgoing_;  ///< by queue
  std::vector<Ethdev*> receiving_;
  Ethdev* home_;  ///< whose pool and counters are the lane's
  bool alone_;    ///< one queue: a batch passes through as it is
  bool by_device_;
  std::size_t turn_ = 0;
};

static_assert(Port<EthdevQueues>);

}  // namespace serried::port
