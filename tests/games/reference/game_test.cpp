#include "games/reference/game.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "games/reference/emotes.h"
#include "message/game.h"
#include "world/step.h"

namespace serried::games::reference {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Game, AShortWelcomeIsALineOfChatALongOneAMessageOfItsOwn) {
  EXPECT_TRUE(welcome_message("").empty());
  const Bytes chat = welcome_message(std::string(256, 'w'));
  message::Chat heard;
  ASSERT_EQ(chat[0], static_cast<std::uint8_t>(message::Type::chat));
  ASSERT_TRUE(decode(std::span(chat).subspan(1), heard));
  EXPECT_EQ(heard.scope, message::ChatScope::server);
  EXPECT_EQ(heard.text.size(), 256U);
  const Bytes own = welcome_message(std::string(257, 'w'));
  EXPECT_EQ(own.size(), 258U);
  EXPECT_EQ(own[0], 0xD0);
  EXPECT_EQ(own[257], 'w');
  const Game game{{.welcome = std::string(257, 'w')}};
  const auto sent = game.callbacks().welcome;
  EXPECT_EQ(Bytes(sent.begin(), sent.end()), own);
}

template <class Each>
void each_slice(std::size_t first, std::size_t end, std::size_t size, Each&& each) {
  for (; first < end; first += size) each(first, std::min(first + size, end));
}

/// The world's hash after 400 ticks in which the engine calls with slices of `size` rows.
std::uint64_t hash_with_slices_of(std::size_t size) {
  constexpr std::size_t rows = 128, players = 40;
  const Game game{{.npc_decision_ticks = 30}};
  const game::Callbacks callbacks = game.callbacks();
  const world::Config config;
  world::Frame frames[2] = {world::Frame(rows, 0), world::Frame(rows, 12)};
  world::Identity identity(rows);
  world::Column<world::InputQueue> inputs(players);
  std::vector<std::uint64_t> ids(players);
  std::vector<world::Spawn> spawns(rows);
  std::vector<Emote> emotes(players);
  for (std::uint32_t row = 0; row < rows; ++row) {
    spawns[row].id = row < players ? world::player_entity(row) : row;
    spawns[row].type = row < players ? world::Type::player : world::Type::npc;
    spawns[row].owner = row;
  }
  for (std::uint32_t player = 0; player < players; ++player) {
    ids[player] = player;
    emotes[player] = {.anim = 9, .ticks = static_cast<std::uint16_t>(player * 20)};
  }
  each_slice(0, players, size, [&](std::size_t first, std::size_t last) {
    callbacks.spawn_players(callbacks.context,
                            {config, 3, {&ids[first], last - first}, {&spawns[first], last - first}});
  });
  each_slice(players, rows, size, [&](std::size_t first, std::size_t last) {
    callbacks.spawn_npcs(callbacks.context, {config, 3, {&spawns[first], last - first}});
  });
  for (std::size_t row = 0; row < rows; ++row) world::spawn(frames[0], identity, row, spawns[row], 0);
  for (std::uint32_t tick = 1; tick <= 400; ++tick) {
    const world::Frame& previous = frames[(tick - 1) & 1];
    world::Frame& next = frames[tick & 1];
    each_slice(0, rows, size, [&](std::size_t first, std::size_t last) {
      callbacks.think(callbacks.context, {config, 3, tick, previous, identity, first, last});
      world::step_rows(config, identity, previous, next, inputs.data(), tick, first, last);
      callbacks.step(callbacks.context,
                     {tick, identity, next, {reinterpret_cast<std::byte*>(emotes.data()), sizeof(Emote)}, first, last});
    });
  }
  return world::hash_rows(frames[0], identity, 0, rows);
}

TEST(Game, TheSizeOfSlicesDoesNotMatter) {
  const std::uint64_t hash = hash_with_slices_of(256);
  for (const std::size_t size : {1U, 7U, 64U}) EXPECT_EQ(hash_with_slices_of(size), hash) << size;
}

}  // namespace
}  // namespace serried::games::reference
