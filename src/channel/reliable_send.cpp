#include <algorithm>

#include "base/check.h"
#include "channel/reliable.h"

namespace serried::channel {
namespace {

/// What follows the first id in a datagram with the longest ack block.
constexpr std::size_t bundle_bytes_max = wire::body_bytes_max - wire::ack_block_bytes_max - sizeof(std::uint16_t);

constexpr std::size_t framed(std::uint16_t bytes) noexcept { return base::varint_bytes(bytes) + bytes; }

constexpr PayloadKind payload_of(wire::Channel channel) noexcept {
  return channel == wire::Channel::reliable_ordered ? PayloadKind::ordered : PayloadKind::unordered;
}

}  // namespace

void Reliable::Outbound::want(std::uint16_t bytes, Nanos due) noexcept {
  due_at = unsent == 0 ? due : std::min(due_at, due);
  ++unsent;
  unsent_bytes += static_cast<std::uint32_t>(framed(bytes));
}

void Reliable::Outbound::unwant(std::uint16_t bytes) noexcept {
  --unsent;
  unsent_bytes -= static_cast<std::uint32_t>(framed(bytes));
  if (unsent == 0) flushed = false;
}

Nanos Reliable::Outbound::due() const noexcept {
  if (unsent == 0) return ~Nanos{0};
  const bool full = unsent_bytes >= bundle_bytes_max || unsent >= messages_per_datagram_max;
  return flushed || full ? 0 : due_at;
}

unsigned Reliable::open_ids(unsigned index) const noexcept {
  const Outbound& out = outbound_[index];
  std::uint16_t oldest = out.unacked.messages() != 0 ? out.oldest_id : out.next_id;
  if (split_.active() && split_.channel() == channel_of(index) && id_before(split_.oldest_id(), oldest))
    oldest = split_.oldest_id();
  return static_cast<std::uint16_t>(out.next_id - oldest);
}

Queued Reliable::can_split(wire::Channel channel, std::size_t bytes) const noexcept {
  SERRIED_DCHECK(bytes > whole_message_bytes_max);
  if (!open_) return Queued::full;
  if (bytes > std::min(peer_message_bytes_max_, message_bytes_max)) return Queued::too_long;
  if (split_.active()) return Queued::busy;
  const bool reliable = channel != wire::Channel::unreliable;
  if (reliable && open_ids(index_of(channel)) + Split::fragments_for(bytes) > id_window) return Queued::full;
  return Queued::yes;
}

void Reliable::split(const Split::Source& source, wire::Channel channel, std::size_t bytes) noexcept {
  std::uint16_t first_id = 0;
  if (channel != wire::Channel::unreliable) {
    std::uint16_t& next_id = outbound_[index_of(channel)].next_id;
    first_id = next_id;
    next_id = static_cast<std::uint16_t>(next_id + Split::fragments_for(bytes));
  }
  split_.begin(source, static_cast<std::uint32_t>(bytes), channel, first_id);
}

Queued Reliable::send(Pools& pools, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content,
                      Urgency urgency, Nanos now) noexcept {
  const std::size_t bytes = content.size() + 1;
  if (bytes > whole_message_bytes_max || channel == wire::Channel::unreliable) {
    if (const Queued verdict = can_split(channel, bytes); verdict != Queued::yes) return verdict;
    const std::uint16_t block = pools.block.acquire(static_cast<std::uint32_t>(bytes));
    if (block == BlockPool::none) return Queued::no_memory;
    base::ByteWriter to{pools.block.bytes(block)};
    to.write(type);
    to.write_bytes(content);
    split({nullptr, block}, channel, bytes);
    return Queued::yes;
  }

  const unsigned index = index_of(channel);
  Outbound& out = outbound_[index];
  if (!open_ || out.unacked.messages() >= unacked_messages_max || out.unacked.bytes() + bytes > unacked_bytes_max ||
      open_ids(index) >= id_window)
    return Queued::full;
  const Nanos due = urgency == Urgency::immediate ? 0 : now + bundle_delay;
  if (!out.unacked.insert(pools.chunk, out.next_id, type, content, due)) return Queued::no_memory;
  if (out.unacked.messages() == 1) out.oldest_id = out.next_id;
  ++out.next_id;
  out.want(static_cast<std::uint16_t>(bytes), due);
  return Queued::yes;
}

Queued Reliable::send_shared(wire::Channel channel, std::span<const std::uint8_t> message, Nanos /*now*/) noexcept {
  const Queued verdict = can_split(channel, message.size());
  if (verdict == Queued::yes) split({message.data(), BlockPool::none}, channel, message.size());
  return verdict;
}

Nanos Reliable::due_at() const noexcept {
  if (split_.active() && split_.waiting()) return 0;
  return std::min(outbound_[0].due(), outbound_[1].due());
}

void Reliable::flush() noexcept {
  for (Outbound& out : outbound_) out.flushed = out.unsent != 0;
}

Reliable::Composed Reliable::compose(Pools& pools, base::ByteWriter& out, Nanos now) noexcept {
  constexpr unsigned sources = reliable_channels + 1;
  // What is due goes before what only rides along; among equals they take turns.
  for (const Nanos until : {now, in_flight - 1}) {
    for (unsigned i = 0; i < sources; ++i) {
      const unsigned source = (turn_ + i) % sources;
      Composed composed;
      if (source == reliable_channels) {
        if (split_.active() && split_.waiting()) composed = compose_fragment(pools, out);
      } else if (outbound_[source].due() <= until) {
        composed = compose_messages(pools, source, out);
      }
      if (!composed.any()) continue;
      turn_ = static_cast<std::uint8_t>((source + 1) % sources);
      return composed;
    }
  }
  return {};
}

Reliable::Composed Reliable::compose_messages(Pools& pools, unsigned index, base::ByteWriter& out) noexcept {
  Outbound& channel = outbound_[index];
  const auto record = [&](MessageQueue::Place at) -> ChunkPool::Record& {
    return MessageQueue::record(pools.chunk, at);
  };
  MessageQueue::Place at = channel.unacked.first();
  while (record(at).due == in_flight) at = record(at).next;
  if (out.room() < sizeof(std::uint16_t) + framed(record(at).bytes)) return {};

  const std::uint16_t first_id = record(at).id;
  std::uint8_t count = 0;
  out.write(first_id);
  for (; at != MessageQueue::none && count < messages_per_datagram_max; at = record(at).next, ++count) {
    ChunkPool::Record& message = record(at);
    const bool consecutive = message.id == static_cast<std::uint16_t>(first_id + count);
    if (!consecutive || message.due == in_flight || out.room() < framed(message.bytes)) break;
    out.write_varint(message.bytes);
    pools.chunk.write(MessageQueue::chain(pools.chunk, at), out);
    message.due = in_flight;
    channel.unwant(message.bytes);
  }
  if (channel.unsent != 0) {
    channel.due_at = in_flight;
    for (; at != MessageQueue::none; at = record(at).next) channel.due_at = std::min(channel.due_at, record(at).due);
  }
  return {{payload_of(channel_of(index)), count, first_id}, channel_of(index), false};
}

Reliable::Composed Reliable::compose_fragment(Pools& pools, base::ByteWriter& out) noexcept {
  const wire::Channel channel = split_.channel();
  std::uint16_t id = 0;
  if (!split_.compose(pools.block, out, id)) return {};
  if (channel != wire::Channel::unreliable) return {{payload_of(channel), 1, id}, channel, true};
  // Sent once: as good as acked.
  split_.on_outcome(pools.block, id, true);
  return {{}, channel, true};
}

void Reliable::on_outcome(Pools& pools, const SentPacket& packet, bool acked) noexcept {
  if (packet.payload != PayloadKind::ordered && packet.payload != PayloadKind::unordered) return;
  const unsigned index = packet.payload == PayloadKind::ordered ? 0 : 1;
  if (split_.active() && split_.channel() == channel_of(index) && split_.has(packet.tag)) {
    split_.on_outcome(pools.block, packet.tag, acked);
    return;
  }
  on_messages_outcome(pools, index, packet, acked);
}

void Reliable::on_messages_outcome(Pools& pools, unsigned index, const SentPacket& packet, bool acked) noexcept {
  Outbound& out = outbound_[index];
  MessageQueue::Place before = MessageQueue::none;
  for (MessageQueue::Place at = out.unacked.first(); at != MessageQueue::none;) {
    ChunkPool::Record& message = MessageQueue::record(pools.chunk, at);
    const auto place = static_cast<std::uint16_t>(message.id - packet.tag);
    if (place < packet.count && message.due == in_flight) {
      if (acked) {
        at = out.unacked.remove(pools.chunk, before, at);
        continue;
      }
      message.due = 0;
      out.want(message.bytes, 0);
    }
    before = at;
    at = message.next;
  }
  if (out.unacked.messages() != 0) out.oldest_id = MessageQueue::record(pools.chunk, out.unacked.first()).id;
}

}  // namespace serried::channel
