#include "motion/step.h"

#include <cmath>

namespace serried::motion {
namespace {

constexpr float move_full = 127.0F;

float speed_limit(const Intent& intent, const Limits& limits) noexcept {
  if ((intent.buttons & button::crouch) != 0) return limits.crouch_speed;
  return (intent.buttons & button::run) != 0 ? limits.run_speed : limits.walk_speed;
}

/// Keep one axis inside the map; what runs into the border loses its speed on that axis.
void clamp_axis(float& position, float& velocity, float low, float high) noexcept {
  if (position < low) {
    position = low;
    velocity = 0.0F;
  } else if (position > high) {
    position = high;
    velocity = 0.0F;
  }
}

}  // namespace

State step(const State& state, const Intent& intent, const Limits& limits, float seconds) noexcept {
  State next = state;
  const auto move_x = static_cast<float>(intent.move_x);
  const auto move_y = static_cast<float>(intent.move_y);
  const float length2 = move_x * move_x + move_y * move_y;
  const float speed = speed_limit(intent, limits);
  const float scale = length2 > move_full * move_full ? speed / std::sqrt(length2) : speed / move_full;

  const float target_x = move_x * scale;
  const float target_y = move_y * scale;
  const float change_x = target_x - state.velocity[0];
  const float change_y = target_y - state.velocity[1];
  const float change2 = change_x * change_x + change_y * change_y;
  const float change_max = limits.acceleration * seconds;
  if (change2 > change_max * change_max) {
    const float share = change_max / std::sqrt(change2);
    next.velocity[0] = state.velocity[0] + change_x * share;
    next.velocity[1] = state.velocity[1] + change_y * share;
  } else {
    // The target itself, not velocity + change: a body that stops, stops at exactly zero and falls silent on the wire.
    next.velocity[0] = target_x;
    next.velocity[1] = target_y;
  }
  next.velocity[2] = 0.0F;

  next.position[0] = state.position[0] + next.velocity[0] * seconds;
  next.position[1] = state.position[1] + next.velocity[1] * seconds;
  next.position[2] = limits.ground_z;
  for (unsigned axis = 0; axis < 3; ++axis)
    clamp_axis(next.position[axis], next.velocity[axis], limits.min[axis], limits.max[axis]);

  next.yaw = intent.yaw;
  const bool moving = next.velocity[0] != 0.0F || next.velocity[1] != 0.0F;
  next.anim = !moving ? anim::idle : (intent.buttons & button::run) != 0 ? anim::run : anim::walk;
  return next;
}

}  // namespace serried::motion
