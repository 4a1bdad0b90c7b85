#pragma once
/// What all shards read of an entity while they replicate: its quantised state, when each field last changed, a summary
/// of 8 bytes that answers "anything new?" without touching the rest, and the record that most viewers are to be told,
/// ready to be copied (80 and 320 KB for 10,000 entities: they stay in the core's cache). Written by the owning shard
/// between the two barriers of a tick, read by all behind the second.

#include <array>
#include <cstdint>

#include "message/entity.h"
#include "world/config.h"
#include "world/frame.h"

namespace serried::world {

enum Field : std::uint8_t { field_position, field_rotation, field_anim, field_flags, field_velocity, field_section };
inline constexpr unsigned field_count = 6;
// A field's number is its bit in a record's mask.
static_assert(message::delta::position == 1 << field_position && message::delta::rotation == 1 << field_rotation &&
              message::delta::anim_state == 1 << field_anim && message::delta::flags == 1 << field_flags &&
              message::delta::velocity == 1 << field_velocity && message::delta::section == 1 << field_section);

/// One line of the cache.
struct alignas(64) VersionedEntity {
  message::EntityState state;
  std::array<std::uint32_t, field_count> version{};  ///< tick of the field's last change
  std::uint8_t generation = 0;
  Type type{};
  std::uint8_t faction = 0;
  std::uint16_t level = 0;
};
static_assert(sizeof(VersionedEntity) == 64);

/// Ticks are the low 16 bits, compared as serial numbers; a change older than change_age_max is kept at that age, so
/// that the comparison never wraps.
struct ChangeSummary {
  std::uint16_t change = 0;  ///< tick of the last change of any field
  std::uint16_t urgent =
      0;  ///< tick of the last change that must not wait: flags, animation, start and stop of movement
  std::uint8_t identity = 0;  ///< generation, bits 0 and 1; is_living, bit 2
  std::uint8_t bits = 0;      ///< is_moving, is_hidden
  Type type{};
  std::uint8_t faction = 0;

  static constexpr std::uint8_t is_living = 0x04;  // in identity
  static constexpr std::uint8_t is_moving = 0x01;  // in bits
  static constexpr std::uint8_t is_hidden = 0x02;
};
static_assert(sizeof(ChangeSummary) == 8);
inline constexpr std::uint16_t change_age_max = 20'000;

/// Where an entity is, exactly, and from how far away it is still seen: four to a line, for looking up many by
/// slot.
struct alignas(16) Place {
  float x = 0, y = 0, z = 0;
  float leave2 = 0;  ///< square of the distance beyond which no viewer tracks it any longer, units; below 0: it is gone
};

/// The record of an entity, encoded once for the many viewers that have last acked one of the same few ticks: those in
/// [since, since + ticks), as low 16 bits. A viewer that acked another tick needs other fields: message::write_record.
struct alignas(32) EncodedRecord {
  std::array<std::uint8_t, 24> record{};
  std::uint16_t since = 0, ticks = 0;  ///< ticks 0: for no viewer
  std::uint8_t bytes = 0;              ///< of `record`

  [[nodiscard]] bool is_for(std::uint16_t acked) const noexcept {
    return static_cast<std::uint16_t>(acked - since) < ticks;
  }
};
static_assert(sizeof(EncodedRecord) == 32);

struct Published {
  explicit Published(std::size_t rows, const Homes& homes = {});
  Column<VersionedEntity> entity;
  Column<ChangeSummary> summary;  ///< of every slot there is, and of no_slot: of no entity
  Column<Place> place;            ///< the same
  Column<EncodedRecord> encoded;
  Column<std::uint64_t> id;

  void each_column(auto&& visit) const {
    visit(entity);
    visit(summary);
    visit(place);
    visit(encoded);
    visit(id);
  }
};

/// Quantise the rows [first, last) of `frame` and note what changed since the last tick. The ready records are for
/// viewers that acked about `acked_age` ticks ago, at least 1; or, where nothing has changed since, before that change.
///
/// Reads   frame, identity
/// Writes  rows of `published`
/// Owner   the rows' shard
void publish_rows(const Config& config, const Frame& frame, const Identity& identity, Published& published,
                  std::uint32_t tick, std::uint32_t acked_age, std::size_t first, std::size_t last) noexcept;

/// One entity's state as it goes over the wire.
[[nodiscard]] message::EntityState quantised(const Config& config, const Frame& frame, const Identity& identity,
                                             std::size_t row) noexcept;

}  // namespace serried::world
