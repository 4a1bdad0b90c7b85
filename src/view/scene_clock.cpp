#include "view/scene_clock.h"

#include <algorithm>
#include <cmath>

namespace serried::view {

namespace {

/// What is off is made up for in about this time, where the bound of the rate allows.
constexpr Nanos correction_time = second / 2;
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
  delay_ = delay_min_ = clock.ticks(delay);
  delay_max_ = clock.ticks(delay_max(delay));
}

void SceneClock::note(const TickClock& clock, std::uint32_t tick, bool moving, Nanos now) noexcept {
  const double server = clock.tick_at(now);
  if (!known_) {
    known_ = true;
    newest_ = tick;
  } else {
    if (static_cast<std::int32_t>(tick - newest_) > 0) {
      // Until now the newest state was that of the update before: the scene must not have been beyond it.
      if (moving) wait_for(static_cast<double>(split(server).since(newest_)));
      newest_ = tick;
    }
    scene_ = ticks_at(now);
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
  delay_ = std::clamp(std::max(needed_, needed_before_), delay_min_, delay_max_);
}

double SceneClock::ticks_at(Nanos now) const noexcept {
  if (now <= noted_at_) return scene_;
  const double period = static_cast<double>(period_), gone = static_cast<double>(now - noted_at_) / period;
  const double off = std::abs(correction_);
  const double rate = std::min(off * period / static_cast<double>(correction_time), rate_max);
  return scene_ + gone + std::copysign(std::min(off, gone * rate), correction_);
}

SceneTime SceneClock::at(Nanos now) const noexcept { return split(ticks_at(now)); }

}  // namespace serried::view
