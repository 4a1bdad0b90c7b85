#include "world/publish.h"

#include <algorithm>

#include "base/setup.h"

namespace serried::world {
namespace {

using message::EntityState;

bool standing(const EntityState& state) noexcept {
  return (state.velocity[0] | state.velocity[1] | state.velocity[2]) == 0;
}

/// Delta bits, section included, of what differs.
unsigned changed_fields(const EntityState& before, const EntityState& after) noexcept {
  unsigned mask = 0;
  if (before.position != after.position) mask |= message::delta::position;
  if (before.yaw != after.yaw) mask |= message::delta::rotation;
  if (before.anim != after.anim) mask |= message::delta::anim_state;
  if (before.state_flags != after.state_flags || before.effect_flags != after.effect_flags ||
      before.health != after.health || before.mana != after.mana)
    mask |= message::delta::flags;
  if (before.velocity != after.velocity) mask |= message::delta::velocity;
  if (before.section != after.section) mask |= message::delta::section;
  return mask;
}

void publish_spawn(VersionedEntity& entity, ChangeSummary& summary, const EntityState& state,
                   std::uint32_t tick) noexcept {
  entity.state = state;
  entity.version.fill(tick);
  summary.change = summary.urgent = static_cast<std::uint16_t>(tick);
}

void publish_change(VersionedEntity& entity, ChangeSummary& summary, const EntityState& state,
                    std::uint32_t tick) noexcept {
  const unsigned mask = changed_fields(entity.state, state);
  if (mask != 0) {
    for (unsigned field = 0; field < field_count; ++field)
      if ((mask >> field & 1) != 0) entity.version[field] = tick;
    summary.change = static_cast<std::uint16_t>(tick);
    if ((mask & (message::delta::flags | message::delta::anim_state)) != 0 || standing(entity.state) != standing(state))
      summary.urgent = static_cast<std::uint16_t>(tick);
    entity.state = state;
  }
  const auto oldest = static_cast<std::uint16_t>(tick - change_age_max);
  if (static_cast<std::uint16_t>(tick - summary.change) > change_age_max) summary.change = oldest;
  if (static_cast<std::uint16_t>(tick - summary.urgent) > change_age_max) summary.urgent = oldest;
}

/// Keep the ages of changes far from where serial numbers turn over: half of their range.
void age_versions(VersionedEntity& entity, std::uint32_t tick) noexcept {
  for (std::uint32_t& version : entity.version)
    if (tick - version > change_age_max) version = tick - change_age_max;
}

/// Encode what changed in the last `acked_age` ticks, or, if nothing did, at the last change. Counted in ticks before
/// this one.
void encode_record(EncodedRecord& ready, const VersionedEntity& entity, std::uint16_t slot, std::uint32_t tick,
                   std::uint32_t acked_age) noexcept {
  std::array<std::uint32_t, field_count> age;
  for (unsigned field = 0; field < field_count; ++field) age[field] = tick - entity.version[field];
  std::uint32_t oldest_named = *std::min_element(age.begin(), age.end());
  const std::uint32_t acked = std::max(acked_age, oldest_named + 1);
  // The mask is the same for every ack between the newest change that it leaves out and the oldest that it names.
  std::uint32_t newest_left_out = change_age_max;
  unsigned mask = 0;
  for (unsigned field = 0; field < field_count; ++field) {
    const bool named = age[field] < acked;
    mask |= static_cast<unsigned>(named) << field;
    oldest_named = named ? std::max(oldest_named, age[field]) : oldest_named;
    newest_left_out = named ? newest_left_out : std::min(newest_left_out, age[field]);
  }
  ready.ticks = 0;
  if ((mask & message::delta::section) != 0) return;  // rare, and longer than there is room
  std::array<std::uint8_t, message::record_bytes_max> record;
  const auto said = static_cast<std::uint8_t>(mask | entity.generation << message::delta::generation_shift);
  static_assert(sizeof ready.record >= message::record_bytes_max - sizeof entity.state.section);
  ready.bytes =
      static_cast<std::uint8_t>(message::write_record(record.data(), slot, said, entity.state) - record.data());
  std::copy_n(record.data(), ready.record.size(), ready.record.data());
  ready.since = static_cast<std::uint16_t>(tick - newest_left_out);
  ready.ticks = static_cast<std::uint16_t>(newest_left_out - std::min(oldest_named, newest_left_out));
}

}  // namespace

SERRIED_SETUP Published::Published(std::size_t rows, const Homes& homes)
    : entity(rows, 3, homes),
      summary(std::size_t{no_slot} + 1, 8, homes),
      place(std::size_t{no_slot} + 1, 16, homes),
      encoded(rows, 6, homes),
      id(rows, 12, homes) {}

EntityState quantised(const Config& config, const Frame& frame, const Identity& identity, std::size_t row) noexcept {
  EntityState state;
  message::quantise_position(config.geometry, {frame.x[row], frame.y[row], frame.z[row]}, state);
  state.yaw = frame.yaw[row];
  state.velocity = {message::quantise_speed(frame.velocity_x[row]), message::quantise_speed(frame.velocity_y[row]),
                    message::quantise_speed(frame.velocity_z[row])};
  state.anim = frame.anim[row];
  state.state_flags = frame.state_flags[row];
  state.effect_flags = frame.effect_flags[row];
  const bool alive = (state.state_flags & state_flag::is_alive) != 0;
  const auto fraction = [](std::uint16_t part, std::uint16_t whole) {
    return whole == 0 ? 0.0F : static_cast<float>(part) / static_cast<float>(whole);
  };
  state.health = message::quantise_fraction(fraction(frame.health[row], identity.health_max[row]), alive);
  state.mana = message::quantise_fraction(fraction(frame.mana[row], identity.mana_max[row]), frame.mana[row] != 0);
  return state;
}

void publish_rows(const Config& config, const Frame& frame, const Identity& identity, Published& published,
                  std::uint32_t tick, std::uint32_t acked_age, std::size_t first, std::size_t last) noexcept {
  // One row a call: each has its turn within some hundred ticks, and has two thousand million.
  if (const std::size_t row = first + tick % 256; row < last) age_versions(published.entity[row], tick);
  for (std::size_t row = first; row < last; ++row) {
    ChangeSummary& summary = published.summary[row];
    if (identity.living[row] == 0) {
      summary.identity = 0;
      published.place[row].leave2 = -1.0F;
      continue;
    }
    VersionedEntity& entity = published.entity[row];
    const auto who = static_cast<std::uint8_t>(identity.generation[row] | ChangeSummary::is_living);
    const EntityState state = quantised(config, frame, identity, row);
    if (summary.identity != who) {
      publish_spawn(entity, summary, state, tick);
    } else {
      publish_change(entity, summary, state, tick);
    }
    const bool hidden = (state.state_flags & state_flag::is_invisible) != 0;
    summary.identity = who;
    summary.bits = static_cast<std::uint8_t>((standing(state) ? 0 : ChangeSummary::is_moving) |
                                             (hidden ? ChangeSummary::is_hidden : 0));
    summary.type = entity.type = identity.type[row];
    summary.faction = entity.faction = identity.faction[row];
    entity.generation = identity.generation[row];
    entity.level = identity.level[row];
    published.id[row] = identity.id[row];
    const float leave = config.radius[static_cast<std::size_t>(entity.type)];
    published.place[row] = {frame.x[row], frame.y[row], frame.z[row], leave * leave};
    const auto age = static_cast<std::uint16_t>(tick - summary.change);
    if (age < acked_age) {
      encode_record(published.encoded[row], entity, static_cast<std::uint16_t>(row), tick, acked_age);
    } else if (age >= change_age_max && published.encoded[row].ticks != 0) {
      published.encoded[row].ticks = 0;  // its ticks, of 16 bits, would soon look like future ones
    }
  }
}

}  // namespace serried::world
