#pragma once
/// What comes from strangers, or under a player's name from others, or from a player whose client is broken: everything
/// that the crowd itself does not send.

#include <cstring>
#include <utility>

#include "crowd.h"
#include "tools/attack/forge.h"

namespace serried::bench {

enum class Stranger : unsigned {
  garbage,
  too_short,
  too_long,
  bad_flags,
  connect,
  connect_cookie,
  foreign,   ///< for a player's session from another's address; its tag is wrong
  fragment,  ///< authentic, and before the session has opened its reliable channels
};

class Strangers {
 public:
  explicit Strangers(std::uint64_t id) : crc_(id), samples_({}, {}, 1), forge_({id, 3, {}}, samples_) {}

  template <class AnyCrowd>
  void send(AnyCrowd& crowd, std::span<const std::uint32_t> who, Stranger kind) {
    crowd.send_made(who, [&](std::uint32_t index, Player& player, std::uint8_t* to) {
      const auto next = static_cast<std::uint32_t>((index + 1) % crowd.size());
      const std::uint16_t from = kind == Stranger::foreign ? crowd.player(next).port : player.port;
      return std::pair<std::size_t, std::uint16_t>(make(kind, player, to), from);
    });
  }

 private:
  static constexpr std::size_t plain_bytes = 60, around = wire::header_bytes + wire::tag_bytes + wire::crc_bytes;

  std::size_t make(Stranger kind, Player& player, std::uint8_t* to) {
    using tools::AttackKind;
    switch (kind) {
      case Stranger::garbage:
        return forged(AttackKind::garbage, to);
      case Stranger::too_short:
        return forged(AttackKind::too_short, to);
      case Stranger::too_long:
        return forged(AttackKind::too_long, to);
      case Stranger::connect:
        return forged(AttackKind::connect, to);
      case Stranger::connect_cookie:
        return forged(AttackKind::connect_cookie, to);
      case Stranger::bad_flags:
        return sealed(player.connection_id, player.sequence + 1, wire::flag::sealed | wire::flag::rekey, to);
      case Stranger::foreign:
        return sealed(player.connection_id, player.sequence + 1, wire::flag::sealed, to);
      case Stranger::fragment:
        break;
    }
    return fragment(player, to);
  }

  std::size_t forged(tools::AttackKind kind, std::uint8_t* to) {
    tools::Shot shot;
    forge_.make(kind, to, shot);
    return shot.bytes;
  }

  std::size_t sealed(std::uint32_t connection_id, std::uint64_t sequence, unsigned flags, std::uint8_t* to) {
    const std::size_t bytes = plain_bytes + around;
    std::memset(to + wire::header_bytes, 0x5A, plain_bytes + wire::tag_bytes);
    wire::compose_header(to, {connection_id, 0, static_cast<std::uint8_t>(flags), sequence});
    wire::stamp_one({to, bytes}, crc_);
    return bytes;
  }

  /// fragment_id u16 | offset u16 | total_size u32 | bytes
  std::size_t fragment(Player& player, std::uint8_t* to) {
    base::ByteWriter body{{to + wire::header_bytes, plain_bytes}};
    body.write(std::uint16_t{1});
    body.write(std::uint16_t{0});
    body.write(std::uint32_t{2'000});
    body.write_zeros(body.room());
    wire::compose_header(to, {player.connection_id, 0, wire::flag::sealed | wire::flag::fragment, ++player.sequence});
    crypt::seal_in_place(player.send_key.data(), player.connection_id, player.sequence, to, 0, plain_bytes);
    const std::size_t bytes = plain_bytes + around;
    wire::stamp_one({to, bytes}, crc_);
    return bytes;
  }

  wire::CrcSeed crc_;
  tools::Samples samples_;
  tools::Forge forge_;
};

}  // namespace serried::bench
