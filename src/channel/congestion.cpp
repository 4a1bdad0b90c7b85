#include "channel/congestion.h"

#include <algorithm>

namespace serried::channel {

void Congestion::on_ack_result(const AckResult& result, std::uint64_t last_sequence, bool limited) noexcept {
  if (result.acked_bytes != 0) halved_ = false;
  if (result.newest_acked > recovery_end_) window_before_ = 0;  // the timeout is over: there is nothing to take back
  if (result.newest_lost > recovery_end_) {
    window_before_ = 0;
    lose(last_sequence);
  }
  if (!limited || result.newest_acked <= recovery_end_) return;
  if (window_ < threshold_) {
    window_ = std::min(window_ + result.acked_bytes, window_max);
    return;
  }
  acked_ += result.acked_bytes;
  if (acked_ < window_) return;
  acked_ -= window_;
  window_ = std::min(window_ + datagram_bytes, window_max);
}

void Congestion::on_timeout(std::uint64_t last_sequence, unsigned expirations) noexcept {
  if (expirations < 2 || window_before_ == 0) {
    window_before_ = window_;
    threshold_before_ = threshold_;
  }
  lose(last_sequence);
  if (expirations < 2) return;
  window_ = window_min;
  acked_ = 0;
}

bool Congestion::on_too_early() noexcept {
  if (window_before_ == 0) return false;
  window_ = std::max(window_, window_before_);
  threshold_ = threshold_before_;
  window_before_ = 0;
  halved_ = false;
  return true;
}

void Congestion::lose(std::uint64_t last_sequence) noexcept {
  recovery_end_ = last_sequence;
  // Losses with nothing acked between them are one event: an outage, or timeouts on a path longer than was known, shall
  // not take the threshold down to nothing.
  // Source  RFC 5681 section 3.1, on a second timeout
  if (halved_) return;
  window_ = threshold_ = std::max(window_ / 2, window_min);
  acked_ = 0;
  halved_ = true;
}

void Congestion::paced(std::uint32_t bytes, Nanos smoothed_round_trip, Nanos now) noexcept {
  const auto time_of = [&](Nanos count) noexcept { return count * smoothed_round_trip * 4 / (5 * Nanos{window_}); };
  const Nanos saved_max = (burst_max - 1) * time_of(datagram_bytes);
  next_at_ = std::max(next_at_, now > saved_max ? now - saved_max : 0) + time_of(bytes);
}

}  // namespace serried::channel
