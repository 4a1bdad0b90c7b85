#include "world/column.h"

#include <cstring>
#include <sys/mman.h>

#include "base/setup.h"

namespace serried::world {

SERRIED_SETUP void* allocate_column(std::size_t bytes) {
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  const bool large = bytes >= huge_page / 4;
  const std::size_t unit = large ? huge_page : 64;
  const std::size_t rounded = (bytes == 0 ? unit : bytes + unit - 1) / unit * unit;
  void* const memory = std::aligned_alloc(unit, rounded);
  SERRIED_CHECK(memory != nullptr);
  // A wish: without huge pages it is memory like any other.
  if (large) static_cast<void>(madvise(memory, rounded, MADV_HUGEPAGE));
  std::memset(memory, 0, bytes);
  return memory;
}

}  // namespace serried::world
