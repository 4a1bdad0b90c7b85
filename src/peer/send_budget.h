#pragma once
/// How many datagrams a second a session may send: the server drops what exceeds 1.5 times the rate that it stated,
/// with 64 at once. Everything that leaves is counted, and what can wait stays below that, so that jitter on the way
/// makes no burst too long.
/// Source  docs/wire-format.md section 1, order of checks, 7; the generic cell rate algorithm of ITU-T I.371

#include <algorithm>
#include <cstdint>

#include "serried/time.h"

namespace serried::peer {

class SendBudget {
 public:
  static constexpr Nanos burst = 32;

  /// `rate_hz` as the server stated it; 0: no limit.
  void configure(std::uint16_t rate_hz) noexcept {
    interval_ = rate_hz != 0 ? second * 5 / (7 * Nanos{rate_hz}) : 0;
    paid_until_ = 0;
  }
  /// When what can wait may leave.
  [[nodiscard]] Nanos ready_at() const noexcept {
    return paid_until_ > burst * interval_ ? paid_until_ - burst * interval_ : 0;
  }
  void spend(Nanos now) noexcept { paid_until_ = std::max(paid_until_, now) + interval_; }

 private:
  Nanos interval_ = 0;
  Nanos paid_until_ = 0;
};

}  // namespace serried::peer
