#pragma once
/// Entities on the wire: quantised state, creates, records, removals, blocks, audits.
/// Everything absolute, so that any record can be applied on its own.
/// Source  docs/wire-format.md section 6

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "message/type.h"

namespace serried::message {

namespace delta {  // bits of a record's mask
inline constexpr std::uint8_t position = 0x01;
inline constexpr std::uint8_t rotation = 0x02;
inline constexpr std::uint8_t anim_state = 0x04;
inline constexpr std::uint8_t flags = 0x08;
inline constexpr std::uint8_t velocity = 0x10;
inline constexpr std::uint8_t all = 0x1F;
inline constexpr std::uint8_t section = 0x20;        ///< the whole section index rides along
inline constexpr std::uint8_t generation_shift = 6;  ///< bits 6 and 7: generation of the slot
}  // namespace delta

/// What a client knows of an entity's changing state, quantised. 25 bytes of value in 32: unused bytes stay zero,
/// so that two states are equal exactly when their bytes are.
struct alignas(32) EntityState {
  std::array<std::uint16_t, 3> section{};  ///< index of the section on x, y, z
  std::array<std::int16_t, 3> position{};  ///< relative to the section's centre: -32768 is its lower edge
  std::int16_t yaw = 0;                    ///< 65,536 steps a turn
  std::array<std::int16_t, 3> velocity{};  ///< units a second
  std::uint8_t anim = 0;
  std::uint8_t state_flags = 0;
  std::uint8_t effect_flags = 0;
  std::uint8_t health = 0;  ///< fraction of the maximum; 0 exactly when dead
  std::uint8_t mana = 0;    ///< the same; 0 exactly when there is none
  std::array<std::uint8_t, 7> zero{};

  [[nodiscard]] bool operator==(const EntityState&) const noexcept = default;
};
static_assert(sizeof(EntityState) == 32);

/// 32 bits that tell two states apart (audit); not a cryptographic hash.
[[nodiscard]] std::uint32_t state_hash(const EntityState& state) noexcept;

/// How positions become sections and int16. World coordinates start at 0; a position outside is clamped.
struct Geometry {
  float section_size_xy = 25'600.0F;
  float section_size_z = 6'400.0F;
  std::array<std::uint16_t, 3> sections{32, 32, 4};
};
/// Error at most half a step (section size / 65,536 / 2) on each axis; one step at the map's upper edge, where the
/// next section that rounding up would name does not exist. NaN counts as 0.
void quantise_position(const Geometry& geometry, const std::array<float, 3>& position, EntityState& out) noexcept;
[[nodiscard]] std::array<float, 3> position_of(const Geometry& geometry, const EntityState& state) noexcept;
[[nodiscard]] std::int16_t quantise_angle(float radians) noexcept;  ///< wraps; 0 for NaN and beyond 1e9
[[nodiscard]] float angle_of(std::int16_t yaw) noexcept;
[[nodiscard]] std::int16_t quantise_speed(float units_per_second) noexcept;  ///< clamps; NaN gives 0
/// In 255ths, 1 to 255; 0 exactly when there is not `any`: no life, no mana. NaN counts as 0.
[[nodiscard]] std::uint8_t quantise_fraction(float fraction, bool any) noexcept;

/// slot u16 | generation u8 | flags u8 (bit 0: the viewer's own) | id u64 | type u8 | faction u8 | level u16 |
/// section 3 * u16 | position 3 * i16 | yaw i16 | velocity 3 * i16 | anim u8 | state u8 | effects u8 | health u8 |
/// mana u8
struct CreateEntity {
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;  ///< 0 to 3
  bool own = false;
  std::uint64_t id = 0;
  std::uint8_t type = 0;
  std::uint8_t faction = 0;
  std::uint16_t level = 0;
  EntityState state;
};
inline constexpr std::size_t create_content_bytes = 2 + 1 + 1 + 8 + 1 + 1 + 2 + 25;
void encode(base::ByteWriter& out, const CreateEntity& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, CreateEntity& message) noexcept;

/// One record of a DeltaSync, or the content of UpdateEntityQuantized:
///   slot u16 | mask u8 | [section 3 * u16] | [position: section mod 4 (x | y << 2 | z << 4) u8, 3 * i16] | [yaw i16] |
///   [anim u8] | [state u8, effects u8, health u8, mana u8] | [velocity 3 * i16]
/// A section without position is legal, and so is a section alone. Fields that the mask does not name are left as they
/// are in `state`.
struct Record {
  std::uint16_t slot = 0;
  std::uint8_t mask = 0;          ///< delta bits, section bit, generation in bits 6 and 7
  std::uint8_t section_mod4 = 0;  ///< 0 without a position
  EntityState state;
  [[nodiscard]] std::uint8_t generation() const noexcept { return mask >> delta::generation_shift; }
};
inline constexpr std::size_t record_bytes_max = 3 + 6 + 7 + 2 + 1 + 4 + 6;
/// Write one record to `to`, which has room for record_bytes_max; returns its end. The hot path's encoder: no checks,
/// and what lies between that end and record_bytes_max is overwritten.
/// Cost    bench/message_bench.cpp
std::uint8_t* write_record(std::uint8_t* to, std::uint16_t slot, std::uint8_t mask, const EntityState& state) noexcept;
/// Take the next record off `in`; false and the reader's error state when it is cut short, names no field, or has a
/// section modulo 4 that is none or contradicts the section beside it.
[[nodiscard]] bool read_record(base::ByteReader& in, Record& out) noexcept;
/// Merge a record into what was known. False when it has a position without its section and lies two sections off
/// (mod 4 cannot tell) or outside the 65,536 sections of an axis: nothing is changed then.
[[nodiscard]] bool apply_record(const Record& record, EntityState& known) noexcept;

/// The same in two steps, for a caller that proves a whole message before it changes anything: first each record is
/// checked and found, then merged from where it lies.
struct RecordIndex {
  const std::uint8_t* at = nullptr;
  std::uint16_t slot = 0;
  std::uint8_t mask = 0;
  [[nodiscard]] std::uint8_t generation() const noexcept { return mask >> delta::generation_shift; }
};
/// As read_record.
[[nodiscard]] bool index_record(base::ByteReader& in, RecordIndex& out) noexcept;
/// As apply_record. `end`: of the message that the record is in; the record is never read beyond it.
[[nodiscard]] bool apply_record(const RecordIndex& record, const std::uint8_t* end, EntityState& known) noexcept;

/// DeltaSync := tick u32 | applied input sequence u16 | record*.  First message of every replication body.
struct DeltaHeader {
  std::uint32_t tick = 0;
  std::uint16_t applied_input = 0;
};
inline constexpr std::size_t delta_header_bytes = 6;

/// UpdateEntity, the full float form: slot u16 | mask u8 | position 3 * f32 | yaw, pitch, roll 3 * f32 | velocity
/// 3 * f32 | anim u8 | state u8 | effects u8 | health u8 | mana u8. Every field is there; mask says which are new.
struct UpdateEntity {
  std::uint16_t slot = 0;
  std::uint8_t mask = 0;
  std::array<float, 3> position{}, rotation{}, velocity{};
  std::uint8_t anim = 0, state_flags = 0, effect_flags = 0, health = 0, mana = 0;
};
inline constexpr std::size_t update_content_bytes = 2 + 1 + 36 + 5;
void encode(base::ByteWriter& out, const UpdateEntity& message) noexcept;
/// Refuses NaN and infinity, a mask that names no field, and the section bit.
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, UpdateEntity& message) noexcept;

/// RemoveEntity := (slot u16 | generation << 6 | left u8)*
/// left: 1, it left the world; 0, it is only no longer tracked.
struct Removal {
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;
  bool left_world = false;
};
inline constexpr std::size_t removal_bytes = 3;
std::uint8_t* write_removal(std::uint8_t* to, const Removal& removal) noexcept;
[[nodiscard]] bool read_removal(base::ByteReader& in, Removal& out) noexcept;

/// EntityBlock := cell u16 | far record*, 6 bytes each, little-endian 48 bits:
///   slot 16 | generation 2 | x 9 | y 9 | z 7 | yaw 5      x, y, z in steps of the cell's edge
/// cell = (z * cells_y + y) * cells_x + x.
struct FarRecord {
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;
  std::uint16_t x = 0, y = 0;  ///< 9 bits
  std::uint8_t z = 0;          ///< 7 bits
  std::uint8_t yaw = 0;        ///< 5 bits
};
inline constexpr std::size_t far_record_bytes = 6;
inline constexpr std::size_t block_header_bytes = 2;
/// Writes exactly six bytes.
void write_far_record(std::uint8_t* to, const FarRecord& record) noexcept;
[[nodiscard]] FarRecord read_far_record(const std::uint8_t* from) noexcept;

/// audit := (slot u16 | generation u8 | hash u32)*, Benchmark in docs/wire-format.md: the server knows by acks that the
/// client holds this entity in exactly this state; the client compares.
struct Audit {
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;
  std::uint32_t hash = 0;
};
inline constexpr std::size_t audit_bytes = 7;
std::uint8_t* write_audit(std::uint8_t* to, const Audit& audit) noexcept;
[[nodiscard]] bool read_audit(base::ByteReader& in, Audit& out) noexcept;

}  // namespace serried::message

#include "message/entity_inl.h"  // write_record, read_record, apply_record, the far records and the other writers
