#include "channel/block_pool.h"

#include "base/check.h"
#include "base/setup.h"

namespace serried::channel {

// Not initialised: pages of blocks that nobody ever needs are never touched.
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

}  // namespace serried::channel
