#pragma once
/// Messages of one channel in the order of their ids: those that are not acked, or that wait for an earlier one. They
/// and the links between them lie in the lane's ChunkPool; this is 20 bytes, all zero when empty.

#include <cstdint>
#include <span>

#include "channel/chunk_pool.h"
#include "channel/id_window.h"
#include "message/type.h"

namespace serried::channel {

class MessageQueue {
 public:
  /// A message in the queue; `none` is behind the last.
  using Place = std::uint32_t;
  static constexpr Place none = 0;

  /// Copy a message in, at the place of its id. False: the pool has no room, nothing changed.
  [[nodiscard]] bool insert(ChunkPool& pool, std::uint16_t id, message::Type type,
                            std::span<const std::uint8_t> content, Nanos due) noexcept;
  /// Take `at` out, which follows `before` (none: it is the first). Returns what follows it.
  Place remove(ChunkPool& pool, Place before, Place at) noexcept;
  void clear(ChunkPool& pool) noexcept;

  [[nodiscard]] Place first() const noexcept { return first_; }
  [[nodiscard]] static ChunkPool::Record& record(ChunkPool& pool, Place at) noexcept { return pool.record(at - 1); }
  [[nodiscard]] static Chain chain(const ChunkPool& pool, Place at) noexcept {
    return {at - 1, pool.record(at - 1).bytes};
  }

  [[nodiscard]] unsigned messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }  ///< types and contents
  [[nodiscard]] std::uint32_t chunks() const noexcept { return chunks_; }

 private:
  Place first_ = none;  ///< number of the first chunk, plus 1
  Place last_ = none;
  std::uint32_t bytes_ = 0;
  std::uint32_t chunks_ = 0;
  std::uint32_t messages_ = 0;
};

}  // namespace serried::channel
