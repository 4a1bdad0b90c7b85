#pragma once
/// Notices that the wall clock has been set: by an operator, or by a time service that found it wrong.

#include <cstdint>

#include "serried/time.h"

namespace serried::base {

/// The wall clock of a host beside its monotonic one. Both are read by the caller.
class ClockWatch {
 public:
  /// By how many seconds the wall clock has been set since the last call, back when negative; 0: it ran on. The reading
  /// has whole seconds, so the answer is good to one second and a step of one second passes unnoticed, a leap second
  /// among them. A clock that a time service slows down or speeds up is not set.
  [[nodiscard]] std::int64_t note(Nanos now, std::int64_t unix_now_s) noexcept {
    const std::int64_t ahead = unix_now_s - static_cast<std::int64_t>(now / second);
    const std::int64_t step = started_ ? ahead - ahead_ : 0;
    ahead_ = ahead;
    started_ = true;
    // Each clock passes its full second at another moment: for a while each second the difference is one larger.
    return step >= -1 && step <= 1 ? 0 : step;
  }

 private:
  std::int64_t ahead_ = 0;
  bool started_ = false;
};

}  // namespace serried::base
