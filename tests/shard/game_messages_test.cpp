#include <string>

#include <gtest/gtest.h>

#include "games/reference/messages.h"
#include "shard/fixture.h"
#include "simd/crc32c.h"

namespace serried::shard::test {
namespace {

using message::ChatScope;
using metrics::Drop;

constexpr unsigned all_buffers = 2'048;
constexpr unsigned broadcast_burst = 10;  ///< lines to every player that a shard lets through at once

GameSetup setup_of(unsigned shards, float spread) {
  GameSetup setup;
  setup.shards = shards;
  setup.sessions_per_lane = 512;
  setup.world.npcs = 0;
  setup.world.players_max = 300;
  setup.reference.player_spawn_half = spread;
  return setup;
}

message::Chat line(ChatScope scope, std::string_view text) { return {scope, 0, base::as_bytes(text)}; }

std::map<std::uint64_t, std::array<float, 3>> positions(const ShardRig& rig) {
  std::map<std::uint64_t, std::array<float, 3>> found;
  rig.simulation.for_each_entity([&](const Simulation::Living& entity) { found[entity.id] = entity.position; });
  return found;
}

std::uint64_t dropped(const ShardRig& rig, Drop drop) {
  std::uint64_t sum = 0;
  for (const auto& lane : rig.lanes) sum += lane->counters().drops.value(drop);
  return sum;
}

/// The lanes hold some of the buffers between ticks; then all are in the rings.
void expect_all_home(ShardRig& rig, unsigned buffers = all_buffers) {
  for (auto& lane : rig.lanes) lane->close();
  rig.ticks(0);
  std::size_t home = rig.buffers_home();
  link::OutRow row;
  for (auto& link : rig.links)
    while (link->filled.pop(&row, 1) == 1) home += row.buffer().data != nullptr;
  EXPECT_EQ(home, buffers);
}

TEST(GameMessages, ChatToThoseNearReachesNearViewersOfEveryShard) {
  ShardRig rig(setup_of(3, 7'000.0F), 1, all_buffers);
  for (std::uint64_t id = 1; id <= 60; ++id) rig.join(id);
  rig.ticks(3);
  const Player& speaker = *rig.players[7];
  ASSERT_TRUE(rig.say(speaker, line(ChatScope::near, "who is there")));
  rig.ticks(3);
  const auto where = positions(rig);
  const auto& from = where.at(world::player_entity(speaker.id));
  unsigned near = 0, shards_heard = 0;
  for (const auto& player : rig.players) {
    const auto& at = where.at(world::player_entity(player->id));
    const float dx = at[0] - from[0], dy = at[1] - from[1];
    const bool hears = dx * dx + dy * dy <= 5'000.0F * 5'000.0F;
    ASSERT_EQ(player->game_messages.size(), hears ? 1U : 0U) << "player " << player->id;
    if (!hears) continue;
    ++near;
    shards_heard |= 1U << player->shard;
    message::Chat heard;
    ASSERT_TRUE(decode(std::span(player->game_messages[0]).subspan(1), heard));
    EXPECT_EQ(heard.sender, world::player_entity(speaker.id));
    EXPECT_EQ(base::as_text(heard.text), "who is there");
  }
  EXPECT_GT(near, 3U);
  EXPECT_LT(near, 60U);
  EXPECT_EQ(shards_heard, 7U);
  EXPECT_EQ(speaker.game_messages.size(), 1U) << "the speaker is among the viewers near";
  expect_all_home(rig);
}

TEST(GameMessages, ChatToAllReachesAllWithinItsBudget) {
  ShardRig rig(setup_of(3, 300'000.0F), 1, all_buffers);
  for (std::uint64_t id = 1; id <= 40; ++id) rig.join(id);
  rig.ticks(3);
  for (unsigned i = 0; i < 25; ++i)
    ASSERT_TRUE(rig.say(*rig.players[0], line(ChatScope::everybody, std::to_string(i))));
  rig.ticks(20);
  for (const auto& player : rig.players) {
    ASSERT_EQ(player->game_messages.size(), broadcast_burst);
    for (unsigned i = 0; i < broadcast_burst; ++i)
      EXPECT_EQ(player->game_messages[i].back(), '0' + i) << "in the order in which they were spoken";
  }
  EXPECT_EQ(dropped(rig, Drop::broadcast_overflow), 25 - broadcast_burst);
  rig.ticks(60);
  ASSERT_TRUE(rig.say(*rig.players[0], line(ChatScope::everybody, "later")));
  rig.ticks(5);
  EXPECT_EQ(rig.players[39]->game_messages.back().back(), 'r');
  expect_all_home(rig);
}

TEST(GameMessages, OnePollDeliversALineToAtMost64Viewers) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  for (std::uint64_t id = 1; id <= 200; ++id) rig.join(id);
  rig.ticks(3);
  ASSERT_TRUE(rig.say(*rig.players[0], line(ChatScope::near, "x")));
  const base::Counter& lines = rig.lanes[0]->counters().broadcasts_delivered;
  std::vector<std::uint64_t> told;
  while (lines.value() < 200) {
    const std::uint64_t before = lines.value();
    rig.lanes[0]->poll(rig.now);
    if (lines.value() != before) told.push_back(lines.value() - before);
    ASSERT_LE(told.size(), 4U);
  }
  EXPECT_EQ(told, (std::vector<std::uint64_t>{64, 64, 64, 8}));
}

TEST(GameMessages, ChatBeyondTheRingsBetweenShardsIsRefusedAndCounted) {
  ShardRig rig(setup_of(2, 1'000.0F), 1, all_buffers);
  for (std::uint64_t id = 1; id <= 20; ++id) rig.join(id);
  rig.ticks(3);
  Player& speaker = *rig.players[0];
  // The other shard is not polled: its ring of lines fills.
  for (unsigned i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.say(speaker, line(ChatScope::near, "x")));
    for (unsigned polls = 0; polls < 8; ++polls) rig.lanes[speaker.shard]->poll(rig.now);
  }
  EXPECT_EQ(dropped(rig, Drop::broadcast_overflow), 37U);
  rig.ticks(100);
  for (const auto& player : rig.players) EXPECT_EQ(player->game_messages.size(), 63U);
  expect_all_home(rig);
}

TEST(GameMessages, EveryMessageOfAFullRingIsAnswered) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  Player& player = rig.join(1);
  rig.ticks(2);
  std::uint32_t posted = 0;
  while (rig.say(player, message::Action{posted, 99, 0})) ++posted;
  EXPECT_GE(posted, link::IoShardLink::game_message_rows);
  rig.ticks(2);
  EXPECT_EQ(rig.lanes[0]->counters().game_messages.value(), posted);
  EXPECT_EQ(rig.buffers_back, posted);
  ASSERT_EQ(player.game_messages.size(), posted);
  for (std::uint32_t i = 0; i < posted; ++i) {
    message::ActionResult result;
    ASSERT_TRUE(decode(std::span(player.game_messages[i]).subspan(1), result));
    EXPECT_EQ(result.request, i);
    EXPECT_EQ(result.result, message::ActionOutcome::unknown_action);
  }
  expect_all_home(rig);
}

/// A poll reads 64 KiB of game messages and one more. What was there when the tick became due is part of it all the
/// same.
TEST(GameMessages, MessagesBeyondOnePollAreReadBeforeTheTick) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  Player& player = rig.join(1);
  rig.ticks(2);
  const std::vector<std::uint8_t> large(60'000, 0xD7);
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(rig.post(player, large));
  ASSERT_TRUE(rig.say(player, message::Action{1, games::reference::action_emote, 17}));
  ShardLane& lane = *rig.lanes[0];
  rig.now += second;
  for (const std::uint32_t tick = lane.tick(); lane.tick() == tick;) lane.poll(rig.now);
  EXPECT_EQ(lane.counters().game_messages.value(), 8U);
}

/// A lane whose rings hold seven rows.
struct Narrow {
  explicit Narrow(unsigned buffers) : memory(7 * 1'280) {
    for (unsigned i = 0; i < buffers; ++i) link.empties.push({memory.data() + i * 1'280, memory.data() + i * 1'280});
    link.session_events.push(link::SessionEvent::Join{.connection_id = id, .session = 0, .player_id = 1});
    for (unsigned i = 0; i < 60; ++i) {
      now += millisecond;
      lane.poll(now);
    }
  }
  static constexpr std::uint32_t id = 5;
  const GameSetup setup = setup_of(1, 1'000.0F);
  games::reference::Game game{setup.reference};
  Simulation simulation{setup.with(game)};
  link::IoShardLink link{64, 7};
  ShardLane lane{simulation, 0, {&link}};
  std::vector<std::uint8_t> memory;
  Nanos now = second;
};

TEST(GameMessages, MessagesWaitUntilThereIsRoomForAllAnswers) {
  Narrow narrow(7);
  std::vector<std::vector<std::uint8_t>> blocks;
  for (std::uint32_t i = 0; i < 9; ++i) blocks.push_back(ShardRig::type_first(message::Action{i, 99, 0}));
  for (std::uint16_t i = 0; i < 9; ++i) {
    link::GameMessage lent =
        link::GameMessage::in_block(blocks[i].data(), i, static_cast<std::uint32_t>(blocks[i].size()));
    lent.connection_id = Narrow::id;
    lent.channel = wire::Channel::reliable_ordered;
    ASSERT_TRUE(narrow.link.game_messages.push(lent));
  }
  for (unsigned i = 0; i < 100; ++i) narrow.lane.poll(narrow.now += millisecond);
  EXPECT_LT(narrow.lane.counters().game_messages.value(), 9U) << "no io lane takes the answers";
  std::vector<std::uint16_t> back;
  std::vector<std::uint32_t> answered;
  for (unsigned i = 0; i < 2'000 && back.size() < 9; ++i) {
    link::OutRow row;
    if (narrow.link.filled.pop(&row, 1) == 1) {
      if (row.kind() == link::OutRow::Kind::block_back) back.push_back(row.block_back().block);
      if (row.kind() == link::OutRow::Kind::message)
        answered.push_back(base::load<std::uint32_t>(row.message().body + 1));
      if (row.kind() != link::OutRow::Kind::block_back) narrow.link.empties.push(row.buffer());
    }
    narrow.lane.poll(narrow.now += 10 * microsecond);
  }
  EXPECT_EQ(back, (std::vector<std::uint16_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  ASSERT_EQ(answered.size(), 9U);
  for (std::uint32_t i = 0; i < 9; ++i) EXPECT_EQ(answered[i], i);
}

TEST(GameMessages, UnreadMessagesAreReturnedWhenTheLaneCloses) {
  Narrow narrow(3);  // too few for the answers of one message
  link::OutRow row;
  while (narrow.link.filled.pop(&row, 1) == 1) {
  }
  std::vector<std::uint8_t> memory(2 * 1'280);
  for (unsigned i = 0; i < 2; ++i) {
    std::uint8_t* const data = memory.data() + i * 1'280;
    link::GameMessage lent = link::GameMessage::in_buffer({data, data}, 3);
    lent.connection_id = Narrow::id;
    lent.channel = wire::Channel::reliable_ordered;
    ASSERT_TRUE(narrow.link.game_messages.push(lent));
  }
  narrow.lane.poll(narrow.now);
  EXPECT_EQ(narrow.link.game_messages.size(), 0U);
  EXPECT_EQ(narrow.lane.counters().game_messages.value(), 0U);
  narrow.lane.close();
  for (unsigned i = 0; i < 2; ++i) {
    ASSERT_EQ(narrow.link.filled.pop(&row, 1), 1U);
    ASSERT_EQ(row.kind(), link::OutRow::Kind::buffer_back);
    EXPECT_EQ(row.buffer_back().buffer.owner, memory.data() + i * 1'280);
  }
}

TEST(GameMessages, JoinsAreTakenBeforeTheMessagesOfTheirPlayers) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  for (std::uint64_t id = 1; id <= 250; ++id) rig.join(id);
  ASSERT_TRUE(rig.say(*rig.players[249], message::InputCommand{.player = 250, .command = {0, "describe"}}));
  rig.tick();
  EXPECT_EQ(dropped(rig, Drop::shard_unknown_viewer), 0U);
  rig.ticks(2);
  EXPECT_EQ(rig.players[249]->game_messages.size(), 4U);
}

TEST(GameMessages, EachDropMovesExactlyItsCounter) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  Player& player = rig.join(1);
  rig.ticks(2);
  const auto& drops = rig.lanes[0]->counters().drops;
  const auto send = [&](std::vector<std::uint8_t> bytes) {
    ASSERT_TRUE(rig.post(player, bytes));
    rig.tick();
  };
  send({0xC5, 9});
  EXPECT_EQ(drops.value(Drop::bad_message), 1U);
  send(ShardRig::type_first(message::InputCommand{.player = 2, .command = {0, "describe"}}));
  EXPECT_EQ(drops.value(Drop::unexpected_message), 1U);
  send({0xD7, 1, 2, 3});
  EXPECT_EQ(drops.value(Drop::unknown_message), 1U);
  rig.leave(player);
  rig.tick();
  const std::uint64_t before = drops.value(Drop::shard_unknown_viewer);
  send({0xD7});
  EXPECT_EQ(drops.value(Drop::shard_unknown_viewer), before + 1);
  EXPECT_EQ(drops.total(metrics::DropUnit::message), 4U + before);
  EXPECT_EQ(rig.buffers_back, 4U);
  expect_all_home(rig);
}

TEST(GameMessages, ALongCommandInABlockIsAnsweredAndTheBlockReturned) {
  ShardRig rig(setup_of(1, 1'000.0F), 1, all_buffers);
  Player& player = rig.join(1);
  rig.ticks(2);
  std::vector<std::uint8_t> bytes(500'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(base::mix(i));
  ASSERT_TRUE(rig.say(player, message::InputCommand{.player = 1, .command = {0, "checksum"}, .bytes = bytes}));
  rig.tick();
  EXPECT_EQ(rig.blocks_back, (std::vector<std::uint16_t>{0}));
  ASSERT_EQ(player.game_messages.size(), 3U) << "two names and the answer";
  message::StateUpdate update;
  ASSERT_TRUE(decode(std::span(player.game_messages[2]).subspan(1), update));
  message::ComponentReader reader(update);
  message::Component component;
  ASSERT_TRUE(reader.next(component));
  EXPECT_EQ(base::load<std::uint32_t>(component.bytes.data()), simd::crc32c(bytes));
}

TEST(GameMessages, AnEmoteIsShownForTwoSeconds) {
  ShardRig rig(setup_of(2, 1'000.0F), 1, all_buffers);
  Player& watcher = rig.join(1);
  Player& player = rig.join(2);
  Player& third = rig.join(3);
  rig.ticks(10);
  const auto anim = [&](const Player& by) {
    for (const auto& [slot, entity] : by.client.entities)
      if (entity.id == world::player_entity(2)) return int{entity.state.anim};
    return -1;
  };
  ASSERT_TRUE(rig.say(player, message::Action{1, games::reference::action_emote, 17}));
  rig.ticks(3);
  for (const Player* by : {&watcher, &player, &third}) EXPECT_EQ(anim(*by), 17);
  rig.ticks(110);
  EXPECT_EQ(anim(watcher), 17);
  rig.ticks(15);
  EXPECT_EQ(anim(watcher), motion::anim::idle);
}

TEST(GameMessages, EachSessionIsWelcomedOnce) {
  for (const std::size_t length : {200U, 300U, 1'000U, 2'000U, 400'000U}) {
    GameSetup setup = setup_of(2, 1'000.0F);
    setup.reference.welcome.assign(length, 'w');
    ShardRig rig(setup, 1, all_buffers);
    for (std::uint64_t id = 1; id <= 140; ++id) rig.join(id);
    rig.ticks(5);
    rig.leave(*rig.players[4], true);
    rig.ticks(2);
    rig.join(5);
    rig.ticks(5);
    for (const auto& player : rig.players) {
      ASSERT_EQ(player->game_messages.size(), 1U) << length;
      EXPECT_EQ(player->game_messages[0], games::reference::welcome_message(setup.reference.welcome));
    }
    expect_all_home(rig);
  }
}

TEST(GameMessages, OneSeedGivesOneHistoryWithChatCommandsAndEmotes) {
  std::vector<std::vector<std::uint64_t>> histories;
  for (const unsigned shards : {1U, 2U, 3U, 8U}) {
    GameSetup setup = setup_of(shards, 8'000.0F);
    setup.world.npcs = 100;
    setup.world.resume_s = 1;
    setup.reference.welcome = "hello";
    ShardRig rig(setup, shards, all_buffers);
    rig.weather = {.delay_ticks_min = 1, .delay_ticks_max = 5, .window = 6'000};
    base::Prng random(5);
    std::map<std::uint64_t, Player*> present;
    for (std::uint64_t id = 1; id <= 40; ++id) present[id] = &rig.join(id);
    std::vector<std::uint64_t> hashes;
    for (std::uint32_t tick = 1; tick <= 240; ++tick) {
      for (auto& [id, player] : present) {
        const auto x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
        const std::uint64_t choice = random.below(100);
        if (!player->playing) {
          if (choice < 2) player = &rig.join(id);
          continue;
        }
        if (choice < 50) rig.input(*player, x, 100);
        if (choice == 60) rig.say(*player, message::Action{tick, games::reference::action_emote, 1 + random.below(31)});
        if (choice == 61) rig.say(*player, line(ChatScope::near, "near"));
        if (choice == 62) rig.say(*player, line(ChatScope::everybody, "all"));
        if (choice == 63) rig.say(*player, message::InputCommand{.player = id, .command = {0, "describe"}});
        if (choice == 64) rig.leave(*player, true);
        if (choice == 65) rig.leave(*player, false);
        if (choice == 66) {  // the newer session comes first
          Player& older = *player;
          player = &rig.join(id);
          rig.leave(older, true);
        }
      }
      rig.tick();
      std::uint64_t hash = 0;
      ASSERT_TRUE(rig.simulation.world_hash(tick, hash));
      hashes.push_back(hash);
    }
    std::uint64_t resumed = 0, game_messages = 0;
    for (const auto& lane : rig.lanes) {
      resumed += lane->counters().resumed.value();
      game_messages += lane->counters().game_messages.value();
    }
    EXPECT_GT(resumed, 30U);
    EXPECT_GT(game_messages, 200U);
    EXPECT_EQ(dropped(rig, Drop::bad_message) + dropped(rig, Drop::unexpected_message), 0U);
    histories.push_back(std::move(hashes));
    expect_all_home(rig);
  }
  for (const auto& history : histories) EXPECT_EQ(history, histories.front());
}

}  // namespace
}  // namespace serried::shard::test
