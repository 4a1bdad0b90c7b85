#pragma once
/// Connection ids: an array index and a secret in 32 bits.
///
///     31    28 27              11 10          0
///     +-------+------------------+-------------+
///     | lane  | slot             | random, > 0 |
///     +-------+------------------+-------------+

#include <cstdint>

namespace serried::session {

inline constexpr unsigned id_random_bits = 11;
inline constexpr unsigned id_slot_bits = 17;
inline constexpr unsigned id_lane_bits = 4;
static_assert(id_random_bits + id_slot_bits + id_lane_bits == 32);

inline constexpr std::uint32_t sessions_per_lane_max = 1U << id_slot_bits;
inline constexpr std::uint32_t lanes_max = 1U << id_lane_bits;

/// `random` is reduced to 1 .. 2047, so that no id is 0.
[[nodiscard]] constexpr std::uint32_t make_id(std::uint32_t lane, std::uint32_t slot, std::uint64_t random) noexcept {
  const auto secret = static_cast<std::uint32_t>(random % ((1U << id_random_bits) - 1)) + 1;
  return lane << (id_slot_bits + id_random_bits) | slot << id_random_bits | secret;
}
[[nodiscard]] constexpr std::uint32_t lane_of(std::uint32_t id) noexcept {
  return id >> (id_slot_bits + id_random_bits);
}
[[nodiscard]] constexpr std::uint32_t slot_of(std::uint32_t id) noexcept {
  return id >> id_random_bits & (sessions_per_lane_max - 1);
}

}  // namespace serried::session
