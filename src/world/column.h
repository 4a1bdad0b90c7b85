#pragma once
/// One column of a table: fixed length, 64-byte aligned, zeroed, never resized. Constructed at set-up only.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <type_traits>

#include "base/check.h"

namespace serried::world {

/// Where a column that several shards share is to lie on a machine with several NUMA nodes. Without nodes: where it
/// comes to lie.
struct Homes {
  std::span<const int> nodes;  ///< of the owners of the rows, in the order of the rows
  std::size_t rows = 0;        ///< of each owner; what is over is the last one's. 0: of none, the nodes take turns
};

/// The same in bytes of the memory of a column.
struct Parts {
  std::span<const int> nodes;
  std::size_t first = 0, bytes = 0;
};

/// Zeroed memory for a column, aligned to 64 bytes. Half a megabyte and more begins at a huge
/// page, and asks for such: what a viewer's turn touches lies on a hundred small pages.
///
/// With nodes it has its pages to itself, and they are bound before they are touched. A border between two owners is at
/// a small page also where the column asks for huge ones: the kernel makes huge pages of what lies between two borders,
/// and the one at a border falls apart. An owner writes its rows in every tick, so that to have them on its node is
/// worth more to it than these entries of the TLB. Not of malloc's then, whose next user would inherit the policy.
struct FreeColumn {
  std::size_t mapped = 0;  ///< bytes to be unmapped; 0: to be freed
  void operator()(void* memory) const noexcept;
};
using ColumnMemory = std::unique_ptr<void, FreeColumn>;
[[nodiscard]] ColumnMemory allocate_column(std::size_t bytes, const Parts& parts = {});

template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Column() = default;
  /// `stagger`: the column's number in its table. Columns that all start at the same offset of a page evict one another
  /// from the cache when they are walked together, so each starts three lines further.
  explicit Column(std::size_t count, unsigned stagger = 0, const Homes& homes = {}) {
    SERRIED_CHECK(count < count_max);
    const std::size_t offset = stagger % 21 * 192;
    const std::size_t bytes = (offset + count * sizeof(T) + 63) / 64 * 64;
    memory_ = allocate_column(bytes, {homes.nodes, offset, homes.rows * sizeof(T)});
    begin_ = reinterpret_cast<T*>(static_cast<char*>(memory_.get()) + offset);
    count_ = count;
  }

  [[nodiscard]] T* data() noexcept { return begin_; }
  [[nodiscard]] const T* data() const noexcept { return begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// The memory of the rows [first, last), as far as there are such.
  [[nodiscard]] std::span<const std::byte> memory(std::size_t first, std::size_t last) const noexcept {
    return std::as_bytes(
        std::span<const T>(begin_, count_).first(std::min(last, count_)).subspan(std::min(first, count_)));
  }
  [[nodiscard]] T& operator[](std::size_t row) noexcept { return begin_[row]; }
  [[nodiscard]] const T& operator[](std::size_t row) const noexcept { return begin_[row]; }

  static constexpr std::size_t count_max = std::size_t{1} << 32;

 private:
  ColumnMemory memory_;
  T* begin_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace serried::world
