#include "port/ethdev_queues.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "base/setup.h"

namespace serried::port {

SERRIED_SETUP EthdevQueues::EthdevQueues(EthdevDevice& device) : outgoing_(device.lanes()) {
  for (unsigned i = 0; i < device.lanes(); ++i) queues_.push_back(&device.lane(i));
}

void EthdevQueues::receive(wire::Batch& batch, Nanos now) noexcept {
  for (std::size_t looked = 0; looked < queues_.size(); ++looked) {
    queues_[turn_]->receive(batch, now);
    turn_ = (turn_ + 1) % queues_.size();
    if (batch.rows != 0) break;
  }
  if (batch.rows == 0 || ++receives_ % refresh_every == 0) refresh();
}

std::size_t EthdevQueues::queue_of(const wire::Path& path) const noexcept {
  const auto low = base::load<std::uint64_t>(path.address.data() + 8);
  return base::mix(low, std::uint64_t{path.port} << 16 | path.local_port) % queues_.size();
}

void EthdevQueues::transmit(wire::Batch& batch, Nanos now) noexcept {
  for (wire::Batch& out : outgoing_) out.clear();
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    wire::Batch& out = outgoing_[queue_of(batch.path[row])];
    out.append(batch.data[row], batch.length[row], batch.owner[row], batch.path[row]);
    batch.owner[row] = nullptr;
  }
  for (std::size_t queue = 0; queue < queues_.size(); ++queue)
    if (outgoing_[queue].rows != 0) queues_[queue]->transmit(outgoing_[queue], now);
  release(batch);  // rows that were not live
}

void EthdevQueues::refresh() noexcept {
  const auto sum = [this](base::Counter PortCounters::*counter) {
    std::uint64_t all = 0;
    for (const Ethdev* const queue : queues_) all += (queue->counters().*counter).value();
    (counters_.*counter).set(all);
  };
  for (base::Counter PortCounters::*const counter :
       {&PortCounters::rx_frames, &PortCounters::rx_bytes, &PortCounters::rx_packets, &PortCounters::rx_host_frames,
        &PortCounters::tx_packets, &PortCounters::tx_bytes, &PortCounters::tx_host_frames})
    sum(counter);
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto drop = static_cast<metrics::Drop>(i);
    std::uint64_t all = 0;
    for (const Ethdev* const queue : queues_) all += queue->counters().drops.value(drop);
    counters_.drops.set(drop, all);
  }
}

}  // namespace serried::port
