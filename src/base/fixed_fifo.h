#pragma once
/// First in, first out, of fixed capacity, for one owner: all memory at construction.

#include <bit>
#include <cstddef>
#include <vector>

namespace serried::base {

template <class T>
class FixedFifo {
 public:
  /// Capacity is rounded up to a power of two.
  explicit FixedFifo(std::size_t capacity) : slots_(std::bit_ceil(capacity)), mask_(slots_.size() - 1) {}

  bool push(const T& value) noexcept {
    if (size_ == slots_.size()) return false;
    slots_[(head_ + size_++) & mask_] = value;
    return true;
  }
  /// Precondition of front and pop: not empty.
  [[nodiscard]] T& front() noexcept { return slots_[head_]; }
  T pop() noexcept {
    const T value = slots_[head_];
    // An empty one begins anew at its first slot, so that one which never holds much touches little memory.
    head_ = --size_ == 0 ? 0 : (head_ + 1) & mask_;
    return value;
  }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == slots_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::vector<T> slots_;
  std::size_t mask_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace serried::base
