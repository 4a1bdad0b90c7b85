#pragma once
/// A lane's budget for something that strangers can make it do: a token bucket, full at first.

#include <algorithm>
#include <cstdint>

#include "serried/time.h"

namespace serried::guard {

/// Owner   one lane
class Budget {
 public:
  /// At most `burst` at once. Preconditions: per_second and burst are not 0.
  Budget(std::uint32_t per_second, std::uint32_t burst) noexcept
      : interval_(std::max<Nanos>(second / per_second, 1)), burst_(burst), tokens_(burst) {}

  [[nodiscard]] bool take(Nanos now) noexcept {
    const Nanos gained = (now - at_) / interval_;
    if (gained != 0) {
      tokens_ = gained >= burst_ - tokens_ ? burst_ : tokens_ + static_cast<std::uint32_t>(gained);
      at_ += gained * interval_;
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  Nanos interval_;
  Nanos at_ = 0;
  std::uint32_t burst_;
  std::uint32_t tokens_;
};

}  // namespace serried::guard
