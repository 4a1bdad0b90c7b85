#pragma once
/// A message that comes in in fragments, joined in a block of the pool. The twin of Split. All zero when there is none.
/// Source  docs/wire-format.md section 2, Fragments

#include <cstdint>
#include <span>

#include "channel/fragment.h"
#include "serried/time.h"

namespace serried::channel {

class Join {
 public:
  /// Precondition: !active(). False: the pool has no block, and none that another join fills slowly.
  [[nodiscard]] bool begin(BlockPool& pool, const FragmentHeader& header, Nanos now) noexcept;
  [[nodiscard]] bool active() const noexcept { return total_ != 0; }
  [[nodiscard]] bool complete() const noexcept { return active() && received_ == total_; }
  [[nodiscard]] std::uint16_t fragment_id() const noexcept { return fragment_id_; }
  /// Its block went to another, because it came slowly: to be forgotten.
  [[nodiscard]] bool evicted(const BlockPool& pool) const noexcept { return active() && !pool.is_held(held_); }

  /// Add a fragment that is_fragment() says may be one. False: it contradicts the total or overlaps another.
  /// Precondition of both: !evicted().
  [[nodiscard]] bool add(BlockPool& pool, const FragmentHeader& header, std::span<const std::uint8_t> bytes) noexcept;
  /// The same on a reliable channel, where ids are consecutive in the order of offsets: they must rise with the
  /// offsets, and leave none out when the message is complete. Each byte of a fragment buys time_per_byte, so that a
  /// trickle of small fragments does not keep a block for hours; 250 bytes a second keep a join alive.
  [[nodiscard]] bool add(BlockPool& pool, const FragmentHeader& header, std::span<const std::uint8_t> bytes,
                         std::uint16_t id, Nanos now) noexcept;

  [[nodiscard]] std::uint16_t last_id() const noexcept { return last_id_; }  ///< of the last fragment, when complete()
  /// When it began. Each fragment moves it on by time_per_byte for each of its bytes, at most to the fragment's
  /// arrival.
  [[nodiscard]] Nanos touched_at() const noexcept { return touched_at_; }
  [[nodiscard]] std::uint16_t block() const noexcept { return held_.block; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return total_; }

  /// How long it has come, if that was slower than BlockPool::safe_bytes_per_second, else 0. Precondition: !evicted().
  [[nodiscard]] Nanos slow_for(const BlockPool& pool, Nanos now) const noexcept { return pool.slow_for(held_, now); }
  /// It is complete, and its receiver has no room. Precondition: !evicted().
  void wait(BlockPool& pool) noexcept { pool.note_waits(held_); }
  /// The block has another owner now, from which it is not taken away.
  void hand_on(BlockPool& pool) noexcept {
    pool.keep(held_);
    *this = {};
  }
  /// Give the block back, if it is held still.
  void drop(BlockPool& pool) noexcept;

 private:
  static constexpr Nanos time_per_byte = 4 * millisecond;

  Nanos touched_at_ = 0;
  std::uint32_t total_ = 0, received_ = 0;
  BlockPool::Held held_;
  std::uint16_t fragment_id_ = 0;
  std::uint16_t count_ = 0;                        ///< fragments so far
  std::uint16_t first_id_ = 0, last_id_ = 0;       ///< at offset 0, and at the end, once they came
  std::uint16_t newest_id_ = 0, newest_unit_ = 0;  ///< of the fragment that came last
};

}  // namespace serried::channel
