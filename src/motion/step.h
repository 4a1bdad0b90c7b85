#pragma once
/// The movement step that server and predicting client share: a pure function of state, intent, limits and time.
/// Only + - * / and square root, all correctly rounded, and no fused multiply-add: the same inputs give the same bits
/// on every machine, so a client that predicts with it is corrected only when the world interfered.

#include <array>
#include <cstdint>

namespace serried::motion {

namespace button {  // the bits of Intent::buttons that movement looks at
inline constexpr std::uint8_t crouch = 0x04;
inline constexpr std::uint8_t run = 0x08;
}  // namespace button

namespace anim {
inline constexpr std::uint8_t idle = 0;
inline constexpr std::uint8_t walk = 1;
inline constexpr std::uint8_t run = 2;
}  // namespace anim

/// What a player, or an NPC's thinking, wants.
struct Intent {
  std::int8_t move_x = 0, move_y = 0;  ///< direction and share of the speed, 127 is all; longer vectors are clamped
  std::int16_t yaw = 0;                ///< 65,536 steps a turn
  std::uint8_t buttons = 0;
};

/// Units, units a second, units a second squared.
struct Limits {
  float walk_speed = 300.0F;
  float run_speed = 600.0F;
  float crouch_speed = 150.0F;
  float acceleration = 3'000.0F;
  std::array<float, 3> min{0.0F, 0.0F, 0.0F};
  std::array<float, 3> max{819'199.0F, 819'199.0F, 25'599.0F};
  float ground_z = 1'000.0F;  ///< the map is flat until there is a height field
};

struct State {
  std::array<float, 3> position{};
  std::array<float, 3> velocity{};
  std::int16_t yaw = 0;
  std::uint8_t anim = anim::idle;
};

/// The state `seconds` later. The horizontal speed never exceeds the limit of the fastest gait, whatever the intent:
/// velocity moves along a chord towards a target inside the disc of allowed speeds.
/// Units   seconds 0 and up; the server uses one tick, or a fraction of it when it applies several inputs
/// Reads   only its arguments
[[nodiscard]] State step(const State& state, const Intent& intent, const Limits& limits, float seconds) noexcept;

}  // namespace serried::motion
