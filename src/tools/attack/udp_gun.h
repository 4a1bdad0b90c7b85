#pragma once
/// Sends through sockets of the kernel, without rights: a few for each kind, so that an answer tells what it answers.

#include <vector>

#include "tools/attack/forge.h"
#include "tools/attack/packet_tap.h"

namespace serried::tools {

class UdpGun {
 public:
  static constexpr unsigned burst = 64;

  /// Sockets for each of `kinds`, bound to addresses of `sources` (of 127.0.0.0/8 any is ours) or, when that is null,
  /// to what the system picks.
  [[nodiscard]] static Result<UdpGun> open(const wire::Path& server, const std::vector<AttackKind>& kinds,
                                           const port::LocalAddress* sources, std::uint64_t seed);
  UdpGun(UdpGun&&) = default;
  UdpGun& operator=(UdpGun&&) = default;

  [[nodiscard]] std::uint8_t* room(unsigned i) noexcept { return payloads_.data() + i * attack_bytes_max; }
  void fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept;
  void hear(AttackTally& tally) noexcept;

 private:
  UdpGun() : payloads_(burst * attack_bytes_max) {}

  std::array<std::vector<OwnedFile>, attack_kinds> sockets_;
  std::size_t turn_ = 0;
  std::vector<std::uint8_t> payloads_;
};

}  // namespace serried::tools
