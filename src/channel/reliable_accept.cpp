#include <array>

#include "channel/pack.h"
#include "channel/reliable.h"

namespace serried::channel {

Accepted Reliable::accept(Pools& pools, wire::Channel channel, base::ByteReader body, const Receiver& receiver,
                          Nanos now) noexcept {
  if (!open_) return Accepted::no_room;
  if (inbound_[0].join.active()) forget_evicted(pools, now);
  auto id = body.read<std::uint16_t>();
  if (!body.ok() || body.remaining() == 0) return Accepted::malformed;
  IdWindow& ids = inbound_[index_of(channel)].ids;
  Accepted result = Accepted::yes;
  message::Framed message;
  for (; message::next(body, message); ++id) {
    const IdWindow::Place place = ids.look(id);
    if (place == IdWindow::Place::known) continue;
    bool taken = place == IdWindow::Place::fresh && message.content.size() < unpacked_bytes_max;
    if (taken && receiver.leaves_out != nullptr && receiver.leaves_out(receiver.context, message.type)) {
      ids.take(id);
      if (channel == wire::Channel::reliable_ordered) static_cast<void>(hand_over_ordered(pools, receiver));
      continue;
    }
    if (taken && channel == wire::Channel::reliable_ordered) {
      taken = accept_ordered(pools, id, message, receiver);
    } else if (taken) {
      taken = receiver.take(receiver.context, channel, message.type, message.content);
      if (taken) ids.take(id);
    }
    if (!taken)
      result = Accepted::no_room;
    else if (receiver.taken != nullptr)
      receiver.taken(receiver.context, message.type);
  }
  return body.ok() ? result : Accepted::malformed;
}

bool Reliable::accept_ordered(Pools& pools, std::uint16_t id, const message::Framed& message,
                              const Receiver& receiver) noexcept {
  IdWindow& ids = inbound_[0].ids;
  if (id == ids.missing()) {
    const bool in_turn = hand_over_ordered(pools, receiver);
    if (in_turn && receiver.take(receiver.context, wire::Channel::reliable_ordered, message.type, message.content)) {
      ids.take(id);
      static_cast<void>(hand_over_ordered(pools, receiver));
      return true;
    }
  }
  // The last quarter of the pool is kept for outgoing messages: peers that leave out their first message, and send the
  // later ones, must not make answers to other sessions impossible. While less than half is free, each has a share.
  const std::uint32_t chunks = ChunkPool::chunks_for(message.content.size() + 1);
  const std::uint32_t share = pools.chunk.scarce() ? waiting_chunks_max / 8 : waiting_chunks_max;
  if (waiting_.chunks() + chunks > share || pools.chunk.in_use() + chunks > pools.chunk.capacity() / 4 * 3 ||
      !waiting_.insert(pools.chunk, id, message.type, message.content, 0))
    return false;
  ids.take(id);
  return true;
}

bool Reliable::hand_over_ordered(Pools& pools, const Receiver& receiver) noexcept {
  Inbound& in = inbound_[0];
  while (true) {
    const MessageQueue::Place first = waiting_.first();
    const std::uint16_t id = first != MessageQueue::none ? MessageQueue::record(pools.chunk, first).id : 0;
    const bool whole = first != MessageQueue::none && id_before(id, in.ids.missing());
    const bool joined = in.join.complete() && id_before(in.join.last_id(), in.ids.missing());
    if (!whole && !joined) return true;
    if (joined && (!whole || id_before(in.join.last_id(), id))) {
      if (!offer(pools, in.join, wire::Channel::reliable_ordered, receiver)) return false;
      continue;
    }
    const Chain chain = MessageQueue::chain(pools.chunk, first);
    std::array<std::uint8_t, unpacked_bytes_max> copy;
    std::span<const std::uint8_t> message = pools.chunk.view(chain);
    if (message.empty()) {
      pools.chunk.copy(chain, copy);
      message = {copy.data(), chain.bytes};
    }
    if (!receiver.take(receiver.context, wire::Channel::reliable_ordered, static_cast<message::Type>(message[0]),
                       message.subspan(1)))
      return false;
    waiting_.remove(pools.chunk, MessageQueue::none, first);
  }
}

bool Reliable::hand_over(Pools& pools, const Receiver& receiver, Nanos now) noexcept {
  forget_evicted(pools, now);
  bool all = hand_over_ordered(pools, receiver);
  const auto offer_whole = [&](Join& join, wire::Channel channel) {
    if (join.complete() && !offer(pools, join, channel, receiver)) all = false;
  };
  offer_whole(inbound_[1].join, wire::Channel::reliable_unordered);
  for (Join& join : unreliable_) offer_whole(join, wire::Channel::unreliable);
  return all;
}

}  // namespace serried::channel
