#pragma once
/// Bursts between two lanes: rte_ring, single producer, single consumer, elements by value. Its memory is our own, so
/// that rings work before, and without, EAL.

#include <bit>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "base/check.h"

namespace serried::ring {

/// Capacity is rounded up to a power of two. push and pop never block, allocate or fail half-way through a row.
template <class T>
class Spsc {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 4 == 0);

 public:
  explicit Spsc(unsigned capacity) {
    const unsigned slots = std::bit_ceil(capacity + 1);
    const auto bytes = rte_ring_get_memsize_elem(sizeof(T), slots);
    SERRIED_CHECK(bytes > 0);
    void* memory = std::aligned_alloc(64, (static_cast<std::size_t>(bytes) + 63) / 64 * 64);
    SERRIED_CHECK(memory != nullptr);
    ring_.reset(static_cast<rte_ring*>(memory));
    SERRIED_CHECK(rte_ring_init(ring_.get(), "serried", slots, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0);
  }

  /// As many of `count` as fit, in order; returns how many.
  unsigned push(const T* rows, unsigned count) noexcept {
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), rows, sizeof(T), count, nullptr);
  }
  bool push(const T& row) noexcept { return push(&row, 1) == 1; }
  unsigned pop(T* rows, unsigned count) noexcept {
    return rte_ring_sc_dequeue_burst_elem(ring_.get(), rows, sizeof(T), count, nullptr);
  }
  [[nodiscard]] unsigned size() const noexcept { return rte_ring_count(ring_.get()); }
  [[nodiscard]] unsigned free() const noexcept { return rte_ring_free_count(ring_.get()); }

 private:
  struct Free {
    void operator()(rte_ring* ring) const noexcept { std::free(ring); }
  };
  std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace serried::ring
