#pragma once
/// The replay window of one session and direction: which of the last 256 sequences have been received.
/// Source  RFC 6479 (a window that moves by whole words), with positions of 64 bits

#include <array>
#include <cstdint>

#include "metrics/drop.h"

namespace serried::crypt {

/// 40 bytes, part of a session's hot line.
/// Owner   the session's io lane (or the client)
class ReplayWindow {
 public:
  static constexpr std::uint64_t positions = 256;

  /// What would become of `sequence`: none, replay_old or replay_seen. Changes nothing. Sequence 0 is never accepted.
  [[nodiscard]] metrics::Drop peek(std::uint64_t sequence) const noexcept {
    if (sequence > largest_) return metrics::Drop::none;
    if (sequence == 0 || largest_ - sequence >= positions - 64) return metrics::Drop::replay_old;
    return (word(sequence) >> (sequence % 64) & 1) != 0 ? metrics::Drop::replay_seen : metrics::Drop::none;
  }
  /// Peek again and remember. Only after the tag has verified.
  metrics::Drop commit(std::uint64_t sequence) noexcept {
    const metrics::Drop result = peek(sequence);
    if (result != metrics::Drop::none) return result;
    if (sequence > largest_) {
      const std::uint64_t first = largest_ / 64 + 1;
      const std::uint64_t last = sequence / 64;
      if (last >= first + words)
        bits_.fill(0);
      else
        for (std::uint64_t w = first; w <= last; ++w) bits_[w % words] = 0;
      largest_ = sequence;
    }
    bits_[sequence / 64 % words] |= std::uint64_t{1} << (sequence % 64);
    return metrics::Drop::none;
  }
  [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }

 private:
  static constexpr std::uint64_t words = positions / 64;
  [[nodiscard]] std::uint64_t word(std::uint64_t sequence) const noexcept { return bits_[sequence / 64 % words]; }

  std::uint64_t largest_ = 0;
  std::array<std::uint64_t, words> bits_{};
};

}  // namespace serried::crypt
