#include "channel/block_pool.h"

#include <algorithm>

namespace serried::channel {

BlockPool::Size& BlockPool::size_of(std::uint16_t& block) noexcept {
  if (block < small_.count) return small_;
  block = static_cast<std::uint16_t>(block - small_.count);
  return large_;
}

std::uint16_t BlockPool::acquire(std::uint32_t bytes) noexcept {
  if (bytes > large_bytes) return none;
  const bool large = bytes > small_bytes;
  Size& size = large ? large_ : small_;
  if (size.free_count == 0) return none;
  const std::uint16_t number = size.free[--size.free_count];
  std::fill_n(size.units.get() + number * size.words(), size.words(), std::uint64_t{0});
  return static_cast<std::uint16_t>(large ? small_.count + number : number);
}

void BlockPool::release(std::uint16_t block) noexcept {
  Size& size = size_of(block);
  size.free[size.free_count++] = block;
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
