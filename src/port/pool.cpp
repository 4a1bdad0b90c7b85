#include "port/pool.h"

#include <cstdlib>

#include "base/setup.h"

namespace serried::port {

SERRIED_SETUP BufferPool::BufferPool(unsigned count)
    : capacity_(count),
      memory_(static_cast<std::uint8_t*>(std::aligned_alloc(64, std::size_t{count} * slot_bytes))),
      free_(count),
      home_(count, 1) {
  SERRIED_CHECK(count > 0 && memory_ != nullptr);
  for (unsigned i = count; i > 0; --i) free_.push(memory_.get() + std::size_t{i - 1} * slot_bytes);
}

bool BufferPool::mark(const std::uint8_t* slot, bool home) noexcept {
  const std::uint8_t* begin = memory_.get();
  if (slot < begin || slot >= begin + std::size_t{capacity_} * slot_bytes) return false;
  const auto offset = static_cast<std::size_t>(slot - begin);
  if (offset % slot_bytes != 0) return false;
  std::uint8_t& state = home_[offset / slot_bytes];
  if (state == static_cast<std::uint8_t>(home)) return false;
  state = static_cast<std::uint8_t>(home);
  return true;
}

SERRIED_SETUP void BufferPool::FreeMemory::operator()(std::uint8_t* memory) const noexcept { std::free(memory); }

}  // namespace serried::port
