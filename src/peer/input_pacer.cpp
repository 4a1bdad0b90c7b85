#include "peer/input_pacer.h"

#include <algorithm>
#include <cmath>

namespace serried::peer {

namespace {

/// An interval that is nearer than this to a whole number of ticks is taken for that number; ticks.
constexpr double whole_tolerance = 0.02;
/// An input that took this much longer than the shortest time and the margin has missed its tick; ticks.
constexpr float missed_above = 0.5F;
/// When more than one input in so many has missed its tick, the path has become longer, or the sweep was misled. A
/// stall of the server is shorter than a window.
constexpr unsigned missed_share = 4;
/// Each input corrects a quarter of the difference, and never more than shift_max, so that players do not feel it;
/// ticks.
constexpr float gain = 0.25F, shift_max = 1.0F / 32;

}  // namespace

void InputPacer::configure(Nanos interval, const view::TickClock& clock, float margin) noexcept {
  const double ticks = clock.ticks(interval);
  interval_ = interval;
  period_ = static_cast<float>(clock.period());
  margin_ = margin;
  lowest_ = unknown;
  count_ = windows_ = seen_ = missed_ = 0;
  patience_ = 1;
  whole_ = std::round(ticks) >= 1.0 && std::abs(ticks - std::round(ticks)) < whole_tolerance;
  sweeping_ = true;
}

void InputPacer::applied(std::uint16_t sequence, std::uint16_t newest, Nanos now) noexcept {
  const std::optional<Nanos> at = left_at(sequence, newest);
  if (!at || seen_ == 0xFF) return;
  const float ticks = static_cast<float>(now - *at) / period_;
  ++seen_;
  if (ticks > lowest_ + margin_ + missed_above) ++missed_;
  lowest_ = std::min(lowest_, ticks);
}

bool InputPacer::sweep_next() noexcept {
  const bool answered = seen_ != 0, missing = missed_ > seen_ / missed_share;
  seen_ = missed_ = 0;
  // In a sweep inputs miss their ticks on purpose. It goes on until an update has come for one of them.
  if (sweeping_) return !answered;
  ++windows_;
  if (!missing) patience_ = 1;
  if (windows_ < sweep_every && !(missing && windows_ >= patience_)) return false;
  // Where sweeps do not help, as under a server that is itself late, they are tried less and less.
  if (missing) patience_ = static_cast<std::uint8_t>(std::min(2U * patience_, sweep_every));
  lowest_ = unknown;
  windows_ = 0;
  return true;
}

Nanos InputPacer::due_after(Nanos due, Nanos left, const view::TickClock& clock) noexcept {
  if (!whole_) return due + interval_;
  if (++count_ == window) {
    count_ = 0;
    sweeping_ = sweep_next();
  }
  float shift = 1.0F / static_cast<float>(window);
  if (!sweeping_) {
    // The update should come with a tick of the clock.
    const double comes = clock.tick_at(left) + static_cast<double>(lowest_ + margin_);
    shift = std::clamp(static_cast<float>(std::round(comes) - comes) * gain, -shift_max, shift_max);
  }
  return due + static_cast<Nanos>(static_cast<float>(interval_) + shift * period_);
}

}  // namespace serried::peer
