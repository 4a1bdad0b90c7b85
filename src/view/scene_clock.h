#pragma once
/// Which tick of the server the scene shows. It lies behind the server's clock by so much that what is to be shown has
/// nearly always arrived: at least the delay that was configured, and more, up to a bound, where updates come far
/// apart, late or not at all. Time in the scene never jumps and never runs backwards: it goes at most a fiftieth
/// faster or slower than the server's until it is where it should be. Only where the server's clock itself has moved,
/// as that of a server that does not keep its pace, and the scene is off by more than 50 ms, the rate grows with that,
/// up to a half; and beyond a second the scene is set anew.

#include <cstdint>

#include "base/serial.h"
#include "serried/time.h"
#include "view/tick_clock.h"

namespace serried::view {

/// A moment between two ticks.
struct SceneTime {
  std::uint32_t tick = 0;
  float part = 0;  ///< of a tick, behind `tick`; below 1
  /// Ticks from `earlier` to this moment, negative when it is later; ticks wrap.
  [[nodiscard]] float since(std::uint32_t earlier) const noexcept {
    return static_cast<float>(base::serial_distance(earlier, tick)) + part;
  }
};

/// Owner   one View
class SceneClock {
 public:
  static constexpr Nanos delay_bound = 250 * millisecond;  ///< of what jitter and loss may add to
  static constexpr double rate_max = 0.02;                 ///< how much faster or slower than the server's clock
  static constexpr double rate_bound = 0.5;                ///< where that has moved

  void configure(Nanos delay, const TickClock& clock) noexcept;
  /// The longest delay.
  [[nodiscard]] static Nanos delay_max(Nanos delay) noexcept { return delay > delay_bound ? delay : delay_bound; }

  /// An update of `tick` has come, which `clock` knows already. `moving`: the update before told of something that
  /// moves; where nothing does, updates are far apart and are not waited for.
  void note(const TickClock& clock, std::uint32_t tick, bool moving, Nanos now) noexcept;
  [[nodiscard]] bool known() const noexcept { return known_; }
  [[nodiscard]] SceneTime at(Nanos now) const noexcept;
  /// How far behind the server's clock the scene is.
  [[nodiscard]] Nanos delay() const noexcept { return static_cast<Nanos>(delay_ * static_cast<double>(period_)); }

 private:
  static constexpr unsigned window = 64;  ///< updates

  [[nodiscard]] double ticks_at(Nanos now) const noexcept;
  void wait_for(double needed) noexcept;

  Nanos period_ = second / 60;
  Nanos noted_at_ = 0;
  double scene_ = 0;       ///< tick of the scene at noted_at_
  double correction_ = 0;  ///< ticks that the scene was behind where it should be, then
  double delay_ = 0, delay_wanted_ = 0, delay_min_ = 0, delay_max_ = 0;  ///< ticks
  double needed_ = 0, needed_before_ = 0;  ///< the longest wait for an update in this window, and in the last
  std::uint32_t newest_ = 0;
  std::uint8_t count_ = 0;
  bool known_ = false;
};

}  // namespace serried::view
