/// Quantisation, declared in entity.h: how floats of the world become the integers of the wire. Once per entity that
/// changed, in the index phase. Every float has a defined result, NaN included.

#include "message/codec.h"
#include "message/entity.h"

namespace serried::message {

namespace {

constexpr double section_steps = 65'536.0;
constexpr double steps_a_radian = 65'536.0 / 6.283185307179586476925;

[[nodiscard]] double edge(const Geometry& geometry, unsigned axis) noexcept {
  return static_cast<double>(axis == 2 ? geometry.section_size_z : geometry.section_size_xy);
}

}  // namespace

void quantise_position(const Geometry& geometry, const std::array<float, 3>& position, EntityState& out) noexcept {
  for (unsigned axis = 0; axis < 3; ++axis) {
    // One fixed-point number over the whole axis, section above step: rounding up at a section's upper edge carries
    // into the next section by itself. In double: at the far end of a large map a float has no bits left for the step.
    const double steps_max = geometry.sections[axis] * section_steps - 1.0;
    double steps = position[axis] * section_steps / edge(geometry, axis) + 0.5;
    steps = steps > 0.0 ? steps : 0.0;  // NaN too
    steps = steps < steps_max ? steps : steps_max;
    const auto fixed = static_cast<std::uint32_t>(static_cast<std::int64_t>(steps));
    out.section[axis] = static_cast<std::uint16_t>(fixed >> 16);
    out.position[axis] = static_cast<std::int16_t>(static_cast<int>(fixed & 0xFFFF) - 32'768);
  }
}

std::array<float, 3> position_of(const Geometry& geometry, const EntityState& state) noexcept {
  std::array<float, 3> position;
  for (unsigned axis = 0; axis < 3; ++axis) {
    const double steps = state.section[axis] * section_steps + (state.position[axis] + 32'768);
    position[axis] = static_cast<float>(steps * edge(geometry, axis) / section_steps);
  }
  return position;
}

std::int16_t quantise_angle(float radians) noexcept {
  // Neighbouring floats out there are more than a turn apart: no angle is left to keep. NaN and infinity go with them.
  if (!(radians > -1e9F && radians < 1e9F)) return 0;
  const double steps = static_cast<double>(radians) * steps_a_radian;
  const auto rounded = static_cast<std::int64_t>(steps + (steps < 0.0 ? -0.5 : 0.5));
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(static_cast<std::uint64_t>(rounded)));
}

float angle_of(std::int16_t yaw) noexcept { return static_cast<float>(yaw / steps_a_radian); }

std::int16_t quantise_speed(float units_per_second) noexcept {
  float speed = units_per_second == units_per_second ? units_per_second : 0.0F;
  speed = speed < 32'767.0F ? speed : 32'767.0F;
  speed = speed > -32'767.0F ? speed : -32'767.0F;
  return static_cast<std::int16_t>(static_cast<int>(speed + (speed < 0.0F ? -0.5F : 0.5F)));
}

std::uint8_t quantise_fraction(float fraction, bool any) noexcept {
  if (!any) return 0;
  float steps = fraction * 255.0F + 0.5F;
  steps = steps > 1.0F ? steps : 1.0F;  // NaN too
  steps = steps < 255.0F ? steps : 255.0F;
  return static_cast<std::uint8_t>(static_cast<int>(steps));
}

}  // namespace serried::message
