#pragma once
/// How often a shard tells each viewer something, when it cannot do so every tick. Ticks, inputs and the world go on at
/// full rate. Under overload replication gives way, for all viewers alike, and comes back by itself.

#include <algorithm>
#include <cstdint>

#include "serried/time.h"

namespace serried::shard {

/// Ticks between two datagrams to one viewer, from 1 up to a limit. Rises when ticks do not fit their period. Falls for
/// a trial when there seems to be room. Only a trial can tell: of the time in which viewers are planned for, an unknown
/// part goes to input that came meanwhile. An interval that did not fit is not tried again soon.
/// Owner   one shard lane
class UpdateThrottle {
 public:
  explicit UpdateThrottle(unsigned interval_max) noexcept : interval_max_(interval_max) {}

  [[nodiscard]] std::uint32_t interval() const noexcept { return interval_; }

  /// A tick is over. `total`: from its scheduled start to the last datagram handed over, which on a shared core counts
  /// what the other lanes took. `plans`: of that, since the first viewer was planned for. `starved`: viewers went
  /// without because the io lane was behind.
  void note(Nanos total, Nanos plans, Nanos period, bool starved) noexcept {
    // The means decide: on a machine with other work single ticks are late for reasons outside the server.
    total = std::min(total, 3 * period);
    plans = std::min(plans, total);
    mean_ = (15 * mean_ + total) / 16;
    mean_plans_ = (15 * mean_plans_ + plans) / 16;
    if (++held_ == proved_ticks && fell_) patience_ = patience_min;
    const bool hot = mean_ * 20 > period * 19 || starved;
    hot_ = hot ? hot_ + 1 : hot_ - std::min(hot_, 1U);
    if (hot_ >= hot_limit) return rise(mean_ > 2 * period ? interval_ : 1);
    // At least half of the plans' time is spent for viewers. At the shorter interval that part grows by
    // interval / (interval - 1).
    const bool fits_below = interval_ > 1 && (mean_ + mean_plans_ / (2 * (interval_ - 1))) * 100 < period * 85;
    calm_ = fits_below && !hot ? calm_ + 1 : calm_ - std::min(calm_, calm_lost);
    if (calm_ >= patience_) fall();
  }

 private:
  static constexpr unsigned hot_limit = 3, calm_lost = 4;
  static constexpr unsigned patience_min = 30, patience_max = 1'920;  ///< ticks
  static constexpr unsigned proved_ticks = 30;                        ///< real overload shows at once

  void rise(std::uint32_t by) noexcept {
    // Found too low as soon as it was tried: wait four times as long before the next try.
    if (fell_ && held_ < proved_ticks) patience_ = std::min(4 * patience_, patience_max);
    hold(std::min(interval_ + by, interval_max_));
    fell_ = false;
  }
  void fall() noexcept {
    hold(interval_ - 1);
    fell_ = true;
  }
  void hold(std::uint32_t interval) noexcept {
    // The means as they are to be expected at the new interval.
    const Nanos plans = mean_plans_ * interval_ / interval;
    mean_ = mean_ - mean_plans_ + plans;
    mean_plans_ = plans;
    interval_ = interval;
    hot_ = calm_ = held_ = 0;
  }

  std::uint32_t interval_max_;
  std::uint32_t interval_ = 1;
  unsigned hot_ = 0, calm_ = 0;
  unsigned held_ = 0;  ///< ticks at this interval
  bool fell_ = false;  ///< to this interval, not risen
  unsigned patience_ = patience_min;
  Nanos mean_ = 0, mean_plans_ = 0;  ///< of about the last 16 ticks
};

}  // namespace serried::shard
