#pragma once
/// Contiguous room for a message in fragments: joined here, or waiting here to be sent. Two sizes, so that many small
/// ones are no way to take all room from large ones. Memory is reserved at construction and touched only in use.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace serried::channel {

/// A message in fragments has at most so many bytes, type included.
inline constexpr std::uint32_t message_bytes_max = 512 * 1024;

class BlockPool {
 public:
  static constexpr std::uint32_t small_bytes = 16 * 1024;
  static constexpr std::uint32_t large_bytes = message_bytes_max;
  static constexpr std::uint16_t none = 0xFFFF;

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
  // by the implementer
};

}  // namespace serried::channel
