#pragma once
/// A lane's budget for something that strangers can make it do: a token bucket, full at first.

#include <algorithm>
#include <cstdint>

#include "serried/time.h"

namespace serried::base {

/// Owner   one lane
class Budget {
 public:
  /// At most `burst` at once. Preconditions: per_second and burst are not 0.
  Budget(std::uint32_t per_second, std::uint32_t burst) noexcept
      : interval_(std::max<Nanos>(second / per_second, 1)), burst_(burst), tokens_(burst) {}

  /// Whether there is one to take.
  [[nodiscard]] bool has(Nanos now, std::uint32_t kept = 0) noexcept {
    const Nanos gained = (now - at_) / interval_;
    if (gained != 0) {
      tokens_ = gained >= burst_ - tokens_ ? burst_ : tokens_ + static_cast<std::uint32_t>(gained);
      at_ += gained * interval_;
    }
    return tokens_ > kept;
  }
  /// `kept` are not for this taker: it gets none of the last ones.
  [[nodiscard]] bool take(Nanos now, std::uint32_t kept = 0) noexcept {
    if (!has(now, kept)) return false;
    --tokens_;
    return true;
  }
  /// What was taken cost nothing after all.
  void give_back() noexcept { tokens_ = std::min(tokens_ + 1, burst_); }
  /// What is kept for those that come first when it is short.
  [[nodiscard]] std::uint32_t half() const noexcept { return burst_ / 2; }

 private:
  Nanos interval_;
  Nanos at_ = 0;
  std::uint32_t burst_;
  std::uint32_t tokens_;
};

}  // namespace serried::base
