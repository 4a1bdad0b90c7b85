#include "games/reference/emotes.h"

namespace serried::games::reference {

void show_emotes(const game::StepSlice& slice) noexcept {
  const world::Identity& identity = slice.identity;
  for (std::size_t row = slice.first; row < slice.last; ++row) {
    if (identity.type[row] != world::Type::player || identity.living[row] == 0 || identity.spawned[row] == slice.tick)
      continue;
    Emote& emote = slice.players.at<Emote>(identity.owner[row]);
    if (emote.ticks == 0) continue;
    --emote.ticks;
    slice.next.anim[row] = emote.anim;
  }
}

}  // namespace serried::games::reference
