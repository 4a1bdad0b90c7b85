#include "world/frame.h"

#include <bit>

#include "base/prng.h"
#include "base/setup.h"

namespace serried::world {

SERRIED_SETUP Frame::Frame(std::size_t rows, unsigned stagger, const Homes& homes)
    : x(rows, stagger + 0, homes),
      y(rows, stagger + 1, homes),
      z(rows, stagger + 2, homes),
      velocity_x(rows, stagger + 3, homes),
      velocity_y(rows, stagger + 4, homes),
      velocity_z(rows, stagger + 5, homes),
      yaw(rows, stagger + 6, homes),
      anim(rows, stagger + 7, homes),
      state_flags(rows, stagger + 8, homes),
      effect_flags(rows, stagger + 9, homes),
      health(rows, stagger + 10, homes),
      mana(rows, stagger + 11, homes) {}

SERRIED_SETUP Identity::Identity(std::size_t rows, const Homes& homes)
    : id(rows, 1, homes),
      generation(rows, 3, homes),
      living(rows, 5, homes),
      type(rows, 7, homes),
      faction(rows, 9, homes),
      level(rows, 11, homes),
      health_max(rows, 13, homes),
      mana_max(rows, 15, homes),
      owner(rows, 17, homes),
      spawned(rows, 19, homes),
      intent(rows, 6, homes) {}

void spawn(Frame& frame, Identity& identity, std::size_t row, const Spawn& spawn, std::uint32_t tick) noexcept {
  identity.id[row] = spawn.id;
  identity.type[row] = spawn.type;
  identity.faction[row] = spawn.faction;
  identity.level[row] = spawn.level;
  identity.health_max[row] = spawn.health;
  identity.mana_max[row] = spawn.mana;
  identity.owner[row] = spawn.owner;
  identity.spawned[row] = tick;
  identity.intent[row] = motion::Intent{.yaw = spawn.yaw};
  identity.living[row] = 1;

  frame.set_motion(row, {spawn.position, {}, spawn.yaw, motion::anim::idle});
  frame.state_flags[row] = state_flag::is_alive;
  frame.effect_flags[row] = 0;
  frame.health[row] = spawn.health;
  frame.mana[row] = spawn.mana;
}

std::uint64_t hash_row(const Frame& frame, const Identity& identity, std::size_t row) noexcept {
  const auto pair = [](float low, float high) {
    return std::uint64_t{std::bit_cast<std::uint32_t>(low)} | std::uint64_t{std::bit_cast<std::uint32_t>(high)} << 32;
  };
  const std::uint64_t a = pair(frame.x[row], frame.y[row]);
  const std::uint64_t b = pair(frame.z[row], frame.velocity_z[row]);
  const std::uint64_t c = pair(frame.velocity_x[row], frame.velocity_y[row]);
  const std::uint64_t d = std::uint64_t{static_cast<std::uint16_t>(frame.yaw[row])} |
                          std::uint64_t{frame.anim[row]} << 16 | std::uint64_t{frame.state_flags[row]} << 24 |
                          std::uint64_t{frame.effect_flags[row]} << 32 | std::uint64_t{frame.health[row]} << 40;
  const std::uint64_t e = std::uint64_t{frame.mana[row]} | std::uint64_t{static_cast<std::uint8_t>(identity.type[row])}
                                                               << 16;
  // Four multiplications side by side, then one scrambling: a chain of mixes would cost four times as much.
  const std::uint64_t words = (a ^ 0x9E3779B97F4A7C15U) * 0xBF58476D1CE4E5B9U + std::rotl(b * 0x94D049BB133111EBU, 17) +
                              std::rotl(c * 0xD6E8FEB86659FD93U, 31) +
                              std::rotl((d ^ e << 48) * 0xA0761D6478BD642FU, 47);
  return base::mix(words ^ std::rotl(words, 29) * 5, identity.id[row] + e);
}

std::uint64_t hash_rows(const Frame& frame, const Identity& identity, std::size_t first, std::size_t last) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t row = first; row < last; ++row)
    if (identity.living[row] != 0) sum += hash_row(frame, identity, row);
  return sum;
}

}  // namespace serried::world
