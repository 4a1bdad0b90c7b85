#pragma once
/// How much may be in flight.
/// Source  RFC 9002 section 7 (NewReno), 7.7 (pacing); docs/wire-format.md section 2

#include <cstdint>

#include "channel/ack.h"
#include "serried/time.h"

namespace serried::channel {

/// 40 bytes.
/// Owner   one session's end
class Congestion {
 public:
  static constexpr std::uint32_t datagram_bytes = 1200;
  static constexpr std::uint32_t window_first = 10 * datagram_bytes;
  static constexpr std::uint32_t window_min = 2 * datagram_bytes;
  static constexpr unsigned datagrams_max = 112;  ///< in flight: what SentDatagrams can still tell apart
  static constexpr std::uint32_t window_max = datagrams_max * datagram_bytes;
  static constexpr unsigned burst_max = 10;  ///< datagrams that the pacer lets out at once

  /// What an ack, or the clock, said. `last_sequence`: the newest one sent, so that one round trip halves once.
  /// No growth unless the window was in use: `limited` is whether the sender had been held back by it.
  void on_ack_result(const AckResult& result, std::uint64_t last_sequence, bool limited) noexcept;
  /// The retransmission timeout expired; `expirations` in a row, this one included. The first is a loss like any, from
  /// the second on the window is the smallest. `on_ack_result` may be told before what was lost by it, or not at all.
  void on_timeout(std::uint64_t last_sequence, unsigned expirations) noexcept;
  /// The timeout was too early: nothing of what it declared lost was. The window is what it was before, unless a loss
  /// came between. False: there was nothing to take back.
  /// Source  RFC 4015 section 3
  bool on_too_early() noexcept;
  /// Another network path.
  void restart() noexcept { *this = Congestion{}; }

  [[nodiscard]] std::uint32_t window() const noexcept { return window_; }
  /// Bytes that may still leave, with so many in flight; 0 when the window, or datagrams_max, is used up.
  [[nodiscard]] std::uint32_t room(std::uint32_t bytes_in_flight, unsigned datagrams_in_flight) const noexcept {
    if (datagrams_in_flight >= datagrams_max || bytes_in_flight >= window_) return 0;
    return window_ - bytes_in_flight;
  }

  /// Bursts of reliable datagrams are spread: window per smoothed round trip, times 5/4, ten datagrams at once.
  /// When the next one may leave; `paced` says that one left. A round trip of 0 is unknown: nothing is spread.
  [[nodiscard]] Nanos next_at() const noexcept { return next_at_; }
  void paced(std::uint32_t bytes, Nanos smoothed_round_trip, Nanos now) noexcept;

 private:
  void lose(std::uint64_t last_sequence) noexcept;

  std::uint32_t window_ = window_first;
  std::uint32_t threshold_ = ~std::uint32_t{0};  ///< where slow start ends
  std::uint64_t recovery_end_ = 0;               ///< what was sent up to it belongs to the round trip that halved
  Nanos next_at_ = 0;
  std::uint32_t acked_ = 0;  ///< bytes, since the window last grew beyond the threshold
  /// Of the last timeout, or the first of several in a row, as they were before it; 0: there is nothing to take back.
  std::uint32_t window_before_ = 0, threshold_before_ = 0;
  bool halved_ = false;  ///< and nothing was acked since
};
static_assert(sizeof(Congestion) <= 40);

}  // namespace serried::channel
