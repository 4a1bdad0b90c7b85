#include "tools/swarm/memory.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace serried::tools {

namespace {

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + HugePages::page_bytes - 1) / HugePages::page_bytes * HugePages::page_bytes;
}

}  // namespace

void* HugePages::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (alignment > page_bytes || bytes > SIZE_MAX - 2 * page_bytes) throw std::bad_alloc();
  const std::size_t wanted = round_up(bytes);
  // One page more, so that there is a boundary to begin at; what lies around it goes back.
  void* const got = mmap(nullptr, wanted + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc();
  auto* const first = static_cast<std::uint8_t*>(got);
  const std::size_t before = (page_bytes - reinterpret_cast<std::uintptr_t>(first) % page_bytes) % page_bytes;
  if (before != 0) munmap(first, before);
  munmap(first + before + wanted, page_bytes - before);
  // A wish: without huge pages it is memory like any other.
  static_cast<void>(madvise(first + before, wanted, MADV_HUGEPAGE));
  return first + before;
}

void HugePages::do_deallocate(void* from, std::size_t bytes, std::size_t) { munmap(from, round_up(bytes)); }

}  // namespace serried::tools
