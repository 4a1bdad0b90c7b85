#pragma once
/// Far entities: all in view that are not tracked, known only from entity blocks. A proxy is drawn where it was
/// last seen and expires when it is not seen again. Sized by what is seen, at most one entry a slot (65,536), so that
/// ten thousand views fit into one process.
/// Owner   one View

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

/// Open addressing by slot, linear probes. An entry that expired counts as absent and goes at the next growth.
class FarStore {
 public:
  explicit FarStore(Nanos timeout) noexcept : timeout_ms_(static_cast<std::uint32_t>(timeout / millisecond)) {}

  /// A block's record. One that an older datagram carries than the one known is ignored.
  void note(const message::FarRecord& record, std::uint16_t cell, std::uint64_t sequence, Nanos now);
  /// The entity left the world: its proxy goes at once.
  void forget(std::uint16_t slot, std::uint8_t generation) noexcept;
  /// nullptr: not seen, or not lately.
  [[nodiscard]] const FarProxy* find(std::uint16_t slot, Nanos now) const noexcept;
  [[nodiscard]] std::size_t count(Nanos now) const noexcept;
  template <class Visit>
  void for_each(Nanos now, Visit&& visit) const {
    for (const FarProxy& proxy : entries_)
      if (proxy.used && fresh(proxy, now)) visit(proxy);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return entries_.capacity() * sizeof(FarProxy); }

 private:
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
  std::uint32_t timeout_ms_;
};

}  // namespace serried::view
