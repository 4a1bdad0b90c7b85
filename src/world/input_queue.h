#pragma once
/// The inputs of one player that wait for a tick, and what else the player's step depends on: two cache lines, no
/// pointers. The queue smooths jitter; it never buys time: a tick is one tick's worth of movement, however many inputs
/// are applied in it. An input that waits in every tick smooths nothing and only makes the player late: it is let go,
/// which means that it is applied with the next. Where the queue then runs dry it did smooth something, and the next
/// such input is kept for longer.
/// Owner   one shard lane

#include <array>
#include <cstdint>

#include "base/serial.h"
#include "motion/step.h"

namespace serried::world {

struct alignas(64) InputQueue {
  static constexpr unsigned capacity = 8;

  struct Entry {
    std::uint16_t sequence = 0;
    motion::Intent intent;
  };
  enum class Result : std::uint8_t { queued, stale, oldest_dropped };

  std::array<Entry, capacity> entries{};
  motion::Intent held{};         ///< the last applied one; it stays in force for a while
  std::uint16_t newest = 0;      ///< sequence of the last one queued
  std::uint16_t applied = 0;     ///< sequence of the last one applied: echoed to the client
  std::uint16_t idle_ticks = 0;  ///< ticks since one was applied
  std::uint8_t head = 0, count = 0;
  std::uint8_t spare_ticks = 0;  ///< ticks in a row that left one waiting
  std::uint8_t patience = 0;     ///< spare ticks beyond the usual number before an input is let go
  std::uint8_t doubt_ticks = 0;  ///< for so many more ticks a dry queue shows that letting go was wrong
  bool any = false;              ///< something was ever queued, so `newest` means something
  bool absent = false;           ///< the player is away: the entity stands, and shows it

  /// Serial comparison: `sequence` must be newer than the last one queued.
  Result push(std::uint16_t sequence, const motion::Intent& intent) noexcept {
    if (any && !base::is_later(sequence, newest)) return Result::stale;
    any = true;
    newest = sequence;
    Result result = Result::queued;
    if (count == capacity) {
      pop();
      result = Result::oldest_dropped;
    }
    entries[(head + count) % capacity] = {sequence, intent};
    ++count;
    return result;
  }
  /// Precondition: count > 0
  Entry pop() noexcept {
    const Entry entry = entries[head];
    head = static_cast<std::uint8_t>((head + 1) % capacity);
    --count;
    return entry;
  }
};
static_assert(sizeof(InputQueue) == 128);

}  // namespace serried::world
