#pragma once
/// One column of a table: fixed length, 64-byte aligned, zeroed, never resized. Constructed at set-up only.

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "base/check.h"

namespace serried::world {

/// Zeroed memory for a column, aligned to 64 bytes, to be given back by free. Half a megabyte and more begins at a huge
/// page, and asks for such: what a viewer's turn touches lies on a hundred small pages.
[[nodiscard]] void* allocate_column(std::size_t bytes);

template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Column() = default;
  /// `stagger`: the column's number in its table. Columns that all start at the same offset of a page evict one another
  /// from the cache when they are walked together, so each starts three lines further.
  explicit Column(std::size_t count, unsigned stagger = 0) {
    SERRIED_CHECK(count < count_max);
    const std::size_t offset = stagger % 21 * 192;
    const std::size_t bytes = (offset + count * sizeof(T) + 63) / 64 * 64;
    memory_.reset(allocate_column(bytes));
    begin_ = reinterpret_cast<T*>(static_cast<char*>(memory_.get()) + offset);
    count_ = count;
  }

  [[nodiscard]] T* data() noexcept { return begin_; }
  [[nodiscard]] const T* data() const noexcept { return begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] T& operator[](std::size_t row) noexcept { return begin_[row]; }
  [[nodiscard]] const T& operator[](std::size_t row) const noexcept { return begin_[row]; }

  static constexpr std::size_t count_max = std::size_t{1} << 32;

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  T* begin_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace serried::world
