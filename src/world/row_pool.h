#pragma once
/// The free rows of one shard. A row given back rests before it is used again, so that a late datagram about its last
/// entity cannot be taken for one about the next; its generation moves on each time. Measured in ticks, not in time:
/// the same history gives the same slots.
/// Owner   one shard lane

#include <cstdint>

#include "world/column.h"
#include "world/entity.h"

namespace serried::world {

class RowPool {
 public:
  RowPool(unsigned first_row, unsigned rows, unsigned rest_ticks);

  /// A row that is free at `tick`; no_slot when there is none.
  [[nodiscard]] std::uint16_t take(std::uint32_t tick) noexcept {
    if (fresh_ < rows_) {
      ++used_;
      return static_cast<std::uint16_t>(first_ + fresh_++);
    }
    if (resting_ == 0) return no_slot;
    const Resting& oldest = queue_[head_];
    if (tick - oldest.since < rest_ticks_) return no_slot;
    const std::uint16_t row = oldest.row;
    head_ = head_ + 1 == rows_ ? 0 : head_ + 1;
    --resting_;
    ++used_;
    return row;
  }
  /// Give a row back. The caller moves its generation on.
  void give(std::uint16_t row, std::uint32_t tick) noexcept {
    unsigned tail = head_ + resting_;
    if (tail >= rows_) tail -= rows_;
    queue_[tail] = {tick, row, 0};
    ++resting_;
    --used_;
  }
  [[nodiscard]] unsigned used() const noexcept { return used_; }
  /// No row at or beyond this one was ever used.
  [[nodiscard]] unsigned high() const noexcept { return first_ + fresh_; }

 private:
  struct Resting {
    std::uint32_t since;
    std::uint16_t row;
    std::uint16_t unused;
  };
  Column<Resting> queue_;
  unsigned first_ = 0, rows_ = 0, rest_ticks_ = 0;
  unsigned fresh_ = 0, used_ = 0, head_ = 0, resting_ = 0;
};

}  // namespace serried::world
