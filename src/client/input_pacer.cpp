#include "client/input_pacer.h"

#include <algorithm>
#include <cmath>

namespace serried::client {

namespace {

/// Nearer than this to a whole number of ticks, an interval is meant to be one; ticks.
constexpr double whole_tolerance = 0.02;
/// The shortest of a window above what is held by so much: the way has become longer, or the sweep was misled; ticks.
constexpr float lost_above = 0.5F;
/// What is off is made good by a quarter an input, and never faster than this: nobody should feel it; ticks.
constexpr float share = 0.25F, shift_max = 1.0F / 32;

}  // namespace

void InputPacer::configure(Nanos interval, const TickClock& clock, float margin) noexcept {
  const double ticks = clock.ticks(interval);
  interval_ = interval;
  tick_ = static_cast<float>(static_cast<double>(interval) / std::max(ticks, 1e-9));
  margin_ = margin;
  lowest_ = recent_ = unknown;
  count_ = 0;
  whole_ = std::round(ticks) >= 1.0 && std::abs(ticks - std::round(ticks)) < whole_tolerance;
  sweeping_ = true;
}

void InputPacer::applied(std::uint16_t sequence, std::uint16_t newest, Nanos now) noexcept {
  const std::optional<Nanos> at = left_at(sequence, newest);
  if (!at) return;
  recent_ = std::min(recent_, static_cast<float>(now - *at) / tick_);
  lowest_ = std::min(lowest_, recent_);
}

Nanos InputPacer::due_after(Nanos due, const TickClock& clock) noexcept {
  if (!whole_) return due + interval_;
  if (++count_ == window) {
    count_ = 0;
    // Still unknown: the way is longer than a window.
    sweeping_ = lowest_ == unknown || recent_ > lowest_ + margin_ + lost_above;
    if (sweeping_) lowest_ = recent_;
    recent_ = unknown;
  }
  float shift = 1.0F / static_cast<float>(window);
  if (!sweeping_) {
    // The update should come with a tick of the clock.
    const double late = clock.tick_at(due) + static_cast<double>(lowest_ + margin_);
    shift = std::clamp(static_cast<float>(std::round(late) - late) * share, -shift_max, shift_max);
  }
  return due + static_cast<Nanos>(static_cast<float>(interval_) + shift * tick_);
}

}  // namespace serried::client
