#include "channel/join.h"

#include <algorithm>
#include <cstring>

#include "channel/id_window.h"

namespace serried::channel {
namespace {

/// Set `count` bits from `first` on. False, and nothing changed: one of them was set.
bool claim(std::span<std::uint64_t> words, std::size_t first, std::size_t count) noexcept {
  const auto each = [&](auto&& visit) {
    for (std::size_t at = first, left = count; left != 0;) {
      const std::size_t here = std::min<std::size_t>(64 - at % 64, left);
      const std::uint64_t mask = (here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1) << at % 64;
      if (!visit(words[at / 64], mask)) return false;
      at += here;
      left -= here;
    }
    return true;
  };
  return each([](std::uint64_t word, std::uint64_t mask) { return (word & mask) == 0; }) &&
         each([](std::uint64_t& word, std::uint64_t mask) { return word |= mask, true; });
}

}  // namespace

bool Join::begin(BlockPool& pool, const FragmentHeader& header, Nanos now) noexcept {
  const BlockPool::Held held = pool.acquire_for_join(header.total_bytes, now);
  if (held.block == BlockPool::none) return false;
  touched_at_ = now;
  total_ = header.total_bytes;
  held_ = held;
  fragment_id_ = header.fragment_id;
  return true;
}

bool Join::add(BlockPool& pool, const FragmentHeader& header, std::span<const std::uint8_t> bytes) noexcept {
  const std::size_t units = (bytes.size() + BlockPool::unit_bytes - 1) / BlockPool::unit_bytes;
  if (header.total_bytes != total_ || !claim(pool.units(held_.block), header.offset_units, units)) return false;
  std::memcpy(pool.bytes(held_.block).data() + std::size_t{header.offset_units} * BlockPool::unit_bytes, bytes.data(),
              bytes.size());
  received_ += static_cast<std::uint32_t>(bytes.size());
  pool.note_progress(held_, static_cast<std::uint32_t>(bytes.size()));
  return true;
}

bool Join::add(BlockPool& pool, const FragmentHeader& header, std::span<const std::uint8_t> bytes, std::uint16_t id,
               Nanos now) noexcept {
  // Compared with the one before it, which is no further away than the window of ids is wide, or twice that.
  if (count_ != 0 && id_before(id, newest_id_) != (header.offset_units < newest_unit_)) return false;
  if (!add(pool, header, bytes)) return false;
  ++count_;
  newest_id_ = id;
  newest_unit_ = header.offset_units;
  if (header.offset_units == 0) first_id_ = id;
  if (std::size_t{header.offset_units} * BlockPool::unit_bytes + bytes.size() == total_) last_id_ = id;
  touched_at_ = std::min(now, touched_at_ + bytes.size() * time_per_byte);
  return !complete() || static_cast<std::uint16_t>(last_id_ - first_id_ + 1) == count_;
}

void Join::drop(BlockPool& pool) noexcept {
  if (active() && pool.is_held(held_)) pool.release(held_.block);
  *this = {};
}

}  // namespace serried::channel
