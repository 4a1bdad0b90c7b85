#pragma once
/// How much may be in flight. Source  RFC 9002 section 7 (NewReno), 7.7 (pacing); docs/wire-format.md section 2

#include <cstdint>

#include "channel/ack.h"
#include "serried/time.h"

namespace serried::channel {

/// Owner: one session's end. At most 40 bytes.
class Congestion {
 public:
  static constexpr std::uint32_t datagram_bytes = 1200;
  static constexpr std::uint32_t window_first = 10 * datagram_bytes;
  static constexpr std::uint32_t window_min = 2 * datagram_bytes;
  static constexpr unsigned datagrams_max = 112;  ///< in flight: what SentDatagrams can still tell apart

  /// What an ack, or the clock, said. `last_sequence`: the newest one sent, so that one round trip halves once.
  /// No growth unless the window was in use: `limited` is whether the sender had been held back by it.
  void on_news(const AckNews& news, std::uint64_t last_sequence, bool limited) noexcept;
  /// The retransmission timeout expired; `expirations` in a row.
  void on_timeout(std::uint64_t last_sequence, unsigned expirations) noexcept;
  /// Another network path.
  void restart() noexcept { *this = Congestion{}; }

  [[nodiscard]] std::uint32_t window() const noexcept;
  /// Bytes that may still leave, with so many in flight; 0 when the window, or datagrams_max, is used up.
  [[nodiscard]] std::uint32_t room(std::uint32_t bytes_in_flight, unsigned datagrams_in_flight) const noexcept;

  /// Bursts of reliable datagrams are spread: window per smoothed round trip, times 5/4, ten datagrams at once.
  /// When the next one may leave; `paced` says that one left.
  [[nodiscard]] Nanos next_at() const noexcept;
  void paced(std::uint32_t bytes, Nanos smoothed_round_trip, Nanos now) noexcept;
};

}  // namespace serried::channel
