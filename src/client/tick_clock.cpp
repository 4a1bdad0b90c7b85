#include "client/tick_clock.h"

#include <algorithm>

namespace serried::client {

void TickClock::configure(std::uint16_t tick_rate_hz) noexcept {
  *this = TickClock{};
  if (tick_rate_hz != 0) period_ = second / tick_rate_hz;
}

void TickClock::note(std::uint32_t tick, Nanos now) noexcept {
  const auto origin = static_cast<std::int64_t>(now) - static_cast<std::int64_t>(tick * period_);
  if (!known_) {
    origin_ = target_ = earliest_ = origin;
    latest_ = tick;
    known_ = true;
    return;
  }
  if (tick > latest_) latest_ = tick;
  earliest_ = count_ == 0 ? origin : std::min(earliest_, origin);
  if (++count_ == window) {
    target_ = earliest_;
    count_ = 0;
    const auto period = static_cast<std::int64_t>(period_);
    if (target_ > origin_) origin_ += (target_ - origin_ + period / 2) / period * period;
  }
  target_ = std::min(target_, origin);
  origin_ = target_ < origin_ ? target_ : origin_ + (target_ - origin_) / 8;
}

double TickClock::tick_at(Nanos now) const noexcept {
  if (!known_) return 0.0;
  return static_cast<double>(static_cast<std::int64_t>(now) - origin_) / static_cast<double>(period_);
}

}  // namespace serried::client
