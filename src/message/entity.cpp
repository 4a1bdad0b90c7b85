/// Cold codecs of entities (a create, a full update: once per entity and viewer, not once per tick), and quantisation.
/// The hot ones are in entity_inl.h.

#include "message/entity.h"

#include "base/prng.h"
#include "message/codec.h"

namespace serried::message {

namespace {

constexpr std::size_t state_bytes = 25;
constexpr std::uint8_t own_bit = 0x01;
constexpr std::uint8_t left_bit = 0x01;
constexpr std::uint8_t generation_max = 3;
constexpr double section_steps = 65'536.0;
constexpr double steps_a_radian = 65'536.0 / 6.283185307179586476925;

[[nodiscard]] float edge(const Geometry& geometry, unsigned axis) noexcept {
  return axis == 2 ? geometry.section_size_z : geometry.section_size_xy;
}

}  // namespace

std::uint32_t state_hash(const EntityState& state) noexcept {
  std::uint64_t word[4];
  std::memcpy(word, &state, sizeof word);
  return static_cast<std::uint32_t>(base::mix(word[0], word[1], word[2], word[3]) >> 32);
}

void quantise_position(const Geometry& geometry, const std::array<float, 3>& position, EntityState& out) noexcept {
  for (unsigned axis = 0; axis < 3; ++axis) {
    // One fixed-point number over the whole axis, section above step: rounding up at a section's upper edge carries into
    // the next section by itself. In double, for a float has no bits left for the step at the far end of a large map.
    const double steps_max = geometry.sections[axis] * section_steps - 1.0;
    double steps = static_cast<double>(position[axis]) * section_steps / static_cast<double>(edge(geometry, axis)) + 0.5;
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
    position[axis] = static_cast<float>(steps * static_cast<double>(edge(geometry, axis)) / section_steps);
  }
  return position;
}

std::int16_t quantise_angle(float radians) noexcept {
  // Neighbouring floats out there are more than a turn apart: no angle is left to keep. NaN and infinity go the same way.
  if (!(radians > -1e9F && radians < 1e9F)) return 0;
  const double steps = static_cast<double>(radians) * steps_a_radian;
  const auto rounded = static_cast<std::int64_t>(steps + (steps < 0.0 ? -0.5 : 0.5));
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(static_cast<std::uint64_t>(rounded)));
}

float angle_of(std::int16_t yaw) noexcept {
  return static_cast<float>(yaw / steps_a_radian);
}

std::int16_t quantise_speed(float units_per_second) noexcept {
  float speed = units_per_second == units_per_second ? units_per_second : 0.0F;
  speed = speed < 32'767.0F ? speed : 32'767.0F;
  speed = speed > -32'767.0F ? speed : -32'767.0F;
  return static_cast<std::int16_t>(static_cast<int>(speed + (speed < 0.0F ? -0.5F : 0.5F)));
}

std::uint8_t quantise_fraction(float fraction, bool alive) noexcept {
  if (!alive) return 0;
  float steps = fraction * 255.0F + 0.5F;
  steps = steps > 1.0F ? steps : 1.0F;  // NaN too
  steps = steps < 255.0F ? steps : 255.0F;
  return static_cast<std::uint8_t>(static_cast<int>(steps));
}

void encode(base::ByteWriter& out, const CreateEntity& message) noexcept {
  if (!detail::begin(out, Type::create_entity, create_content_bytes)) return;
  out.write(message.slot);
  out.write(message.generation);
  out.write<std::uint8_t>(message.own ? own_bit : 0);
  out.write(message.id);
  out.write(message.type);
  out.write(message.faction);
  out.write(message.level);
  out.write_bytes({reinterpret_cast<const std::uint8_t*>(&message.state), state_bytes});
}

bool decode(std::span<const std::uint8_t> content, CreateEntity& message) noexcept {
  base::ByteReader in(content);
  message.slot = in.read<std::uint16_t>();
  message.generation = in.read<std::uint8_t>();
  const auto flags = in.read<std::uint8_t>();
  message.own = (flags & own_bit) != 0;
  message.id = in.read<std::uint64_t>();
  message.type = in.read<std::uint8_t>();
  message.faction = in.read<std::uint8_t>();
  message.level = in.read<std::uint16_t>();
  message.state.zero = {};
  in.read_into({reinterpret_cast<std::uint8_t*>(&message.state), state_bytes});
  return in.complete() && message.generation <= generation_max && (flags & ~own_bit) == 0;
}

void encode(base::ByteWriter& out, const UpdateEntity& message) noexcept {
  if (!detail::begin(out, Type::update_entity, update_content_bytes)) return;
  out.write(message.slot);
  out.write(message.mask);
  detail::write_each(out, message.position);
  detail::write_each(out, message.rotation);
  detail::write_each(out, message.velocity);
  out.write(message.anim);
  out.write(message.state_flags);
  out.write(message.effect_flags);
  out.write(message.health);
  out.write(message.mana);
}

bool decode(std::span<const std::uint8_t> content, UpdateEntity& message) noexcept {
  base::ByteReader in(content);
  message.slot = in.read<std::uint16_t>();
  message.mask = in.read<std::uint8_t>();
  detail::read_each(in, message.position);
  detail::read_each(in, message.rotation);
  detail::read_each(in, message.velocity);
  message.anim = in.read<std::uint8_t>();
  message.state_flags = in.read<std::uint8_t>();
  message.effect_flags = in.read<std::uint8_t>();
  message.health = in.read<std::uint8_t>();
  message.mana = in.read<std::uint8_t>();
  const bool names_fields = (message.mask & delta::all) != 0 && (message.mask & delta::section) == 0;
  return in.complete() && names_fields && detail::finite(message.position) && detail::finite(message.rotation) &&
         detail::finite(message.velocity);
}

bool read_removal(base::ByteReader& in, Removal& out) noexcept {
  out.slot = in.read<std::uint16_t>();
  const auto bits = in.read<std::uint8_t>();
  out.generation = static_cast<std::uint8_t>(bits >> delta::generation_shift);
  out.left_world = (bits & left_bit) != 0;
  if ((bits & 0x3F & ~left_bit) != 0) in.fail();
  return in.ok();
}

bool read_audit(base::ByteReader& in, Audit& out) noexcept {
  out.slot = in.read<std::uint16_t>();
  out.generation = in.read<std::uint8_t>();
  out.hash = in.read<std::uint32_t>();
  if (out.generation > generation_max) in.fail();
  return in.ok();
}

}  // namespace serried::message
