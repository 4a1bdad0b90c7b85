#pragma once
/// Health and mana as foes are told of them: in steps, so that a client which shows what its player should not know
/// tells little. An entity itself and its allies, those of the same faction, are told the exact values.

#include <array>
#include <cstdint>

#include "message/entity.h"
#include "world/publish.h"

namespace serried::replicate {

/// Of another faction than the viewer's. A faction is an entity's for as long as it lives, so what a viewer has been
/// told of it stays in one form.
[[nodiscard]] inline bool is_foe(const world::Published& published, std::uint16_t slot,
                                 std::uint16_t viewer_slot) noexcept {
  return published.summary[slot].faction != published.summary[viewer_slot].faction;
}

/// Constant once made: one table for all shards, four lines of the cache.
class CoarseFractions {
 public:
  /// `steps` from none to all, 2 to 255; 255 leaves every value as it is.
  explicit CoarseFractions(unsigned steps);

  /// The nearest of the steps; 0 for 0 alone and 255 for 255 alone. What is coarse stays as it is.
  [[nodiscard]] std::uint8_t of(std::uint8_t fraction) const noexcept { return table_[fraction]; }
  void apply(message::EntityState& state) const noexcept {
    state.health = of(state.health);
    state.mana = of(state.mana);
  }
  /// Those of a record, if it has them. Precondition: it begins at `record` and its mask is legal.
  void apply(std::uint8_t* record) const noexcept {
    if ((record[2] & message::delta::flags) == 0) return;
    std::uint8_t* const flags =
        record + message::detail::record_layout[record[2] & message::detail::record_field_bits].flags;
    flags[2] = of(flags[2]);
    flags[3] = of(flags[3]);
  }

 private:
  std::array<std::uint8_t, 256> table_;
};

}  // namespace serried::replicate
