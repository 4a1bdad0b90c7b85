#pragma once
/// What lives in the world, in numbers: types, state flags, effect flags, ids.

#include <cstddef>
#include <cstdint>

namespace serried::world {

enum class Type : std::uint8_t {
  player,
  npc,
  monster,
  projectile,
  environment,
  static_build,
  vehicle,
  item,
  effect,
};
inline constexpr std::size_t type_count = 9;

namespace state_flag {
inline constexpr std::uint8_t is_alive = 0x01;
inline constexpr std::uint8_t is_in_combat = 0x02;
inline constexpr std::uint8_t is_moving = 0x04;
inline constexpr std::uint8_t is_casting = 0x08;
inline constexpr std::uint8_t is_invisible = 0x10;
inline constexpr std::uint8_t is_stunned = 0x20;
inline constexpr std::uint8_t is_falling = 0x40;
inline constexpr std::uint8_t is_absent = 0x80;  ///< its player's session has ended; a session may take it over
}  // namespace state_flag

namespace effect_flag {
inline constexpr std::uint8_t is_frozen = 0x01;
inline constexpr std::uint8_t is_poisoned = 0x02;
inline constexpr std::uint8_t is_burning = 0x04;
inline constexpr std::uint8_t is_slowed = 0x08;
inline constexpr std::uint8_t is_stunned = 0x10;
inline constexpr std::uint8_t is_invisible = 0x20;
inline constexpr std::uint8_t is_invulnerable = 0x40;
}  // namespace effect_flag

/// An entity's id never changes and never comes twice; its slot (its row in the shared frame) does. Ids of players are
/// below player_bit (crypt::player_id_max), and so are those of NPCs, which count from 1.
inline constexpr std::uint64_t player_bit = std::uint64_t{1} << 63;
[[nodiscard]] constexpr std::uint64_t player_entity(std::uint64_t player_id) noexcept { return player_id | player_bit; }

/// Slots are u16 on the wire. The largest is kept free as "no slot", and rows come in blocks of 64.
inline constexpr std::uint16_t no_slot = 0xFFFF;
inline constexpr unsigned rows_max = 65'472;
inline constexpr unsigned row_block = 64;
inline constexpr unsigned shards_max = 16;

}  // namespace serried::world
