#pragma once
/// Last in, first out, of fixed capacity, for one owner: all memory at construction. The newest rows lie contiguous, so
/// a burst can be taken, or lent, in one piece.

#include <cstddef>
#include <vector>

#include "base/check.h"

namespace serried::base {

template <class T>
class FixedStack {
 public:
  explicit FixedStack(std::size_t capacity) : slots_(capacity) {}

  /// Precondition: not full. A stack that overflows is a bug: its rows have nowhere to go.
  void push(const T& value) noexcept {
    SERRIED_CHECK(size_ < slots_.size());
    slots_[size_++] = value;
  }
  /// Precondition: not empty.
  T pop() noexcept { return slots_[--size_]; }
  /// The newest `count` rows. Precondition: count <= size().
  [[nodiscard]] const T* newest(std::size_t count) const noexcept { return slots_.data() + size_ - count; }
  /// Forget the first `gone` of the newest `count` rows; the others stay.
  void drop_of_newest(std::size_t count, std::size_t gone) noexcept {
    for (std::size_t i = size_ - count; i + gone < size_; ++i) slots_[i] = slots_[i + gone];
    size_ -= gone;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

 private:
  std::vector<T> slots_;
  std::size_t size_ = 0;
};

}  // namespace serried::base
