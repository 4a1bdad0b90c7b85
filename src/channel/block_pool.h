#pragma once
/// Contiguous room for a message in fragments: joined here, or waiting here to be sent. Two sizes, so that many small
/// ones are no way to take all room from large ones. Memory is reserved at construction and touched only in use.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "message/type.h"

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

  /// A block of at least `bytes`, or none: small requests never take a large block.
  [[nodiscard]] std::uint16_t acquire(std::uint32_t bytes) noexcept;
  void release(std::uint16_t block) noexcept;
  [[nodiscard]] std::span<std::uint8_t> bytes(std::uint16_t block) noexcept;
  /// One bit for every 8 bytes of the block: which of them are there. All zero when the block is acquired.
  [[nodiscard]] std::span<std::uint64_t> units(std::uint16_t block) noexcept;

  [[nodiscard]] std::size_t capacity_bytes() const noexcept;
  [[nodiscard]] std::size_t in_use_bytes() const noexcept;

 private:
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
  };
  /// Numbers from small_.count on are large blocks.
  [[nodiscard]] Size& size_of(std::uint16_t& block) noexcept;

  Size small_, large_;
};

}  // namespace serried::channel
