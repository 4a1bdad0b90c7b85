#pragma once
/// Sends frames that it writes itself, link headers and all, past the queueing disciplines of the kernel; hears what
/// the server answers to our MAC address, whatever IP address it believes to write to.

#include <array>
#include <sys/socket.h>
#include <vector>

#include "tools/attack/forge.h"
#include "tools/attack/packet_tap.h"

namespace serried::tools {

class RawGun {
 public:
  static constexpr unsigned burst = 64;

  [[nodiscard]] static Result<RawGun> open(const std::string& interface, const wire::Path& server,
                                           const wire::Mac& server_mac);
  RawGun(RawGun&&) = default;
  RawGun& operator=(RawGun&&) = default;

  /// Room for the payload of the i-th datagram of a burst: attack_bytes_max.
  [[nodiscard]] std::uint8_t* room(unsigned i) noexcept {
    return frames_.data() + i * frame_room + wire::headroom_bytes;
  }
  /// Send the first `count` rooms; what the kernel took goes into `tally`.
  void fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept;
  /// Count what has come back.
  void hear(AttackTally& tally) noexcept;

 private:
  static constexpr std::size_t frame_room = 1'600;
  static_assert(frame_room >= wire::headroom_bytes + attack_bytes_max);

  RawGun(PacketSocket out, PacketTap in, const wire::Path& server, const wire::Mac& server_mac);

  PacketSocket out_;
  PacketTap in_;
  wire::Path server_;
  wire::Mac server_mac_;
  std::vector<std::uint8_t> frames_;
};

/// The link address that the kernel's ARP table has for an IPv4 address on `interface`.
[[nodiscard]] Result<wire::Mac> neighbor_mac(const port::Address& address, const std::string& interface);

}  // namespace serried::tools
