#pragma once
/// How often a shard tells each viewer something, when it cannot do so every tick. Ticks, inputs and the world go on at
/// full rate: what gives way under overload is replication, evenly, and it comes back by itself.

#include <algorithm>
#include <cstdint>

#include "serried/time.h"

namespace serried::lane {

/// Ticks between two datagrams to one viewer, from 1 up to a limit. Rises when ticks do not fit their period, falls
/// when they would fit with room to spare at the next lower interval. Owner: one shard lane.
class Pace {
 public:
  explicit Pace(unsigned interval_max) noexcept : interval_max_(interval_max) {}

  [[nodiscard]] std::uint32_t interval() const noexcept { return interval_; }

  /// A tick is over. `total`: from its scheduled start to the last datagram handed over, which on a shared core counts
  /// what the other lanes took. `plans`: of that, since the first viewer was planned for. `starved`: viewers went
  /// without because the io lane was behind.
  void note(Nanos total, Nanos plans, Nanos period, bool starved) noexcept {
    mean_ = (15 * mean_ + total) / 16;
    mean_plans_ = (15 * mean_plans_ + plans) / 16;
    if (total * 10 > period * 9 || starved) {
      calm_ -= std::min(calm_, calm_lost);
      hot_ += 2;
      if (hot_ < hot_limit) return;
      hot_ = calm_ = 0;
      interval_ = std::min(interval_ + (mean_ > 2 * period ? interval_ : 1), interval_max_);
      return;
    }
    hot_ -= std::min(hot_, 1U);
    // One interval less, and the plans take interval / (interval - 1) times as long, the rest as long as now. The mean
    // decides: on a machine with other work, single ticks are late for reasons that are not ours.
    const Nanos below = interval_ > 1 ? mean_ + mean_plans_ / (interval_ - 1) : ~Nanos{0} / 100;
    calm_ = below * 100 < period * 85 ? calm_ + 1 : calm_ - std::min(calm_, calm_lost);
    if (calm_ < calm_ticks) return;
    calm_ = 0;
    --interval_;
  }

 private:
  // A tick that does not fit weighs two that do: three in a row are overload, and so is every other one for a while; one
  // in four, on a machine whose cores are now and then somebody else's, is not.
  static constexpr unsigned hot_limit = 6;
  static constexpr unsigned calm_ticks = 60, calm_lost = 4;

  std::uint32_t interval_max_;
  std::uint32_t interval_ = 1;
  unsigned hot_ = 0, calm_ = 0;
  Nanos mean_ = 0, mean_plans_ = 0;  ///< of about the last 16 ticks
};

}  // namespace serried::lane
