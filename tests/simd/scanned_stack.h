#pragma once
/// A stack of which every byte is looked at after a function has run on it: has it left secrets behind?

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ucontext.h>

namespace serried::simd {

class ScannedStack {
 public:
  /// Run it there. It has no arguments: what it works on stands elsewhere.
  void run(void (*function)()) {
    std::fill(std::begin(bytes_), std::end(bytes_), untouched);
    getcontext(&there_);
    there_.uc_stack.ss_sp = bytes_;
    there_.uc_stack.ss_size = sizeof bytes_;
    there_.uc_link = &back_;
    makecontext(&there_, function, 0);
    swapcontext(&back_, &there_);
  }
  /// Otherwise it was too small to say.
  [[nodiscard]] bool was_enough() const { return bytes_[0] == untouched; }
  [[nodiscard]] bool holds(const void* secret, std::size_t count) const {
    const auto* const from = static_cast<const std::uint8_t*>(secret);
    return std::search(std::begin(bytes_), std::end(bytes_), from, from + count) != std::end(bytes_);
  }

 private:
  static constexpr std::uint8_t untouched = 0xA5;
  alignas(64) std::uint8_t bytes_[256 * 1024];
  ucontext_t back_, there_;
};

}  // namespace serried::simd
