#pragma once
/// Sessions that are there from the start of a server in measurement mode, with all their secrets made of one number. A
/// swarm that is given the same number writes what their clients send into a file (tools/swarm/recorded_traffic.h), and
/// the server takes it from there each time the file comes round again.
///
/// Nothing of this is secret, and the replay window is off. So a server has the mode only where no stranger can send:
/// port/isolation.h.

#include <cstdint>

#include "crypt/keys.h"
#include "crypt/token.h"
#include "wire/link.h"
#include "wire/path.h"

namespace serried::session {

struct MeasurementConfig {
  std::uint64_t seed = 0;     ///< not 0
  std::uint32_t players = 0;  ///< at most players_max
  unsigned lanes = 1;         ///< io lanes, among which the players are dealt in turn
  bool ipv6 = false;          ///< of the players' addresses
};

class Measurement {
 public:
  /// 198.18.0.1 and up, UDP port 20000; 2001:2::1 and up.
  /// Source  RFC 2544 C.2.2, RFC 5180 8: the networks that are set aside for measuring
  static constexpr std::uint32_t players_max = (1U << 17) - 2;
  /// Of a file for one io lane: net_pcap holds it in buffers that the server has for it.
  static constexpr std::uint32_t frames_max = 32'768;
  static constexpr std::uint16_t client_port = 20'000;
  static constexpr wire::Mac server_mac{0x02, 0, 0, 0, 0, 0x01};
  static constexpr wire::Mac client_mac{0x02, 0, 0, 0, 0, 0x02};

  explicit Measurement(const MeasurementConfig& config) noexcept;
  [[nodiscard]] const MeasurementConfig& config() const noexcept { return config_; }

  /// What takes the place of --token-key, with the protocol's number in it.
  [[nodiscard]] crypt::TokenKey token_key() const noexcept;

  struct Player {
    std::uint64_t id = 0;
    std::uint32_t lane = 0, slot = 0;
    std::uint64_t random = 0;  ///< for Table::allocate, which makes the connection id of it
    std::uint32_t connection_id = 0;
    crypt::SessionKeys keys;
    wire::Path path;  ///< as the server sees it
  };
  /// `number` counts from 0.
  [[nodiscard]] Player player(std::uint32_t number) const noexcept;

 private:
  MeasurementConfig config_;
  crypt::Secret root_;
};

}  // namespace serried::session
