#pragma once
/// The hot half of entity.h, included at its end: what runs once a record, 128 times a viewer and tick on the server.
/// Writers store every field and advance only past those that the mask names, so that a mask which cannot be
/// predicted costs no branch; what they leave behind their end stays within the room that they were promised.
///
///     EntityState   0         6          12    14         20     21      22       23      24     25      32
///                   | section | position | yaw | velocity | anim | state | effects | health | mana | zeros |

#include <cstddef>
#include <cstring>

#include "message/entity.h"

namespace serried::message {

namespace detail {

static_assert(offsetof(EntityState, position) == 6 && offsetof(EntityState, yaw) == 12);
static_assert(offsetof(EntityState, velocity) == 14 && offsetof(EntityState, anim) == 20);
static_assert(offsetof(EntityState, state_flags) == 21 && offsetof(EntityState, mana) == 24);

inline constexpr std::uint8_t record_field_bits = delta::all | delta::section;

/// Where the fields of a record stand, counted from its slot, by the low six bits of its mask; of a field that is not
/// there, where it would stand. A position begins with its section modulo 4. Eight bytes, so that one load gets all.
struct alignas(8) RecordLayout {
  std::uint8_t bytes = 3;  ///< of the whole record
  std::uint8_t position = 0, yaw = 0, anim = 0, flags = 0, velocity = 0;
};
inline constexpr std::size_t section_offset = 3;
inline constexpr std::array<RecordLayout, 64> record_layout = [] {
  std::array<RecordLayout, 64> table{};
  for (unsigned mask = 0; mask < table.size(); ++mask) {
    RecordLayout& layout = table[mask];
    const auto take = [&](unsigned field, unsigned count) {
      const std::uint8_t at = layout.bytes;
      if (mask & field) layout.bytes = static_cast<std::uint8_t>(at + count);
      return at;
    };
    take(delta::section, 6);
    layout.position = take(delta::position, 7);
    layout.yaw = take(delta::rotation, 2);
    layout.anim = take(delta::anim_state, 1);
    layout.flags = take(delta::flags, 4);
    layout.velocity = take(delta::velocity, 6);
  }
  return table;
}();
/// Bytes of a record behind its mask, by the low six bits of the mask.
inline constexpr std::array<std::uint8_t, 64> record_field_bytes = [] {
  std::array<std::uint8_t, 64> bytes{};
  for (unsigned mask = 0; mask < bytes.size(); ++mask)
    bytes[mask] = static_cast<std::uint8_t>(record_layout[mask].bytes - section_offset);
  return bytes;
}();
static_assert(record_bytes_max == record_layout[63].bytes);

/// A record's fields are loaded as whole words, whether they are there or not: so far do the loads reach.
inline constexpr std::size_t record_reach = record_bytes_max + sizeof(std::uint64_t);

/// Which bytes of an EntityState the low six bits of a mask name: four words of ones and zeros.
struct StateSelect {
  std::uint64_t word[4];
};
inline constexpr std::array<StateSelect, 64> state_select = [] {
  std::array<StateSelect, 64> table{};
  for (unsigned mask = 0; mask < table.size(); ++mask) {
    const auto set = [&](unsigned first, unsigned count) {
      for (unsigned byte = first; byte < first + count; ++byte)
        table[mask].word[byte / 8] |= std::uint64_t{0xFF} << (byte % 8 * 8);
    };
    if (mask & delta::section) set(0, 6);
    if (mask & delta::position) set(6, 6);
    if (mask & delta::rotation) set(12, 2);
    if (mask & delta::velocity) set(14, 6);
    if (mask & delta::anim_state) set(20, 1);
    if (mask & delta::flags) set(21, 4);
  }
  return table;
}();

/// x | y << 2 | z << 4, each modulo 4.
[[nodiscard]] inline std::uint8_t section_mod4(const std::array<std::uint16_t, 3>& section) noexcept {
  return static_cast<std::uint8_t>((section[0] & 3U) | (section[1] & 3U) << 2 | (section[2] & 3U) << 4);
}

/// `known` moved by -1, 0 or +1 to the value whose low two bits are those of `mod4`. False: two off, or below 0, or
/// above 65535.
[[nodiscard]] inline bool nearest_section(std::uint16_t known, unsigned mod4, std::uint16_t& out) noexcept {
  const unsigned ahead = (mod4 - known) & 3U;
  const unsigned value = known + ahead - (ahead == 3 ? 4U : 0U);
  out = static_cast<std::uint16_t>(value);
  return ahead != 2 && value <= 0xFFFF;
}

}  // namespace detail

inline std::uint8_t* write_record(std::uint8_t* to, std::uint16_t slot, std::uint8_t mask,
                                  const EntityState& state) noexcept {
  const auto* from = reinterpret_cast<const std::uint8_t*>(&state);
  const auto named = [mask](std::uint8_t field) { return static_cast<std::size_t>((mask & field) != 0); };
  base::store(to, slot);
  to[2] = mask;
  to += 3;
  std::memcpy(to, from, 6);
  to += 6 * named(delta::section);
  *to = detail::section_mod4(state.section);
  std::memcpy(to + 1, from + offsetof(EntityState, position), 6);
  to += 7 * named(delta::position);
  std::memcpy(to, from + offsetof(EntityState, yaw), 2);
  to += 2 * named(delta::rotation);
  *to = state.anim;
  to += named(delta::anim_state);
  std::memcpy(to, from + offsetof(EntityState, state_flags), 4);
  to += 4 * named(delta::flags);
  std::memcpy(to, from + offsetof(EntityState, velocity), 6);
  return to + 6 * named(delta::velocity);
}

namespace detail {

/// Whether a record is legal that begins at `from`, with `room` bytes until the end of its message.
[[nodiscard]] inline bool legal_record(const std::uint8_t* from, std::size_t room) noexcept {
  if (room < 3) [[unlikely]]
    return false;
  const std::uint8_t mask = from[2];
  const RecordLayout layout = record_layout[mask & record_field_bits];
  if (layout.bytes == 3 || room < layout.bytes) [[unlikely]]
    return false;
  if ((mask & delta::position) == 0) return true;
  const std::uint8_t mod4 = from[layout.position];
  if ((mask & delta::section) == 0) return mod4 <= 0x3F;
  return mod4 == ((from[3] & 3U) | (from[5] & 3U) << 2 | (from[7] & 3U) << 4);
}

// Reading and merging move whole words from register to register: what is stored in pieces and then loaded as a word
// waits for the store to reach the cache.

/// The fields of a legal record as the words of an EntityState; what its mask does not name is noise. It reads
/// record_reach bytes.
inline void load_fields(const std::uint8_t* from, std::uint64_t (&words)[4]) noexcept {
  constexpr std::uint64_t three = 0xFFFF'FFFF'FFFFU;  // of 16 bits
  const RecordLayout layout = record_layout[from[2] & record_field_bits];
  const std::uint64_t section = base::load<std::uint64_t>(from + section_offset) & three;
  const std::uint64_t position = base::load<std::uint64_t>(from + layout.position + 1) & three;
  const std::uint64_t velocity = base::load<std::uint64_t>(from + layout.velocity) & three;
  const std::uint64_t flags = base::load<std::uint32_t>(from + layout.flags);
  const std::uint64_t yaw = base::load<std::uint16_t>(from + layout.yaw);
  const std::uint64_t anim = from[layout.anim];
  words[0] = section | position << 48;
  words[1] = position >> 16 | yaw << 32 | velocity << 48;
  words[2] = velocity >> 16 | anim << 32 | flags << 40;
  words[3] = flags >> 24;
}

/// The bytes of `fresh` that `mask` names into `state`.
inline void select_state(std::uint8_t mask, const std::uint64_t (&fresh)[4], EntityState& state) noexcept {
  const StateSelect& select = state_select[mask & record_field_bits];
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&state);
  for (unsigned i = 0; i < 4; ++i) {
    const auto old = base::load<std::uint64_t>(bytes + 8 * i);
    base::store(bytes + 8 * i, old ^ ((old ^ fresh[i]) & select.word[i]));
  }
}

/// A position that came without its section: move `known` to the nearest one with this modulus.
[[nodiscard]] inline bool follow_section(std::uint8_t mod4, EntityState& known) noexcept {
  if (mod4 == section_mod4(known.section)) [[likely]]
    return true;
  std::array<std::uint16_t, 3> section;
  bool near = true;
  for (unsigned axis = 0; axis < 3; ++axis)
    near &= nearest_section(known.section[axis], mod4 >> (2 * axis) & 3U, section[axis]);
  if (near) known.section = section;
  return near;
}

}  // namespace detail

inline bool read_record(base::ByteReader& in, Record& out) noexcept {
  const std::uint8_t* from = in.position();
  if (!detail::legal_record(from, in.remaining())) [[unlikely]] {
    in.fail();
    return false;
  }
  const detail::RecordLayout layout = detail::record_layout[from[2] & detail::record_field_bits];
  std::array<std::uint8_t, detail::record_reach> copy;
  if (in.remaining() < copy.size()) [[unlikely]] {  // the last ones of a message
    copy.fill(0);
    std::memcpy(copy.data(), from, layout.bytes);
    from = copy.data();
  }
  std::uint64_t fresh[4];
  detail::load_fields(from, fresh);
  out.slot = base::load<std::uint16_t>(from);
  out.mask = from[2];
  out.section_mod4 = (out.mask & delta::position) != 0 ? from[layout.position] : std::uint8_t{0};
  detail::select_state(out.mask, fresh, out.state);
  in.skip(layout.bytes);
  return true;
}

inline bool apply_record(const Record& record, EntityState& known) noexcept {
  if ((record.mask & (delta::position | delta::section)) == delta::position &&
      !detail::follow_section(record.section_mod4, known)) [[unlikely]]
    return false;
  std::uint64_t fresh[4];
  std::memcpy(fresh, &record.state, sizeof fresh);
  detail::select_state(record.mask, fresh, known);
  return true;
}

inline bool index_record(base::ByteReader& in, RecordIndex& out) noexcept {
  const std::uint8_t* const from = in.position();
  if (!detail::legal_record(from, in.remaining())) [[unlikely]] {
    in.fail();
    return false;
  }
  out = {from, base::load<std::uint16_t>(from), from[2]};
  in.skip(detail::record_layout[out.mask & detail::record_field_bits].bytes);
  return true;
}

inline bool apply_record(const RecordIndex& record, const std::uint8_t* end, EntityState& known) noexcept {
  const std::uint8_t* from = record.at;
  const detail::RecordLayout layout = detail::record_layout[record.mask & detail::record_field_bits];
  std::array<std::uint8_t, detail::record_reach> copy;
  if (static_cast<std::size_t>(end - from) < copy.size()) [[unlikely]] {  // the last ones of a message
    copy.fill(0);
    std::memcpy(copy.data(), from, layout.bytes);
    from = copy.data();
  }
  if ((record.mask & (delta::position | delta::section)) == delta::position &&
      !detail::follow_section(from[layout.position], known)) [[unlikely]]
    return false;
  std::uint64_t fresh[4];
  detail::load_fields(from, fresh);
  detail::select_state(record.mask, fresh, known);
  return true;
}

inline std::uint8_t* write_removal(std::uint8_t* to, const Removal& removal) noexcept {
  base::store(to, removal.slot);
  to[2] = static_cast<std::uint8_t>(removal.generation << delta::generation_shift | (removal.left_world ? 1 : 0));
  return to + removal_bytes;
}

inline void write_far_record(std::uint8_t* to, const FarRecord& record) noexcept {
  base::store(to, static_cast<std::uint32_t>(record.slot | (record.generation & 3U) << 16 | (record.x & 0x1FFU) << 18 |
                                             (record.y & 0x1FU) << 27));
  base::store(to + 4, static_cast<std::uint16_t>((record.y & 0x1FFU) >> 5 | (record.z & 0x7FU) << 4 |
                                                 (record.yaw & 0x1FU) << 11));
}

inline FarRecord read_far_record(const std::uint8_t* from) noexcept {
  const auto low = base::load<std::uint32_t>(from);
  const auto high = base::load<std::uint16_t>(from + 4);
  FarRecord record;
  record.slot = static_cast<std::uint16_t>(low);
  record.generation = static_cast<std::uint8_t>(low >> 16 & 3);
  record.x = static_cast<std::uint16_t>(low >> 18 & 0x1FF);
  record.y = static_cast<std::uint16_t>(low >> 27 | (high & 0xFU) << 5);
  record.z = static_cast<std::uint8_t>(high >> 4 & 0x7F);
  record.yaw = static_cast<std::uint8_t>(high >> 11);
  return record;
}

inline std::uint8_t* write_audit(std::uint8_t* to, const Audit& audit) noexcept {
  base::store(to, audit.slot);
  to[2] = audit.generation;
  base::store(to + 3, audit.hash);
  return to + audit_bytes;
}

}  // namespace serried::message
