#pragma once
/// What an attacker can send. The order is that of the server's checks: each kind gets one check further than the one
/// before it. Last come those that a port with a NIC of its own answers below the engine.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serried/result.h"

namespace serried::tools {

enum class AttackKind : std::uint8_t {
  garbage,          ///< random bytes of any length
  too_short,        ///< 1 to 17 bytes
  too_long,         ///< 1201 to 1472 bytes
  bad_crc,          ///< a sealed datagram to the eye, its CRC wrong
  connect,          ///< a well-formed Connect without a cookie
  connect_cookie,   ///< the same with an invented cookie
  unknown_session,  ///< right CRC, a connection id that was guessed
  replay,           ///< an overheard datagram again: under the player's address and port, and under another
  bad_tag,          ///< right CRC, a live connection id, from a stranger's address; no tag that verifies
  spoofed,          ///< the same under the player's own address and port
  ping,             ///< an ICMP or ICMPv6 echo request
  neighbor,         ///< ARP or neighbour discovery: a question in a stranger's name, or an answer to no question
};
inline constexpr std::size_t attack_kinds = 12;

[[nodiscard]] constexpr std::size_t index_of(AttackKind kind) noexcept { return static_cast<std::size_t>(kind); }
[[nodiscard]] std::string_view kind_name(AttackKind kind) noexcept;
/// "garbage,replay", or "mixed" for all.
[[nodiscard]] Result<std::vector<AttackKind>> parse_kinds(std::string_view list);
/// Whether a kind can be made only from what was overheard.
[[nodiscard]] constexpr bool needs_sample(AttackKind kind) noexcept {
  return kind == AttackKind::replay || kind == AttackKind::bad_tag || kind == AttackKind::spoofed;
}

/// Whether a kind is no UDP datagram, so that no socket sends it.
[[nodiscard]] constexpr bool needs_frame(AttackKind kind) noexcept {
  return kind == AttackKind::ping || kind == AttackKind::neighbor;
}

/// The UDP port that a datagram comes from tells its kind, and so does the port that an answer goes to.
inline constexpr std::uint16_t kind_port_first = 32'768, ports_of_kind = 2'048;
[[nodiscard]] constexpr std::uint16_t first_port(AttackKind kind) noexcept {
  return static_cast<std::uint16_t>(kind_port_first + index_of(kind) * ports_of_kind);
}
/// What comes to a port that is not the tool's went to a player's: a copied datagram was answered.
[[nodiscard]] constexpr AttackKind kind_of_port(std::uint16_t port) noexcept {
  const std::size_t index =
      port < kind_port_first ? attack_kinds : std::size_t{port - 0U - kind_port_first} / ports_of_kind;
  return index < attack_kinds ? static_cast<AttackKind>(index) : AttackKind::replay;
}

/// Datagrams and bytes of UDP payload, by kind; of a ping the data, of a neighbour's message the whole.
struct AttackTally {
  struct Of {
    std::uint64_t datagrams = 0, bytes = 0;
    std::uint64_t answers = 0, answer_bytes = 0;
  };
  std::array<Of, attack_kinds> of{};
  std::uint64_t refused = 0;  ///< by our own kernel: its queue was full

  void sent(AttackKind kind, std::size_t bytes) noexcept {
    ++of[index_of(kind)].datagrams;
    of[index_of(kind)].bytes += bytes;
  }
  void heard(AttackKind kind, std::size_t bytes) noexcept {
    ++of[index_of(kind)].answers;
    of[index_of(kind)].answer_bytes += bytes;
  }
};

}  // namespace serried::tools
