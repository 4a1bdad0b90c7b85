#include "channel/message_queue.h"

namespace serried::channel {

bool MessageQueue::insert(ChunkPool& pool, std::uint16_t id, message::Type type, std::span<const std::uint8_t> content,
                          Nanos due) noexcept {
  const auto head = static_cast<std::uint8_t>(type);
  Chain chain;
  if (!pool.store({&head, 1}, content, chain)) return false;
  const Place at = chain.first + 1;

  Place before = last_;
  if (last_ != none && id_before(id, record(pool, last_).id)) {
    before = none;
    for (Place p = first_; id_before(record(pool, p).id, id); p = record(pool, p).next) before = p;
  }
  Place& link = before == none ? first_ : record(pool, before).next;
  record(pool, at) = {due, link, chain.bytes, id};
  if (link == none) last_ = at;
  link = at;
  ++messages_;
  bytes_ += chain.bytes;
  chunks_ += ChunkPool::chunks_for(chain.bytes);
  return true;
}

MessageQueue::Place MessageQueue::remove(ChunkPool& pool, Place before, Place at) noexcept {
  Chain gone = chain(pool, at);
  const Place next = record(pool, at).next;
  (before == none ? first_ : record(pool, before).next) = next;
  if (last_ == at) last_ = before;
  --messages_;
  bytes_ -= gone.bytes;
  chunks_ -= ChunkPool::chunks_for(gone.bytes);
  pool.free(gone);
  return next;
}

void MessageQueue::clear(ChunkPool& pool) noexcept {
  while (first_ != none) remove(pool, none, first_);
}

}  // namespace serried::channel
