#pragma once
/// Contiguous room for a message in fragments: joined here, or waiting here to be sent. Two sizes, so that many small
/// ones are no way to take all room from large ones. Memory is reserved at construction and touched only in use.
///
/// Who sends the first fragment of a long message takes a block, and need not send the rest. So a quarter of each size
/// is never taken by what comes in; and where no other block is free, a newcomer gets the one whose message comes
/// slowest, if that is slower than safe_bytes_per_second; one that is whole and waits for its receiver only where all
/// slow ones are.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "message/type.h"
#include "serried/time.h"

namespace serried::channel {

using message::message_bytes_max;

class BlockPool {
 public:
  static constexpr std::uint32_t small_bytes = 16 * 1024;
  static constexpr std::uint32_t large_bytes = message_bytes_max;
  static constexpr std::uint16_t none = 0xFFFF;
  static constexpr std::uint32_t unit_bytes = 8;  ///< what the offsets of fragments count

  /// Precondition: fewer than 65,535 blocks together.
  BlockPool(std::uint16_t small_blocks, std::uint16_t large_blocks);

  /// A block of at least `bytes` for what goes out, or none: small requests never take a large block.
  [[nodiscard]] std::uint16_t acquire(std::uint32_t bytes) noexcept;
  /// The same for what came in: all but a quarter of a size, and the block that is filled slowest when those are taken.
  [[nodiscard]] std::uint16_t acquire_received(std::uint32_t bytes, Nanos now) noexcept;
  void release(std::uint16_t block) noexcept;

  /// A block that is being filled may be taken away; then it has another holder, or none.
  struct Held {
    std::uint16_t block = 0;
    std::uint32_t holder = 0;
  };
  static constexpr Nanos grace = 2 * second;
  static constexpr std::uint32_t safe_bytes_per_second = 8 * 1024;
  /// For a message that comes in in fragments. Block none: there is no room.
  [[nodiscard]] Held acquire_for_join(std::uint32_t bytes, Nanos now) noexcept;
  [[nodiscard]] bool is_held(const Held& held) const noexcept;
  /// So many bytes more have come. Precondition: is_held().
  void note_progress(const Held& held, std::uint32_t bytes) noexcept;
  /// It is whole, and only its receiver has no room: it is taken away after all that are not. Precondition: is_held().
  void note_waits(const Held& held) noexcept { filling(held.block).waits = true; }
  /// For how long it has filled, if that was slower than safe_bytes_per_second, else 0. Precondition: is_held().
  [[nodiscard]] Nanos slow_for(const Held& held, Nanos now) const noexcept;
  /// From here on it cannot be taken away, if it is held still.
  void keep(const Held& held) noexcept;
  /// Less than half of the blocks for this many bytes are free.
  [[nodiscard]] bool scarce(std::uint32_t bytes) const noexcept;
  /// Blocks that were taken away since the last call.
  [[nodiscard]] std::uint32_t take_evictions() noexcept { return std::exchange(evictions_, 0U); }
  [[nodiscard]] std::span<std::uint8_t> bytes(std::uint16_t block) noexcept;
  /// One bit for every 8 bytes of the block: which of them are there. All zero when the block is acquired.
  [[nodiscard]] std::span<std::uint64_t> units(std::uint16_t block) noexcept;

  [[nodiscard]] std::size_t capacity_bytes() const noexcept;
  [[nodiscard]] std::size_t in_use_bytes() const noexcept;

 private:
  /// Of a block that is being filled; holder 0: it is not.
  struct Filling {
    Nanos since = 0;
    std::uint32_t bytes = 0;
    std::uint32_t holder = 0;
    bool waits = false;  ///< whole, for its receiver

    [[nodiscard]] bool is_slow(Nanos age) const noexcept { return bytes < age * safe_bytes_per_second / second; }
  };
  /// Blocks of one size.
  struct Size {
    Size(std::uint32_t bytes, std::uint16_t blocks);
    [[nodiscard]] std::size_t words() const noexcept { return block_bytes / unit_bytes / 64; }
    [[nodiscard]] std::size_t in_use() const noexcept { return static_cast<std::size_t>(count - free_count); }

    std::uint32_t block_bytes;
    std::uint16_t count;
    std::unique_ptr<std::uint8_t[]> memory;
    std::unique_ptr<std::uint64_t[]> units;
    std::vector<std::uint16_t> free;  ///< a stack of numbers within this size, in its first `free_count`
    std::uint16_t free_count;
    std::vector<Filling> filling;  ///< by block
    Nanos search_at = 0;           ///< not before: the last search found none that is slow
  };
  /// Numbers from small_.count on are large blocks.
  [[nodiscard]] Size& size_of(std::uint16_t& block) noexcept;
  [[nodiscard]] Size& size_for(std::uint32_t bytes) noexcept { return bytes > small_bytes ? large_ : small_; }
  [[nodiscard]] std::uint16_t take(Size& size) noexcept;
  [[nodiscard]] std::uint16_t take_slowest(Size& size, Nanos now) noexcept;
  [[nodiscard]] Filling& filling(std::uint16_t block) noexcept;
  [[nodiscard]] const Filling& filling(std::uint16_t block) const noexcept;

  Size small_, large_;
  std::uint32_t holders_ = 0;  ///< given so far
  std::uint32_t evictions_ = 0;
};

}  // namespace serried::channel
