#pragma once
/// Where the swarm keeps its bots and what they see: huge pages, if the system has them to give. In pages of 4 KiB a
/// thousand bots are tens of thousands of pages, and looking one up costs more than what is then read from it.

#include <cstddef>
#include <memory_resource>

namespace serried::tools {

/// Whole huge pages from the system, zeroed; what is freed goes back to it. For few and large pieces.
class HugePages final : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t page_bytes = std::size_t{2} << 20;

 private:
  /// Throws std::bad_alloc.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* from, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// Owner   one fleet, which it outlives; one thread
class Memory {
 public:
  [[nodiscard]] std::pmr::memory_resource& pages() noexcept { return pages_; }
  /// For what grows and shrinks: freed pieces are used again.
  [[nodiscard]] std::pmr::memory_resource& pool() noexcept { return pool_; }

 private:
  static constexpr std::size_t piece_bytes_max = std::size_t{1} << 20;

  HugePages pages_;
  std::pmr::monotonic_buffer_resource arena_{4 * HugePages::page_bytes, &pages_};
  std::pmr::unsynchronized_pool_resource pool_{
      {.max_blocks_per_chunk = 0, .largest_required_pool_block = piece_bytes_max}, &arena_};
};

}  // namespace serried::tools
