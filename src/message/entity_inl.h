#pragma once
/// The hot half of entity.h, included at its end: what runs once a record, 128 times a viewer and tick on the server.
/// Writers store every field and advance only past those that the mask names, so that a mask nobody can predict
/// costs no branch; what they leave behind their end stays within the room that they were promised.
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

/// Bytes of a record behind its mask, by the low six bits of the mask.
inline constexpr std::array<std::uint8_t, 64> record_field_bytes = [] {
  std::array<std::uint8_t, 64> bytes{};
  for (unsigned mask = 0; mask < bytes.size(); ++mask) {
    unsigned sum = 0;
    if (mask & delta::section) sum += 6;
    if (mask & delta::position) sum += 7;
    if (mask & delta::rotation) sum += 2;
    if (mask & delta::anim_state) sum += 1;
    if (mask & delta::flags) sum += 4;
    if (mask & delta::velocity) sum += 6;
    bytes[mask] = static_cast<std::uint8_t>(sum);
  }
  return bytes;
}();
static_assert(record_bytes_max == 3 + record_field_bytes[63]);

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

inline bool read_record(base::ByteReader& in, Record& out) noexcept {
  if (in.remaining() < 3) [[unlikely]] {
    in.fail();
    return false;
  }
  const std::uint8_t* from = in.position();
  const std::uint8_t mask = from[2];
  const std::size_t bytes = 3U + detail::record_field_bytes[mask & detail::record_field_bits];
  if (bytes == 3 || in.remaining() < bytes) [[unlikely]] {
    in.fail();
    return false;
  }
  in.skip(bytes);
  out.slot = base::load<std::uint16_t>(from);
  out.mask = mask;
  out.section_mod4 = 0;
  from += 3;
  auto* state = reinterpret_cast<std::uint8_t*>(&out.state);
  const auto take = [&](std::size_t offset, std::size_t count) {
    std::memcpy(state + offset, from, count);
    from += count;
  };
  if (mask & delta::section) take(0, 6);
  if (mask & delta::position) {
    out.section_mod4 = *from++;
    take(offsetof(EntityState, position), 6);
    const bool contradicts = (mask & delta::section) && out.section_mod4 != detail::section_mod4(out.state.section);
    if (out.section_mod4 > 0x3F || contradicts) [[unlikely]] {
      in.fail();
      return false;
    }
  }
  if (mask & delta::rotation) take(offsetof(EntityState, yaw), 2);
  if (mask & delta::anim_state) take(offsetof(EntityState, anim), 1);
  if (mask & delta::flags) take(offsetof(EntityState, state_flags), 4);
  if (mask & delta::velocity) take(offsetof(EntityState, velocity), 6);
  return true;
}

inline bool apply_record(const Record& record, EntityState& known) noexcept {
  if ((record.mask & (delta::position | delta::section)) == delta::position) {
    std::array<std::uint16_t, 3> section;
    bool near = true;
    for (unsigned axis = 0; axis < 3; ++axis)
      near &= detail::nearest_section(known.section[axis], record.section_mod4 >> (2 * axis) & 3U, section[axis]);
    if (!near) [[unlikely]]
      return false;
    known.section = section;
  }
  const detail::StateSelect& select = detail::state_select[record.mask & detail::record_field_bits];
  std::uint64_t old_words[4], new_words[4];
  std::memcpy(old_words, &known, sizeof old_words);
  std::memcpy(new_words, &record.state, sizeof new_words);
  for (unsigned word = 0; word < 4; ++word) old_words[word] ^= (old_words[word] ^ new_words[word]) & select.word[word];
  std::memcpy(&known, old_words, sizeof old_words);
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
