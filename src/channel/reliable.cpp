#include "channel/reliable.h"

#include <algorithm>

namespace serried::channel {

void Reliable::open(std::uint32_t peer_message_bytes_max) noexcept {
  peer_message_bytes_max_ = peer_message_bytes_max;
  open_ = true;
}

bool Reliable::is_open() const noexcept { return open_; }

std::uint32_t Reliable::unacked_bytes() const noexcept {
  return outbound_[0].unacked.bytes() + outbound_[1].unacked.bytes() + split_.unacked_bytes();
}

bool Reliable::stalled() const noexcept { return stalled_ || evicted_; }

bool Reliable::joining() const noexcept {
  return inbound_[0].join.active() || inbound_[1].join.active() ||
         std::any_of(unreliable_.begin(), unreliable_.end(), [](const Join& join) { return join.active(); });
}

unsigned Reliable::sweep(Pools& pools, Nanos now) noexcept {
  unsigned dropped = 0;
  forget_evicted(pools, now);
  for (Join& join : unreliable_) {
    if (!join.active() || join.complete() || now - join.touched_at() < fragment_lifetime) continue;
    join.drop(pools.block);
    fall_back(now);
    ++dropped;
  }
  stalled_ = false;
  for (unsigned index = 0; index < reliable_channels; ++index) {
    const auto& [ids, join] = inbound_[index];
    // Complete and, on channel 1, in its place: what it waits for is the receiver, not the peer.
    const bool in_place =
        channel_of(index) == wire::Channel::reliable_unordered || id_before(join.last_id(), ids.missing());
    const bool ready = join.complete() && in_place;
    stalled_ = stalled_ || (join.active() && !ready && now - join.touched_at() >= stalled_after);
  }
  return dropped;
}

void Reliable::clear(Pools& pools) noexcept {
  for (Outbound& out : outbound_) out.unacked.clear(pools.chunk);
  split_.end(pools.block);
  for (Inbound& in : inbound_) in.join.drop(pools.block);
  waiting_.clear(pools.chunk);
  for (Join& join : unreliable_) join.drop(pools.block);
  *this = {};
}

}  // namespace serried::channel
