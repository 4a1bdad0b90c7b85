#pragma once
/// Datagrams that came to one io lane for a session of another: copied into a ring to the owner, and worked on there.
///
///     lane A   ... connect -> hand_over --copy--> slot of ring A -> B
///     lane B                take_over (rows lie in the slots) -> admit -> ... -> penalize -> give_back
///
/// A datagram is copied, so a buffer is freed by the lane of its port only. Nothing of it is authentic yet: the rings
/// are bounded, and a lane takes no more of them in a poll than of its port.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "link/spsc.h"
#include "session/id.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::io {

/// One datagram on its way, as parse has read it. An odd number of cache lines long, so that the same lines of all
/// slots do not share a few sets of each cache.
struct HandedDatagram {
  wire::Path path;
  std::uint64_t sequence;
  std::uint32_t connection_id;
  std::uint16_t length;
  std::uint8_t channel, flags;
  std::array<std::uint8_t, wire::datagram_bytes_max + 96> bytes;
};
static_assert(sizeof(HandedDatagram) % 128 == 64);

using HandoverRing = link::Spsc<HandedDatagram>;

/// The rings of one io lane, by the number of the other lane; null for its own. None where it is the only lane.
struct HandoverLinks {
  std::vector<HandoverRing*> to, from;
};

/// A ring for each ordered pair of io lanes. Outlives the lanes.
class HandoverMesh {
 public:
  /// Datagrams that may wait for one lane, from all others together: at least so many.
  static constexpr unsigned waiting_max = 2'047;

  /// Calls `make`, which makes the rings that one lane reads, where that lane's memory is to lie.
  using MakeFor = std::function<void(unsigned lane, const std::function<void()>& make)>;

  explicit HandoverMesh(unsigned lanes, unsigned waiting = waiting_max, const MakeFor& make_for = {});
  [[nodiscard]] HandoverLinks links_of(unsigned lane) const;

 private:
  unsigned lanes_;
  std::vector<std::unique_ptr<HandoverRing>> rings_;  ///< [from * lanes + to]; null for a lane and itself
};

/// What an io lane knows of its rings.
struct HandoverWork {
  HandoverLinks links;
  std::array<std::uint8_t, session::lanes_max> taken{};  ///< rows of the burst at work, by the lane that they came from
  unsigned first = 0;                                    ///< lane that has what an uneven division leaves, next time
};

struct IoState;

/// Take the sealed datagrams whose connection id names another lane out of the burst, and copy them into the rings to
/// their owners.
/// Reads   data, length, path, connection_id, sequence, channel, flags, live
/// Writes  verdict, live, the rings
/// Owner   io lane
/// Drops   handover_ring_full, unknown_session: there is no such lane
/// Cost    bench/engine/scaling.cpp
void hand_over(IoState& state, wire::Batch& batch) noexcept;

/// Make a burst of what the other lanes have handed over, parsed and verified, as if it had just passed hand_over here.
/// Its rows lie in the rings and have no owner, until give_back. Each ring has an equal part of the burst, and what
/// others leave of theirs. Returns how many there are.
unsigned take_over(IoState& state, wire::Batch& batch) noexcept;
void give_back(IoState& state, wire::Batch& batch) noexcept;

/// After the last poll of every lane: count what still lies in the incoming rings as session_ending.
void discard_handed(IoState& state) noexcept;

}  // namespace serried::io
