/// Cold codecs of entities: a create, a full update, what comes once per entity and viewer and not once per tick. The
/// hot ones are in entity_inl.h, quantisation is in quantise.cpp.

#include "message/entity.h"

#include "base/prng.h"
#include "message/codec.h"

namespace serried::message {

namespace {

constexpr std::size_t state_bytes = 25;
constexpr std::uint8_t own_bit = 0x01;
constexpr std::uint8_t left_bit = 0x01;
constexpr std::uint8_t generation_max = 3;

}  // namespace

std::uint32_t state_hash(const EntityState& state) noexcept {
  std::uint64_t word[4];
  std::memcpy(word, &state, sizeof word);
  return static_cast<std::uint32_t>(base::mix(word[0], word[1], word[2], word[3]) >> 32);
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
