#pragma once
/// Buffers for the ports that have no mempool below them (socket, loop): fixed slots, taken and given back by one lane
/// only, so a plain stack is enough. The last slot given back is the next one taken, because it is the one in cache.
///
///     slot  | headroom 128 | data 1984 ...                      |
///           ^ owner        ^ Buffer::data
///
/// A slot is an odd number of lines long: the same lines of all slots would else share a few sets of each cache, and a
/// burst of 64 would push itself out of them.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/fixed_stack.h"
#include "wire/batch.h"

namespace serried::port {

class BufferPool {
 public:
  static constexpr std::size_t slot_bytes = 2048 + 64;
  static constexpr std::size_t slot_headroom_bytes = 128;
  /// More than a datagram may have, so that what is too long arrives, is seen and is counted by `parse`.
  static constexpr std::size_t data_bytes_max = slot_bytes - slot_headroom_bytes;
  static_assert(slot_headroom_bytes >= wire::headroom_bytes && slot_bytes % 128 == 64);

  /// Allocates everything it will ever use.
  explicit BufferPool(unsigned count);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// One slot, or an empty Buffer.
  [[nodiscard]] wire::Buffer take() noexcept {
    if (free_.empty()) return {};
    std::uint8_t* slot = free_.pop();
    SERRIED_DCHECK(mark(slot, false));
    return {slot + slot_headroom_bytes, slot};
  }
  unsigned take(std::span<wire::Buffer> buffers) noexcept {
    unsigned count = 0;
    for (; count < buffers.size() && !free_.empty(); ++count) buffers[count] = take();
    return count;
  }
  /// Null is ignored.
  void give(void* owner) noexcept {
    if (owner == nullptr) return;
    auto* slot = static_cast<std::uint8_t*>(owner);
    SERRIED_DCHECK(mark(slot, true));
    free_.push(slot);
  }
  void give(wire::Batch& batch) noexcept {
    for (unsigned row = 0; row < batch.rows; ++row) give(batch.owner[row]);
    batch.clear();
  }

  [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }
  /// Slots that are taken; 0 when all came home.
  [[nodiscard]] unsigned outstanding() const noexcept { return capacity_ - static_cast<unsigned>(free_.size()); }

 private:
  /// Debug builds: false when a slot is given back twice, or is not of this pool.
  bool mark(const std::uint8_t* slot, bool home) noexcept;

  struct FreeMemory {
    void operator()(std::uint8_t* memory) const noexcept;
  };
  unsigned capacity_;
  std::unique_ptr<std::uint8_t[], FreeMemory> memory_;
  base::FixedStack<std::uint8_t*> free_;
  std::vector<std::uint8_t> home_;
};

}  // namespace serried::port
