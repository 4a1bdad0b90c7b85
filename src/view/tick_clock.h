#pragma once
/// The server's tick as far as the client can tell. An update that comes early is followed at once: it proves that the
/// clock was late. An update that comes late is mostly late by jitter, of which the earliest of a window is free: the
/// clock follows that one smoothly, and so follows a path that changes and a server whose clock has another speed. A
/// server that was late leaves out whole ticks: the clock follows those in one step, backwards where they are several.

#include <cstdint>

#include "base/serial.h"
#include "serried/time.h"

namespace serried::view {

class TickClock {
 public:
  void configure(std::uint16_t tick_rate_hz) noexcept;
  void note(std::uint32_t tick, Nanos now) noexcept;
  [[nodiscard]] bool known() const noexcept { return known_; }
  [[nodiscard]] std::uint32_t latest() const noexcept { return latest_; }
  /// Fractional, and counted on where the server's 32 bits wrap; 0 before the first note.
  [[nodiscard]] double tick_at(Nanos now) const noexcept;
  /// Ticks from the server's tick number `tick` to `now`; below 0: it is yet to come.
  [[nodiscard]] double ticks_since(std::uint32_t tick, Nanos now) const noexcept {
    return tick_at(now) - static_cast<double>(counted(tick));
  }
  /// The same for the wire: whole, and 32 bits as the server counts.
  [[nodiscard]] std::uint32_t number_at(Nanos now) const noexcept;
  [[nodiscard]] Nanos period() const noexcept { return period_; }
  [[nodiscard]] double ticks(Nanos span) const noexcept {
    return static_cast<double>(span) / static_cast<double>(period_);
  }

 private:
  static constexpr unsigned window = 16;  ///< updates

  /// A tick's number without the wraps.
  [[nodiscard]] std::int64_t counted(std::uint32_t tick) const noexcept {
    return latest_counted_ + base::serial_distance(latest_, tick);
  }

  Nanos period_ = second / 60;
  std::int64_t origin_ = 0;    ///< our time of the server's tick 0
  std::int64_t target_ = 0;    ///< the earliest of the last whole window
  std::int64_t earliest_ = 0;  ///< of this one
  std::uint32_t latest_ = 0;
  std::int64_t latest_counted_ = 0;
  std::uint8_t count_ = 0;  ///< updates of this window
  bool known_ = false;
};

}  // namespace serried::view
