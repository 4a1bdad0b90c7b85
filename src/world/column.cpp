#include "world/column.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include "base/numa.h"
#include "base/setup.h"

namespace serried::world {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

/// Fresh memory of whole pages that begins at a multiple of `unit`.
SERRIED_SETUP ColumnMemory map(std::size_t unit, std::size_t bytes) {
  void* const all = mmap(nullptr, bytes + unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<char*>(all);
  const std::size_t before = (unit - reinterpret_cast<std::uintptr_t>(all) % unit) % unit;
  if (before != 0) munmap(begin, before);
  if (before != unit) munmap(begin + before + bytes, unit - before);
  return ColumnMemory{begin + before, FreeColumn{bytes}};
}

/// A page that two owners share goes to the later one: without the stagger of the column its rows would begin there.
SERRIED_SETUP void bind(std::span<std::byte> memory, const Parts& parts) {
  if (parts.bytes == 0) return base::spread_over(memory, parts.nodes);
  const std::size_t page = base::page_bytes();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < parts.nodes.size(); ++i) {
    const bool last = i + 1 == parts.nodes.size();
    const std::size_t border = (parts.first + (i + 1) * parts.bytes) / page * page;
    const std::size_t end = last ? memory.size() : std::min(border, memory.size());
    base::prefer_node(memory.subspan(begin, end - begin), parts.nodes[i]);
    begin = end;
  }
}

}  // namespace

SERRIED_SETUP void FreeColumn::operator()(void* memory) const noexcept {
  if (mapped != 0)
    munmap(memory, mapped);
  else
    std::free(memory);
}

SERRIED_SETUP ColumnMemory allocate_column(std::size_t bytes, const Parts& parts) {
  const bool large = bytes >= huge_page / 4;
  const std::size_t unit = large ? huge_page : parts.nodes.empty() ? 64 : base::page_bytes();
  const std::size_t rounded = (bytes == 0 ? unit : bytes + unit - 1) / unit * unit;
  ColumnMemory memory = parts.nodes.empty() ? ColumnMemory{std::aligned_alloc(unit, rounded)} : map(unit, rounded);
  SERRIED_CHECK(memory != nullptr);
  // A wish: without huge pages it is memory like any other.
  if (large) static_cast<void>(madvise(memory.get(), rounded, MADV_HUGEPAGE));
  if (!parts.nodes.empty()) bind({static_cast<std::byte*>(memory.get()), rounded}, parts);
  std::memset(memory.get(), 0, bytes);
  return memory;
}

}  // namespace serried::world
