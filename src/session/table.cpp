#include "session/table.h"

#include <algorithm>
#include <numeric>

#include "base/setup.h"

namespace serried::session {

SERRIED_SETUP Table::Table(std::uint32_t lane, std::uint32_t capacity)
    : lane_(lane),
      capacity_(std::clamp<std::uint32_t>(capacity, 1, sessions_per_lane_max)),
      free_count_(capacity_),
      admission_(capacity_),
      peer_(capacity_),
      outbound_(capacity_),
      reliable_(capacity_),
      cold_(capacity_),
      free_(capacity_) {
  std::iota(free_.begin(), free_.end(), 0U);
}

std::uint32_t Table::allocate(std::uint64_t random, Nanos now) noexcept {
  if (free_count_ == 0) return none;
  const std::uint32_t slot = free_[free_head_];
  free_head_ = (free_head_ + 1) % capacity_;
  --free_count_;
  ++in_use_;
  high_water_ = std::max(high_water_, slot + 1);

  // Never the id that the slot had before: what is still on its way to that one must not find the new session.
  const std::uint32_t previous = cold_[slot].previous_id;
  std::uint32_t id = make_id(lane_, slot, random);
  if (id == previous) id = make_id(lane_, slot, random + 1);

  admission_[slot] = Admission{};
  admission_[slot].connection_id = id;
  admission_[slot].state = State::half_open;
  admission_[slot].heard_at = now;
  admission_[slot].next_allowed_us = static_cast<std::uint32_t>(now / microsecond);
  peer_[slot] = Peer{};
  outbound_[slot] = Outbound{};  // reliable_ is as new: release cleared it
  cold_[slot] = Cold{};
  cold_[slot].opened_at = now;
  cold_[slot].previous_id = previous;
  cold_[slot].foreign_allowed_us = admission_[slot].next_allowed_us;
  return slot;
}

void Table::release(std::uint32_t slot, channel::Pools& pools) noexcept {
  admission_[slot].state = State::free;
  peer_[slot].receive_key.wipe();
  outbound_[slot].send_key.wipe();
  Cold& cold = cold_[slot];
  cold.exporter.wipe();
  cold.rekey = {};  // wipes what it held
  reliable_[slot].clear(pools);
  cold.previous_id = admission_[slot].connection_id;
  free_[(free_head_ + free_count_) % capacity_] = slot;
  ++free_count_;
  --in_use_;
}

}  // namespace serried::session
