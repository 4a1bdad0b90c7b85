#include "world/step.h"

#include <algorithm>

#include "message/input.h"

namespace serried::world {

static_assert(motion::button::run == message::button::run && motion::button::crouch == message::button::crouch);

namespace {

/// When one input is left over in so many ticks on end, it is one too many: a tenth of a second at 60 Hz. With a longer
/// time many players would always be a tick late under stalls.
constexpr unsigned spare_ticks_max = 6;
/// The most ticks that patience adds to that, where jitter comes back and the input is needed again.
constexpr unsigned patience_max = 54;

/// How many of the inputs are for this tick. Precondition: there is one.
unsigned due(InputQueue& inputs, Take take) noexcept {
  if (take == Take::all) {
    inputs.spare_ticks = inputs.doubt_ticks = 0;  // a queue that runs dry now does not show that letting go was wrong
    return inputs.count;
  }
  const unsigned limit = spare_ticks_max + inputs.patience;
  inputs.spare_ticks = inputs.count == 2 ? static_cast<std::uint8_t>(inputs.spare_ticks + 1) : std::uint8_t{0};
  if (inputs.count > 2) return 2;
  if (inputs.spare_ticks < limit) return 1;
  inputs.spare_ticks = 0;
  if (inputs.doubt_ticks == 0) inputs.patience /= 2;
  inputs.doubt_ticks = static_cast<std::uint8_t>(2 * limit);
  return 2;
}

/// The queue has run dry soon after an input was let go: with that input it would not have.
void note_dry(InputQueue& inputs) noexcept {
  if (inputs.doubt_ticks == 0) return;
  inputs.doubt_ticks = 0;
  inputs.patience = static_cast<std::uint8_t>(std::min(2U * inputs.patience + spare_ticks_max, patience_max));
}

motion::State step_player(const Config& config, const motion::State& state, InputQueue& inputs, float seconds,
                          Take take) noexcept {
  if (inputs.doubt_ticks > 0) --inputs.doubt_ticks;
  if (inputs.count == 0) {
    if (inputs.idle_ticks == 0) note_dry(inputs);
    if (inputs.idle_ticks < 0xFFFF) ++inputs.idle_ticks;
    if (inputs.idle_ticks > config.input_hold_ticks) inputs.held.move_x = inputs.held.move_y = 0;
    return motion::step(state, inputs.held, config.limits, seconds);
  }
  const unsigned applied = due(inputs, take);
  const float share = seconds / static_cast<float>(applied);
  motion::State next = state;
  for (unsigned i = 0; i < applied; ++i) {
    const InputQueue::Entry entry = inputs.pop();
    inputs.held = entry.intent;
    inputs.applied = entry.sequence;
    next = motion::step(next, entry.intent, config.limits, share);
  }
  inputs.idle_ticks = 0;
  return next;
}

}  // namespace

void step_rows(const Config& config, const Identity& identity, const Frame& previous, Frame& next, InputQueue* inputs,
               std::uint32_t tick, std::size_t first, std::size_t last, Take take) noexcept {
  const float seconds = config.tick_seconds();
  for (std::size_t row = first; row < last; ++row) {
    if (identity.living[row] == 0 || identity.spawned[row] == tick) continue;
    const motion::State before = previous.motion_of(row);
    const bool player = identity.type[row] == Type::player;
    const motion::State after = player ? step_player(config, before, inputs[identity.owner[row]], seconds, take)
                                       : motion::step(before, identity.intent[row], config.limits, seconds);
    unsigned shown = after.anim != motion::anim::idle ? state_flag::is_moving : 0;
    if (player && inputs[identity.owner[row]].absent) shown |= state_flag::is_absent;
    next.set_motion(row, after);
    next.state_flags[row] = static_cast<std::uint8_t>(
        (previous.state_flags[row] & ~(state_flag::is_moving | state_flag::is_absent)) | shown);
    next.effect_flags[row] = previous.effect_flags[row];
    next.health[row] = previous.health[row];
    next.mana[row] = previous.mana[row];
  }
}

}  // namespace serried::world
