#pragma once
/// Datagrams of every kind, well-formed up to the check that is to refuse them.

#include "base/prng.h"
#include "port/address.h"
#include "tools/attack/kind.h"
#include "tools/attack/samples.h"
#include "wire/verify.h"

namespace serried::tools {

inline constexpr std::size_t attack_bytes_max = 1'472;  ///< of UDP payload: an Ethernet frame of IPv4

/// One datagram on its way.
struct Shot {
  AttackKind kind{};
  std::uint16_t bytes = 0;
  wire::Path from;  ///< address and port it claims to come from
};

class Forge {
 public:
  struct Config {
    std::uint64_t protocol_id = 0;
    std::uint64_t seed = 1;
    port::LocalAddress sources;  ///< network that strangers' addresses are drawn from
  };
  /// `samples` outlives the forge.
  Forge(const Config& config, const Samples& samples) noexcept;

  /// Write one datagram to `to`, attack_bytes_max long. False: nothing was overheard that this kind could be made from.
  bool make(AttackKind kind, std::uint8_t* to, Shot& shot) noexcept;

 private:
  std::uint16_t make_bytes(AttackKind kind, std::uint8_t* to, const Sample* sample) noexcept;
  std::uint16_t sealed(std::uint8_t* to, std::uint32_t connection_id, std::uint64_t sequence) noexcept;
  std::uint16_t connect(std::uint8_t* to, bool cookie) noexcept;
  void fill(std::uint8_t* to, std::size_t bytes) noexcept;

  Config config_;
  const Samples& samples_;
  wire::CrcSeed crc_;
  base::Prng random_;
};

}  // namespace serried::tools
