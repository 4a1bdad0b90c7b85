#include "port/ethdev_queues.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/check.h"
#include "base/prng.h"
#include "base/setup.h"

namespace serried::port {
namespace {

SERRIED_SETUP std::vector<Ethdev*> all_queues(EthdevDevice& device) {
  std::vector<Ethdev*> queues;
  for (unsigned i = 0; i < device.lanes(); ++i) queues.push_back(&device.lane(i));
  return queues;
}

SERRIED_SETUP std::vector<Ethdev*> one_of_each(std::span<EthdevDevice* const> devices, unsigned queue) {
  std::vector<Ethdev*> queues;
  for (EthdevDevice* const device : devices) queues.push_back(&device->lane(queue));
  return queues;
}

SERRIED_SETUP std::vector<Ethdev*> receiving_of(const std::vector<Ethdev*>& queues) {
  std::vector<Ethdev*> receiving;
  std::copy_if(queues.begin(), queues.end(), std::back_inserter(receiving),
               [](const Ethdev* queue) { return queue->receives(); });
  return receiving;
}

SERRIED_SETUP Ethdev* home_among(std::span<EthdevDevice* const> devices, unsigned queue) {
  const auto home =
      std::find_if(devices.begin(), devices.end(), [queue](const auto* device) { return device->is_home_of(queue); });
  SERRIED_CHECK(home != devices.end());
  return &(*home)->lane(queue);
}

}  // namespace

SERRIED_SETUP EthdevQueues::EthdevQueues(EthdevDevice& device)
    : queues_(all_queues(device)),
      outgoing_(queues_.size()),
      receiving_(receiving_of(queues_)),
      home_(queues_.front()),
      alone_(queues_.size() == 1),
      by_device_(false) {
  for (Ethdev* const queue : queues_) queue->join(*home_, 0);
}

SERRIED_SETUP EthdevQueues::EthdevQueues(std::span<EthdevDevice* const> devices, unsigned queue)
    : queues_(one_of_each(devices, queue)),
      outgoing_(queues_.size()),
      receiving_(receiving_of(queues_)),
      home_(home_among(devices, queue)),
      alone_(queues_.size() == 1),
      by_device_(true) {
  for (std::size_t i = 0; i < queues_.size(); ++i) queues_[i]->join(*home_, static_cast<std::uint8_t>(i));
}

void EthdevQueues::receive_in_turn(wire::Batch& batch, Nanos now) noexcept {
  batch.clear();
  for (std::size_t looked = 0; looked < receiving_.size() && batch.rows < wire::Batch::capacity; ++looked) {
    receiving_[turn_]->append(batch, now);
    turn_ = turn_ + 1 == receiving_.size() ? 0 : turn_ + 1;
  }
}

std::size_t EthdevQueues::queue_of(const wire::Path& path) const noexcept {
  if (by_device_) return path.device;
  const auto low = base::load<std::uint64_t>(path.address.data() + 8);
  return base::mix(low, std::uint64_t{path.port} << 16 | path.local_port) % queues_.size();
}

void EthdevQueues::transmit_by_queue(wire::Batch& batch, Nanos now) noexcept {
  for (wire::Batch& out : outgoing_) out.clear();
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::size_t queue = queue_of(batch.path[row]);
    if (queue >= queues_.size()) [[unlikely]] {
      home_->counters_->drops.add(metrics::Drop::no_next_hop);
      continue;
    }
    outgoing_[queue].append(batch.data[row], batch.length[row], batch.owner[row], batch.path[row]);
    batch.owner[row] = nullptr;
  }
  for (std::size_t queue = 0; queue < queues_.size(); ++queue)
    if (outgoing_[queue].rows != 0) queues_[queue]->transmit(outgoing_[queue], now);
  release(batch);  // what is still in it: rows that were not live, or have no device
}

unsigned EthdevQueues::outstanding() const noexcept {
  unsigned all = 0;
  for (const Ethdev* const queue : queues_) all += queue->outstanding();
  return all;
}

}  // namespace serried::port
