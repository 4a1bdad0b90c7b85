#pragma once
/// Where messages wait: chunks of 256 bytes for those of a datagram's size, blocks for those that come or go in
/// fragments. One pool a lane (or client); all memory at construction, so what peers can make us keep is bounded.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "serried/time.h"

namespace serried::channel {

/// A message in chunks.
/// Owner   the holder of the value; `free` it once
struct Chain {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::uint32_t first = none;
  std::uint16_t bytes = 0;
};

class ChunkPool {
 public:
  static constexpr std::size_t chunk_bytes = 256;
  static constexpr std::size_t payload_bytes = chunk_bytes - sizeof(std::uint32_t);

  explicit ChunkPool(std::uint32_t chunks);

  /// Chunks that a message of `bytes` takes.
  [[nodiscard]] static constexpr std::uint32_t chunks_for(std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>((bytes + payload_bytes - 1) / payload_bytes);
  }
  /// Copy `bytes` (1 to 65,535) into fresh chunks: all or, false, nothing.
  [[nodiscard]] bool store(std::span<const std::uint8_t> bytes, Chain& out) noexcept { return store({}, bytes, out); }
  /// The same for two pieces that become one message, as a type and its content.
  [[nodiscard]] bool store(std::span<const std::uint8_t> head, std::span<const std::uint8_t> tail, Chain& out) noexcept;
  /// Copy a message out. Precondition: to.size() >= chain.bytes.
  void copy(const Chain& chain, std::span<std::uint8_t> to) const noexcept;
  void write(const Chain& chain, base::ByteWriter& out) const noexcept;
  /// A message of one chunk as it lies there, until it is freed; empty: it lies in several.
  [[nodiscard]] std::span<const std::uint8_t> view(const Chain& chain) const noexcept;
  void free(Chain& chain) noexcept;

  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(chunks_.size()); }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::uint32_t free_chunks() const noexcept { return capacity() - in_use_; }
  /// Less than half is free: who holds some gets no more than a small share.
  [[nodiscard]] bool scarce() const noexcept { return in_use_ > capacity() / 2; }

  /// What MessageQueue keeps of the message that begins in a chunk.
  struct Record {
    Nanos due = 0;
    std::uint32_t next = 0;
    std::uint16_t bytes = 0;
    std::uint16_t id = 0;
  };
  [[nodiscard]] Record& record(std::uint32_t first) noexcept { return records_[first]; }
  [[nodiscard]] const Record& record(std::uint32_t first) const noexcept { return records_[first]; }

 private:
  struct Chunk {
    std::uint32_t next;
    std::uint8_t payload[payload_bytes];
  };
  static_assert(sizeof(Chunk) == chunk_bytes);
  std::vector<Chunk> chunks_;
  std::vector<Record> records_;  ///< one a chunk; a walk along a queue touches no payload
  std::uint32_t free_ = Chain::none;
  std::uint32_t in_use_ = 0;
};

}  // namespace serried::channel
