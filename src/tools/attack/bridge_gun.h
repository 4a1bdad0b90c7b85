#pragma once
/// Sits between players and server as a port::Bridge: overhears the players on their way, puts its own frames among
/// theirs, and hears what the server answers to its link address. Where both sides are shared memory (memif), no kernel
/// takes part, and what is measured is the server.

#include <memory>

#include "port/bridge.h"
#include "tools/attack/forge.h"
#include "wire/link.h"

namespace serried::tools {

class BridgeGun {
 public:
  static constexpr unsigned burst = port::Bridge::burst;
  /// One frame in so many of the players' is kept as a sample.
  static constexpr unsigned overhear_one_in = 16;

  /// `bridge`: its left side leads to the players, its right side to the server.
  BridgeGun(std::unique_ptr<port::Bridge> bridge, const wire::Path& server)
      : bridge_(std::move(bridge)), server_(server) {}

  /// Let a burst pass each way; returns how many frames there were. Call often: players wait for it.
  unsigned carry(Samples& samples) noexcept;

  /// Room for the payload of the i-th datagram of a burst: attack_bytes_max.
  [[nodiscard]] std::uint8_t* room(unsigned i) noexcept { return bridge_->room(i); }
  /// Send the first `count` rooms; what the device took goes into `tally`. Until the server has said something its link
  /// address is not known, and all is refused.
  void fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept;
  /// Count what has come back.
  void hear(AttackTally& tally) noexcept;

  /// Frames of others that found no room: the players' losses by us.
  [[nodiscard]] std::uint64_t lost() const noexcept { return bridge_->lost(); }

 private:
  static_assert(port::Bridge::frame_bytes_max >= attack_bytes_max);
  [[nodiscard]] bool is_answer(std::span<const std::uint8_t> frame) noexcept;

  std::unique_ptr<port::Bridge> bridge_;
  wire::Path server_;
  wire::Mac server_mac_{};
  unsigned passed_ = 0;
  AttackTally heard_;  ///< since the last hear()
};

}  // namespace serried::tools
