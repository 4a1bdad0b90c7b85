#include <algorithm>

#include "channel/reliable.h"

namespace serried::channel {

Accepted Reliable::accept_fragment(Pools& pools, wire::Channel channel, base::ByteReader body, std::uint32_t bytes_max,
                                   const Receiver& receiver, Nanos now) noexcept {
  const bool reliable = channel != wire::Channel::unreliable;
  if (reliable && !open_) return Accepted::no_room;
  const auto id = reliable ? body.read<std::uint16_t>() : std::uint16_t{0};
  const FragmentHeader header = read_fragment_header(body);
  const auto bytes = body.read_rest();
  if (!body.ok()) return Accepted::malformed;
  forget_evicted(pools, now);
  if (!is_fragment(header, bytes.size())) {
    if (!reliable) drop_unreliable(pools, header.fragment_id, now);
    return Accepted::malformed;
  }
  const bool too_long = header.total_bytes > bytes_max;
  if (!reliable) return accept_unreliable(pools, header, bytes, too_long, receiver, now);
  if (too_long) return Accepted::malformed;
  return accept_reliable(pools, index_of(channel), id, header, bytes, receiver, now);
}

Accepted Reliable::accept_reliable(Pools& pools, unsigned index, std::uint16_t id, const FragmentHeader& header,
                                   std::span<const std::uint8_t> bytes, const Receiver& receiver, Nanos now) noexcept {
  Inbound& in = inbound_[index];
  const IdWindow::Place place = in.ids.look(id);
  if (place == IdWindow::Place::known) return Accepted::yes;
  if (place == IdWindow::Place::beyond) return Accepted::no_room;
  // The message before waits for its turn, or for fragments: one at a time.
  if (in.join.active() && in.join.fragment_id() != header.fragment_id) return Accepted::no_room;
  if (!in.join.active() && !begin(pools, in.join, header, now)) return Accepted::no_room;
  if (!in.join.add(pools.block, header, bytes, id, now)) return Accepted::malformed;
  in.ids.take(id);
  if (in.join.complete()) fall_back_if_slow(pools, in.join, now);
  if (index == 0)
    static_cast<void>(hand_over_ordered(pools, receiver));
  else if (in.join.complete())
    static_cast<void>(offer(pools, in.join, channel_of(index), receiver));
  return Accepted::yes;
}

void Reliable::refuse(std::uint16_t fragment_id, Nanos now) noexcept {
  refused_ = true;
  refused_id_ = fragment_id;
  refused_at_ = now;
}

void Reliable::drop_unreliable(Pools& pools, std::uint16_t fragment_id, Nanos now) noexcept {
  for (Join& join : unreliable_) {
    if (!join.active() || join.fragment_id() != fragment_id) continue;
    join.drop(pools.block);
    fall_back(now);
  }
  refuse(fragment_id, now);
}

bool Reliable::begin(Pools& pools, Join& join, const FragmentHeader& header, Nanos now) noexcept {
  if (evicted_ || (pools.block.scarce(header.total_bytes) && (joining() || now < last_until_))) return false;
  return join.begin(pools.block, header, now);
}

void Reliable::forget_evicted(Pools& pools, Nanos now) noexcept {
  for (Inbound& in : inbound_) {
    if (!in.join.evicted(pools.block)) continue;
    in.join.drop(pools.block);
    evicted_ = true;
  }
  for (Join& join : unreliable_)
    if (join.evicted(pools.block)) drop_unreliable(pools, join.fragment_id(), now);
}

void Reliable::fall_back_if_slow(const Pools& pools, const Join& join, Nanos now) noexcept {
  constexpr Nanos times = last_in_line / BlockPool::grace;
  const Nanos pause = std::min(join.slow_for(pools.block, now) * times, last_in_line);
  last_until_ = std::max(last_until_, now + pause);
}

bool Reliable::offer(Pools& pools, Join& join, wire::Channel channel, const Receiver& receiver) noexcept {
  if (!receiver.take_block(receiver.context, channel, join.block(), join.bytes())) {
    join.wait(pools.block);
    return false;
  }
  join.hand_on(pools.block);
  return true;
}

Accepted Reliable::accept_unreliable(Pools& pools, const FragmentHeader& header, std::span<const std::uint8_t> bytes,
                                     bool too_long, const Receiver& receiver, Nanos now) noexcept {
  const auto active = [&](const Join& join) { return join.active() && join.fragment_id() == header.fragment_id; };
  auto* join = std::find_if(unreliable_.begin(), unreliable_.end(), active);
  if (join == unreliable_.end()) {
    // The rest of a message of which something was dropped would only keep a place for 10 s.
    if (refused_ && refused_id_ == header.fragment_id && now - refused_at_ < fragment_lifetime)
      return Accepted::no_room;
    join = std::find_if(unreliable_.begin(), unreliable_.end(), [](const Join& other) { return !other.active(); });
    if (too_long || join == unreliable_.end() || !begin(pools, *join, header, now)) {
      refuse(header.fragment_id, now);
      return Accepted::no_room;
    }
  }
  if (!join->add(pools.block, header, bytes)) {
    drop_unreliable(pools, header.fragment_id, now);
    return Accepted::malformed;
  }
  if (join->complete()) {
    fall_back_if_slow(pools, *join, now);
    static_cast<void>(offer(pools, *join, wire::Channel::unreliable, receiver));
  }
  return Accepted::yes;
}

}  // namespace serried::channel
