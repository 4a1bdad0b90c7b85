#include "view/scene_clock.h"

#include <algorithm>
#include <cmath>

namespace serried::view {

namespace {

/// What is off is made up for in about this time, where the bound of the rate allows.
constexpr double correction_time_s = 0.5;
/// From here on the rate grows, by so much for each second that the scene is off.
constexpr double rate_grows_above_s = 0.05, rate_growth = 2;
/// The delay itself changes more slowly than the scene can follow.
constexpr double delay_rate = SceneClock::rate_max / 2;
/// Beyond this the scene is shown anew.
constexpr Nanos resync_above = second;
/// What was needed may be needed again, and a little more; ticks.
constexpr double margin = 0.25;

[[nodiscard]] SceneTime split(double ticks) noexcept {
  const double whole = std::floor(ticks);
  return {static_cast<std::uint32_t>(static_cast<std::int64_t>(whole)), static_cast<float>(ticks - whole)};
}

}  // namespace

void SceneClock::configure(Nanos delay, const TickClock& clock) noexcept {
  *this = SceneClock{};
  period_ = clock.period();
  delay_ = delay_wanted_ = delay_min_ = clock.ticks(delay);
  delay_max_ = clock.ticks(delay_max(delay));
}

void SceneClock::note(const TickClock& clock, std::uint32_t tick, bool moving, Nanos now) noexcept {
  const double server = clock.tick_at(now);
  if (!known_) {
    known_ = true;
    newest_ = tick;
    scene_ = server - delay_;
  } else {
    if (base::is_later(tick, newest_)) {
      // Until now the newest state was that of the update before: the scene must not have been beyond it.
      if (moving) wait_for(static_cast<double>(split(server).since(newest_)));
      newest_ = tick;
    }
    scene_ = ticks_at(now);
    const double most = clock.ticks(now > noted_at_ ? now - noted_at_ : 0) * delay_rate;
    delay_ += std::clamp(delay_wanted_ - delay_, -most, most);
  }
  noted_at_ = now;
  correction_ = server - delay_ - scene_;
  if (std::abs(correction_) <= clock.ticks(resync_above)) return;
  scene_ += correction_;
  correction_ = 0;
}

void SceneClock::wait_for(double needed) noexcept {
  needed_ = std::max(needed_, needed + margin);
  if (++count_ == window) {
    count_ = 0;
    needed_before_ = needed_;
    needed_ = 0;
  }
  delay_wanted_ = std::clamp(std::max(needed_, needed_before_), delay_min_, delay_max_);
}

double SceneClock::ticks_at(Nanos now) const noexcept {
  if (now <= noted_at_) return scene_;
  const double period = static_cast<double>(period_), gone = static_cast<double>(now - noted_at_) / period;
  const double off = std::abs(correction_);
  const double off_s = off * period / static_cast<double>(second);
  const double rate =
      std::min(off_s / correction_time_s, rate_max) + std::max(off_s - rate_grows_above_s, 0.0) * rate_growth;
  return scene_ + gone + std::copysign(std::min(off, gone * std::min(rate, rate_bound)), correction_);
}

SceneTime SceneClock::at(Nanos now) const noexcept { return split(ticks_at(now)); }

}  // namespace serried::view
