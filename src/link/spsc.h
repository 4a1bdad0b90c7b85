#pragma once
/// Bursts between two lanes: rte_ring, single producer, single consumer, elements by value. Its memory is our own, so
/// that rings work before, and without, EAL.

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "base/check.h"

namespace serried::link {

/// Holds at least `capacity` rows: its slots are a power of two, one of which stays empty. push and pop never block,
/// allocate or fail half-way through a row.
template <class T>
class Spsc {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 4 == 0);

 public:
  explicit Spsc(unsigned capacity) {
    const unsigned slots = std::bit_ceil(capacity + 1);
    const auto bytes = rte_ring_get_memsize_elem(sizeof(T), slots);
    SERRIED_CHECK(bytes > 0);
    const std::size_t whole = (static_cast<std::size_t>(bytes) + 63) / 64 * 64;
    void* memory = std::aligned_alloc(64, whole);
    SERRIED_CHECK(memory != nullptr);
    // Touched by the one that makes it: near its reader, whichever lane writes the first row, and not while they run.
    std::memset(memory, 0, whole);
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

  /// Rows where they lie in the ring: in two runs where it wraps.
  struct Places {
    T* first = nullptr;
    T* second = nullptr;
    unsigned first_count = 0, count = 0;
    [[nodiscard]] T& operator[](unsigned i) const noexcept {
      return i < first_count ? first[i] : second[i - first_count];
    }
  };
  /// Producer: room for up to `count` rows, to be written in place. They travel with commit(), at most as many.
  [[nodiscard]] Places reserve(unsigned count) noexcept {
    rte_ring_zc_data room{};
    const unsigned got = rte_ring_enqueue_zc_burst_elem_start(ring_.get(), sizeof(T), count, &room, nullptr);
    return places(room, got);
  }
  void commit(unsigned count) noexcept { rte_ring_enqueue_zc_elem_finish(ring_.get(), count); }
  /// Consumer: up to `count` of the oldest rows, to be read and changed in place until consume() gives their room back.
  [[nodiscard]] Places peek(unsigned count) noexcept {
    rte_ring_zc_data rows{};
    const unsigned got = rte_ring_dequeue_zc_burst_elem_start(ring_.get(), sizeof(T), count, &rows, nullptr);
    return places(rows, got);
  }
  void consume(unsigned count) noexcept { rte_ring_dequeue_zc_elem_finish(ring_.get(), count); }

  /// Rows in it. Either side's view: the other moves its end meanwhile. rte_ring_count reads both ends as if they were
  /// its own.
  [[nodiscard]] unsigned size() const noexcept {
    const std::uint32_t begin = __atomic_load_n(&ring_->cons.tail, __ATOMIC_RELAXED);
    const std::uint32_t end = __atomic_load_n(&ring_->prod.tail, __ATOMIC_RELAXED);
    const std::uint32_t rows = (end - begin) & ring_->mask;
    return rows > ring_->capacity ? ring_->capacity : rows;
  }
  [[nodiscard]] unsigned free() const noexcept { return ring_->capacity - size(); }

 private:
  [[nodiscard]] static Places places(const rte_ring_zc_data& at, unsigned count) noexcept {
    return {static_cast<T*>(at.ptr1), static_cast<T*>(at.ptr2), at.n1, count};
  }
  struct Free {
    void operator()(rte_ring* ring) const noexcept { std::free(ring); }
  };
  std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace serried::link
