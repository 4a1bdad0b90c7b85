#include "channel/split.h"

#include <algorithm>
#include <bit>

namespace serried::channel {

void Split::begin(const Source& source, std::uint32_t bytes, wire::Channel channel, std::uint16_t first_id) noexcept {
  const auto fragment_id = static_cast<std::uint16_t>(fragment_id_ + 1);
  *this = {};
  shared_ = source.shared;
  block_ = source.block;
  bytes_ = unacked_bytes_ = bytes;
  fragment_id_ = fragment_id;
  first_id_ = first_id;
  count_ = static_cast<std::uint16_t>(fragments_for(bytes));
  channel_ = channel;
}

std::uint32_t Split::bytes_of(unsigned index) const noexcept {
  return std::min(fragment_bytes_max, bytes_ - index * fragment_bytes_max);
}

std::uint16_t Split::oldest_id() const noexcept {
  unsigned word = 0;
  while (word + 1 < acked_.size() && acked_[word] == ~std::uint64_t{0}) ++word;
  return static_cast<std::uint16_t>(first_id_ + word * 64 + static_cast<unsigned>(std::countr_one(acked_[word])));
}

bool Split::compose(BlockPool& pool, base::ByteWriter& out, std::uint16_t& id) noexcept {
  unsigned word = 0;
  while ((acked_[word] | in_flight_[word]) == ~std::uint64_t{0}) ++word;
  const auto bit = static_cast<unsigned>(std::countr_one(acked_[word] | in_flight_[word]));
  const unsigned index = word * 64 + bit;
  const bool reliable = channel_ != wire::Channel::unreliable;
  const std::uint32_t bytes = bytes_of(index);
  if (out.room() < (reliable ? sizeof id : 0) + fragment_header_bytes + bytes) return false;

  id = static_cast<std::uint16_t>(first_id_ + index);
  if (reliable) out.write(id);
  const std::uint32_t offset = index * fragment_bytes_max;
  write_fragment_header(out, {fragment_id_, static_cast<std::uint16_t>(offset / BlockPool::unit_bytes), bytes_});
  const std::uint8_t* message = shared_ != nullptr ? shared_ : pool.bytes(block_).data();
  out.write_bytes({message + offset, bytes});
  in_flight_[word] |= std::uint64_t{1} << bit;
  ++in_flight_count_;
  return true;
}

void Split::on_outcome(BlockPool& pool, std::uint16_t id, bool acked) noexcept {
  const auto index = static_cast<std::uint16_t>(id - first_id_);
  const std::uint64_t bit = std::uint64_t{1} << (index % 64);
  if ((in_flight_[index / 64] & bit) == 0) return;
  in_flight_[index / 64] &= ~bit;
  --in_flight_count_;
  if (!acked) return;
  acked_[index / 64] |= bit;
  unacked_bytes_ -= bytes_of(index);
  if (++settled_ == count_) end(pool);
}

void Split::end(BlockPool& pool) noexcept {
  if (active() && shared_ == nullptr) pool.release(block_);
  const std::uint16_t fragment_id = fragment_id_;
  *this = {};
  fragment_id_ = fragment_id;
}

}  // namespace serried::channel
