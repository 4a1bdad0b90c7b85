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
      free_count(blocks) {
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
