#include "games/reference/emotes.h"

#include <gtest/gtest.h>

#include "world/step.h"

namespace serried::games::reference {
namespace {

/// A world of one player, whose inputs stand in place 3.
struct OnePlayer {
  OnePlayer() : frames{world::Frame(64, 0), world::Frame(64, 12)}, identity(64), inputs(64) {
    world::spawn(frames[0], identity, 0,
                 {.id = 1, .type = world::Type::player, .health = 10, .owner = 3, .position = {1'000, 1'000, 1'000}},
                 0);
  }
  void tick() {
    inputs[3].push(++sequence, {.move_x = 127});
    world::step_rows(config, identity, frames[now & 1], frames[(now + 1) & 1], inputs.data(), now + 1, 0, 64);
    ++now;
    show_emotes({.tick = now,
                 .identity = identity,
                 .next = frames[now & 1],
                 .players = {reinterpret_cast<std::byte*>(emotes.data()), sizeof(Emote)},
                 .first = 0,
                 .last = 64});
  }
  const world::Frame& frame() const { return frames[now & 1]; }

  world::Config config;
  std::array<world::Frame, 2> frames;
  world::Identity identity;
  world::Column<world::InputQueue> inputs;
  std::array<Emote, 64> emotes{};
  std::uint32_t now = 0;
  std::uint16_t sequence = 0;
};

TEST(ShowEmotes, AnEmoteIsShownForItsTicksAndMovesNothing) {
  OnePlayer one, other;
  one.emotes[3] = {.anim = 20, .ticks = 5};
  for (unsigned i = 0; i < 5; ++i) {
    one.tick();
    other.tick();
    EXPECT_EQ(one.frame().anim[0], 20);
    EXPECT_EQ(one.frame().x[0], other.frame().x[0]);
    EXPECT_EQ(one.frame().state_flags[0], other.frame().state_flags[0]) << "the player moves all the same";
  }
  one.tick();
  other.tick();
  EXPECT_EQ(one.frame().anim[0], other.frame().anim[0]);
}

}  // namespace
}  // namespace serried::games::reference
