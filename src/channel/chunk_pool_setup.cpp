#include "channel/chunk_pool.h"

#include "base/setup.h"

namespace serried::channel {

SERRIED_SETUP ChunkPool::ChunkPool(std::uint32_t chunks)
    : chunks_(chunks), records_(chunks), free_(chunks == 0 ? Chain::none : 0) {
  for (std::uint32_t i = 0; i < chunks; ++i) chunks_[i].next = i + 1 < chunks ? i + 1 : Chain::none;
}

}  // namespace serried::channel
