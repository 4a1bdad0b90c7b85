#include "view/tick_clock.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace serried::view {

namespace {
/// A delay that is nearer than a fourth of a tick to a whole number of ticks is of ticks that the server left out.
constexpr std::int64_t whole_tolerance = 4;
/// A time of the server's beyond which the clock begins anew: sums of some of them stay within 64 bits.
constexpr std::int64_t time_max = std::numeric_limits<std::int64_t>::max() / 4;
}  // namespace

void TickClock::configure(std::uint16_t tick_rate_hz) noexcept {
  *this = TickClock{};
  if (tick_rate_hz != 0) period_ = second / tick_rate_hz;
}

void TickClock::note(std::uint32_t tick, Nanos now) noexcept {
  // No server comes so far, but one that is not ours may say any tick.
  if (known_ && std::abs(counted(tick)) > time_max / static_cast<std::int64_t>(period_)) {
    known_ = false;
    count_ = 0;
  }
  if (!known_) latest_counted_ = latest_ = tick;
  const std::int64_t number = counted(tick);
  const auto origin = static_cast<std::int64_t>(now) - number * static_cast<std::int64_t>(period_);
  if (!known_) {
    origin_ = target_ = earliest_ = origin;
    known_ = true;
    return;
  }
  if (number > latest_counted_) {
    latest_counted_ = number;
    latest_ = tick;
  }
  earliest_ = count_ == 0 ? origin : std::min(earliest_, origin);
  if (++count_ == window) {
    target_ = earliest_;
    count_ = 0;
    const auto period = static_cast<std::int64_t>(period_);
    const std::int64_t behind = target_ - origin_, whole = (behind + period / 2) / period * period;
    if (behind > 0 && std::abs(behind - whole) < period / whole_tolerance) origin_ += whole;
  }
  target_ = std::min(target_, origin);
  origin_ = target_ < origin_ ? target_ : origin_ + (target_ - origin_) / 8;
}

double TickClock::tick_at(Nanos now) const noexcept {
  if (!known_) return 0.0;
  return static_cast<double>(static_cast<std::int64_t>(now) - origin_) / static_cast<double>(period_);
}

std::uint32_t TickClock::number_at(Nanos now) const noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(std::max(tick_at(now), 0.0)));
}

}  // namespace serried::view
