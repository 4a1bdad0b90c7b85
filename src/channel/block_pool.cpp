#include "channel/block_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/setup.h"

namespace serried::channel {

// Not initialised: pages of blocks that are never needed are never touched.
SERRIED_SETUP BlockPool::Size::Size(std::uint32_t bytes, std::uint16_t blocks)
    : block_bytes(bytes),
      count(blocks),
      memory(std::make_unique_for_overwrite<std::uint8_t[]>(std::size_t{bytes} * blocks)),
      units(std::make_unique_for_overwrite<std::uint64_t[]>(std::size_t{bytes} / unit_bytes / 64 * blocks)),
      free(blocks),
      free_count(blocks),
      filling(blocks) {
  for (std::uint16_t i = 0; i < blocks; ++i) free[i] = static_cast<std::uint16_t>(blocks - 1 - i);
}

SERRIED_SETUP BlockPool::BlockPool(std::uint16_t small_blocks, std::uint16_t large_blocks)
    : small_(small_bytes, small_blocks), large_(large_bytes, large_blocks) {
  SERRIED_CHECK(small_blocks + large_blocks < none);
}

BlockPool::Size& BlockPool::size_of(std::uint16_t& block) noexcept {
  if (block < small_.count) return small_;
  block = static_cast<std::uint16_t>(block - small_.count);
  return large_;
}

std::uint16_t BlockPool::take(Size& size) noexcept {
  const std::uint16_t number = size.free[--size.free_count];
  std::fill_n(size.units.get() + number * size.words(), size.words(), std::uint64_t{0});
  return static_cast<std::uint16_t>(&size == &large_ ? small_.count + number : number);
}

std::uint16_t BlockPool::acquire(std::uint32_t bytes) noexcept {
  if (bytes > large_bytes) return none;
  Size& size = size_for(bytes);
  return size.free_count != 0 ? take(size) : none;
}

std::uint16_t BlockPool::acquire_received(std::uint32_t bytes, Nanos now) noexcept {
  if (bytes > large_bytes) return none;
  Size& size = size_for(bytes);
  if (size.free_count > size.count / 4) return take(size);
  const std::uint16_t block = take_slowest(size, now);
  if (block != none) filling(block) = {};
  return block;
}

void BlockPool::release(std::uint16_t block) noexcept {
  Size& size = size_of(block);
  size.filling[block] = {};
  size.free[size.free_count++] = block;
}

BlockPool::Filling& BlockPool::filling(std::uint16_t block) noexcept {
  Size& size = size_of(block);
  return size.filling[block];
}

BlockPool::Held BlockPool::acquire_for_join(std::uint32_t bytes, Nanos now) noexcept {
  const std::uint16_t block = acquire_received(bytes, now);
  if (block == none) return {none, 0};
  if (++holders_ == 0) ++holders_;
  filling(block) = {.since = now, .bytes = 0, .holder = holders_, .waits = false};
  return {block, holders_};
}

/// The block whose message has come slowest so far goes to another, one that is not whole first.
std::uint16_t BlockPool::take_slowest(Size& size, Nanos now) noexcept {
  constexpr Nanos pause = 10 * millisecond;  // so that a flood of newcomers costs no search each
  if (now < size.search_at) return none;
  const Filling* slowest = nullptr;
  Nanos slowest_age = 0;
  for (const Filling& one : size.filling) {
    const Nanos age = now - one.since;
    if (one.holder == 0 || age < grace || !one.is_slow(age)) continue;
    if (slowest != nullptr && one.waits >= slowest->waits &&
        (one.waits != slowest->waits || one.bytes * slowest_age >= slowest->bytes * age))
      continue;
    slowest = &one;
    slowest_age = age;
  }
  if (slowest == nullptr) {
    size.search_at = now + pause;
    return none;
  }
  ++evictions_;
  const auto number = static_cast<std::uint16_t>(slowest - size.filling.data());
  size.free[size.free_count++] = number;
  return take(size);
}

const BlockPool::Filling& BlockPool::filling(std::uint16_t block) const noexcept {
  const bool large = block >= small_.count;
  return (large ? large_ : small_).filling[block - (large ? small_.count : 0U)];
}

bool BlockPool::is_held(const Held& held) const noexcept { return filling(held.block).holder == held.holder; }

Nanos BlockPool::slow_for(const Held& held, Nanos now) const noexcept {
  const Filling& one = filling(held.block);
  const Nanos age = now - one.since;
  return one.is_slow(age) ? age : 0;
}

void BlockPool::note_progress(const Held& held, std::uint32_t bytes) noexcept { filling(held.block).bytes += bytes; }

void BlockPool::keep(const Held& held) noexcept {
  if (is_held(held)) filling(held.block).holder = 0;
}

bool BlockPool::scarce(std::uint32_t bytes) const noexcept {
  const Size& size = bytes > small_bytes ? large_ : small_;
  return size.free_count < (size.count + 1) / 2;
}

std::span<std::uint8_t> BlockPool::bytes(std::uint16_t block) noexcept {
  Size& size = size_of(block);
  return {size.memory.get() + std::size_t{block} * size.block_bytes, size.block_bytes};
}

std::span<std::uint64_t> BlockPool::units(std::uint16_t block) noexcept {
  Size& size = size_of(block);
  return {size.units.get() + block * size.words(), size.words()};
}

std::size_t BlockPool::capacity_bytes() const noexcept {
  return std::size_t{small_.count} * small_bytes + std::size_t{large_.count} * large_bytes;
}

std::size_t BlockPool::in_use_bytes() const noexcept {
  return small_.in_use() * small_bytes + large_.in_use() * large_bytes;
}

}  // namespace serried::channel
