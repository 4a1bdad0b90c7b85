#pragma once
/// A counter that one lane writes and any thread may read: a plain add for the owner (no locked instruction),
/// never a torn or cached value for the reader.

#include <atomic>
#include <cstdint>

namespace serried::base {

class Counter {
 public:
  void add(std::uint64_t amount) noexcept { set(value() + amount); }
  void set(std::uint64_t amount) noexcept { value_.store(amount, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace serried::base
