#pragma once
/// Far entities: all in view that are not tracked, known only from entity blocks. A proxy is drawn where it was
/// last seen and expires when it is not seen again. Sized by what is seen, at most one entry a slot (65,536), so that
/// ten thousand views fit into one process.
/// Owner   one View

#include <algorithm>
#include <cstdint>
#include <vector>

#include "message/entity.h"
#include "serried/time.h"

namespace serried::view {

/// One far entity. 24 bytes.
struct FarProxy {
  std::uint64_t sequence = 0;  ///< datagram that last showed it
  std::uint32_t seen_ms = 0;   ///< when, milliseconds of the caller's clock, wrapping; see FarStore
  std::uint16_t slot = 0;
  std::uint16_t cell = 0;
  std::uint16_t x = 0, y = 0;  ///< within the cell, 512 steps an edge
  std::uint8_t z = 0;          ///< within the cell, 128 steps
  std::uint8_t yaw = 0;        ///< 32 steps a turn
  std::uint8_t generation = 0;
  bool used = false;
};
static_assert(sizeof(FarProxy) == 24);

/// How long the server's turn over far entities takes, as far as a client can tell: the longest time after which lately
/// an entity was told of again. A turn over a crowd is long, and longer when the server gives way. What crosses a cell
/// is told of out of turn, so short times prove little; and where hardly any entity is one that is known, as when a
/// crowd has just come, the turn under way has lasted since that began.
class FarTurn {
 public:
  explicit FarTurn(std::uint32_t guess_ms) noexcept : turn_ms_(static_cast<float>(guess_ms)) {}
  /// An entity was told of again after `interval`; `now` in milliseconds, wrapping.
  void note_known(std::uint32_t interval_ms, std::uint32_t now_ms) noexcept;
  /// `kept_ms`: how long entities are kept. Where nothing was told for so long, no turn was under way.
  void note_new(std::uint32_t now_ms, std::uint32_t kept_ms) noexcept;
  [[nodiscard]] float turn_ms() const noexcept { return turn_ms_; }

 private:
  float turn_ms_;
  float known_part_ = 0;          ///< of the last records
  std::uint32_t settled_ms_ = 0;  ///< when most records were of known entities
  std::uint32_t told_ms_ = 0;     ///< of the last record
  bool begun_ = false;
};

/// Open addressing by slot, linear probes. An entry that expired counts as absent and goes at the next growth. It
/// expires when it was not told of for two turns and a bit.
class FarStore {
 public:
  static constexpr Nanos timeout_bound = 60 * second;

  /// `timeout`: entities are kept at least so long without being told of; and at most so long, or timeout_bound.
  explicit FarStore(Nanos timeout) noexcept
      : least_ms_(static_cast<std::uint32_t>(timeout / millisecond)),
        most_ms_(static_cast<std::uint32_t>(std::max(timeout, timeout_bound) / millisecond)),
        timeout_ms_(least_ms_),
        turn_(static_cast<std::uint32_t>(static_cast<float>(least_ms_) / turns_kept)) {}

  /// A block's record. One that an older datagram carries than the one known is ignored.
  void note(const message::FarRecord& record, std::uint16_t cell, std::uint64_t sequence, Nanos now);
  /// The entity left the world: its proxy goes at once.
  void forget(std::uint16_t slot, std::uint8_t generation) noexcept;
  /// nullptr: not seen, or not lately.
  [[nodiscard]] const FarProxy* find(std::uint16_t slot, Nanos now) const noexcept;
  [[nodiscard]] std::size_t count(Nanos now) const noexcept;
  /// How long an entity is kept without being told of.
  [[nodiscard]] Nanos timeout() const noexcept { return timeout_ms_ * millisecond; }
  template <class Visit>
  void for_each(Nanos now, Visit&& visit) const {
    for (const FarProxy& proxy : entries_)
      if (proxy.used && fresh(proxy, now)) visit(proxy);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return entries_.capacity() * sizeof(FarProxy); }

 private:
  /// An entity is told of again within a turn and an eighth; and once may be lost.
  static constexpr float turns_kept = 2.25F;

  [[nodiscard]] bool fresh(const FarProxy& proxy, Nanos now) const noexcept {
    return milliseconds(now) - proxy.seen_ms <= timeout_ms_;
  }
  [[nodiscard]] static std::uint32_t milliseconds(Nanos now) noexcept {
    return static_cast<std::uint32_t>(now / millisecond);
  }
  /// The entry of `slot`, or the empty one where it belongs. Precondition: the table is not full.
  [[nodiscard]] std::size_t place_of(std::uint16_t slot) const noexcept;
  void grow(Nanos now);

  std::vector<FarProxy> entries_;
  std::uint32_t used_ = 0;
  std::uint32_t least_ms_, most_ms_, timeout_ms_;
  FarTurn turn_;
};

}  // namespace serried::view
