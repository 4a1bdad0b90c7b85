#include "channel/chunk_pool.h"

#include <algorithm>
#include <cstring>

#include "base/setup.h"

namespace serried::channel {

SERRIED_SETUP ChunkPool::ChunkPool(std::uint32_t chunks)
    : chunks_(chunks), records_(chunks), free_(chunks == 0 ? Chain::none : 0) {
  for (std::uint32_t i = 0; i < chunks; ++i) chunks_[i].next = i + 1 < chunks ? i + 1 : Chain::none;
}

bool ChunkPool::store(std::span<const std::uint8_t> head, std::span<const std::uint8_t> tail, Chain& out) noexcept {
  const std::size_t bytes = head.size() + tail.size();
  if (bytes == 0 || bytes > 0xFFFF || chunks_for(bytes) > capacity() - in_use_) return false;
  out = {free_, static_cast<std::uint16_t>(bytes)};
  in_use_ += chunks_for(bytes);
  std::uint32_t last = Chain::none;
  for (std::size_t left = bytes; left != 0;) {
    last = free_;
    Chunk& chunk = chunks_[last];
    free_ = chunk.next;
    const std::size_t of_head = std::min(head.size(), payload_bytes);
    const std::size_t of_tail = std::min(tail.size(), payload_bytes - of_head);
    if (of_head != 0) std::memcpy(chunk.payload, head.data(), of_head);
    if (of_tail != 0) std::memcpy(chunk.payload + of_head, tail.data(), of_tail);
    head = head.subspan(of_head);
    tail = tail.subspan(of_tail);
    left -= of_head + of_tail;
  }
  chunks_[last].next = Chain::none;
  return true;
}

void ChunkPool::write(const Chain& chain, base::ByteWriter& out) const noexcept {
  std::size_t left = chain.bytes;
  for (std::uint32_t at = chain.first; left != 0; at = chunks_[at].next) {
    const std::size_t here = std::min(left, payload_bytes);
    out.write_bytes({chunks_[at].payload, here});
    left -= here;
  }
}

void ChunkPool::copy(const Chain& chain, std::span<std::uint8_t> to) const noexcept {
  base::ByteWriter out{to};
  write(chain, out);
}

std::span<const std::uint8_t> ChunkPool::view(const Chain& chain) const noexcept {
  if (chain.bytes == 0 || chain.bytes > payload_bytes) return {};
  return {chunks_[chain.first].payload, chain.bytes};
}

void ChunkPool::free(Chain& chain) noexcept {
  if (chain.first == Chain::none) return;
  const std::uint32_t count = chunks_for(chain.bytes);
  std::uint32_t last = chain.first;
  for (std::uint32_t i = 1; i < count; ++i) last = chunks_[last].next;
  chunks_[last].next = free_;
  free_ = chain.first;
  in_use_ -= count;
  chain = {};
}

}  // namespace serried::channel
