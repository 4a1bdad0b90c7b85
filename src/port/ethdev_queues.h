#pragma once
/// All queues of a device as one port of one thread. What is sent goes by the queue that a hash of both end points
/// picks, as RSS at the other end of a wire would have it where the wire has none (memif): a peer with several lanes
/// then gets each source at one of them.

#include <vector>

#include "port/ethdev.h"

namespace serried::port {

class EthdevQueues {
 public:
  /// `device` outlives it.
  explicit EthdevQueues(EthdevDevice& device);

  /// A burst of one queue, of each in turn.
  void receive(wire::Batch& batch, Nanos now) noexcept;
  void transmit(wire::Batch& batch, Nanos now) noexcept;
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return queues_.front()->acquire(buffers); }
  void release(wire::Batch& batch) noexcept { queues_.front()->release(batch); }  // an mbuf knows its pool
  void release(const wire::Buffer& buffer) noexcept { queues_.front()->release(buffer); }
  /// Of all queues together, as of the last receive that found nothing, or of the last 256.
  [[nodiscard]] const PortCounters& counters() const noexcept { return counters_; }

 private:
  static constexpr unsigned refresh_every = 256;

  [[nodiscard]] std::size_t queue_of(const wire::Path& path) const noexcept;
  void refresh() noexcept;

  std::vector<Ethdev*> queues_;
  std::vector<wire::Batch> outgoing_;  ///< by queue
  std::size_t turn_ = 0;
  unsigned receives_ = 0;
  PortCounters counters_;
};

static_assert(Port<EthdevQueues>);

}  // namespace serried::port
