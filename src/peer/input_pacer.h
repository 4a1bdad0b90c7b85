#pragma once
/// When the next input should leave. An input that arrives just behind a tick waits for the whole of the next. When
/// inputs arrive at about the tick, jitter leaves the server with none in one tick and two in the next; it then keeps
/// one back, and all that follow are a tick late. So the times of leaving are shifted until inputs arrive well before
/// the tick that is for them. The one-way delay need not be known: the time from an input's leaving to the update with
/// it is shortest for an input that arrives just in time. A sweep of the times of leaving over one tick finds that
/// phase; from then on inputs leave a margin before it. Where the path becomes longer by less than the margin only
/// another sweep shows it: there is one every two minutes, and at once when many inputs miss their tick. Nothing on the
/// wire is for this: DeltaSync says which input is in which tick.
/// Owner   one session

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "serried/time.h"
#include "view/tick_clock.h"

namespace serried::peer {

class InputPacer {
 public:
  static constexpr float usual_margin = 0.4F;

  /// There is an input every `interval`, which should arrive `margin` ticks before the server's. Forgets all phases,
  /// but not when inputs left. An interval that is no whole number of ticks stays as it is: its inputs meet every
  /// phase.
  void configure(Nanos interval, const view::TickClock& clock, float margin = usual_margin) noexcept;
  [[nodiscard]] Nanos interval() const noexcept { return interval_; }

  void left(std::uint16_t sequence, Nanos now) noexcept { left_at_[sequence % remembered] = now; }
  /// When input `sequence` left; nullopt: so many have left since, up to `newest`, that it is forgotten.
  [[nodiscard]] std::optional<Nanos> left_at(std::uint16_t sequence, std::uint16_t newest) const noexcept {
    if (static_cast<std::uint16_t>(newest - sequence) >= remembered) return std::nullopt;
    return left_at_[sequence % remembered];
  }

  /// Input `sequence` is the newest in an update that has come; `newest` the newest that left.
  void applied(std::uint16_t sequence, std::uint16_t newest, Nanos now) noexcept;

  /// When the next input is due, when the one before was at `due`, and left at `left`. Inputs that are
  /// always late by as much are asked for sooner. To be called once for each.
  [[nodiscard]] Nanos due_after(Nanos due, Nanos left, const view::TickClock& clock) noexcept;

  /// Ask for the memory of what is done next, when input `applied` is in the state and `newest` left last.
  void prefetch(std::uint16_t applied, std::uint16_t newest) const noexcept {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(&left_at_[static_cast<std::uint16_t>(applied + 1) % remembered]);
    __builtin_prefetch(&left_at_[static_cast<std::uint16_t>(newest + 1) % remembered], 1);
  }

 private:
  static constexpr std::size_t remembered = 256;  ///< 4 s at 60 Hz
  static constexpr unsigned window = 64;          ///< inputs of a sweep, and of what is looked at together
  static constexpr unsigned sweep_every = 112;    ///< windows: two minutes at 60 Hz
  static constexpr float unknown = std::numeric_limits<float>::infinity();

  /// A window has ended: is the next one a sweep?
  [[nodiscard]] bool sweep_next() noexcept;

  Nanos interval_ = 0;
  float period_ = 1;                    ///< of the server's ticks, ns
  float margin_ = 0;                    ///< ticks
  float lowest_ = unknown;              ///< the shortest time to an update since the last sweep began, ticks
  std::uint8_t count_ = 0;              ///< inputs of this window
  std::uint8_t windows_ = 0;            ///< since the last sweep
  std::uint8_t patience_ = 1;           ///< so many there must be before the next for missed ticks
  std::uint8_t seen_ = 0, missed_ = 0;  ///< updates of this window; those of them whose input had missed its tick
  bool whole_ = false;                  ///< the interval is so many ticks
  bool sweeping_ = true;
  std::array<Nanos, remembered> left_at_{};
};

}  // namespace serried::peer
