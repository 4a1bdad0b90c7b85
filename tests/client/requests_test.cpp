#include "client/requests.h"

#include <gtest/gtest.h>

#include "../peer/story.h"
#include "message/game.h"

namespace serried {
namespace {

using channel::Queued;
using test::Story;

TEST(Requests, BindsANameOnceAndThenSendsItsId) {
  Story story;
  client::Requests requests(42);
  std::uint32_t sequence = 0;
  EXPECT_EQ(requests.command(story.session, "jump", {}, sequence, story.now), Queued::full);  // not playing
  ASSERT_TRUE(story.reach_open());
  const std::uint8_t bytes[] = {1, 2};
  ASSERT_EQ(requests.command(story.session, "jump", bytes, sequence, story.now), Queued::yes);
  EXPECT_EQ(sequence, 1U);
  ASSERT_EQ(requests.command(story.session, "jump", {}, sequence, story.now), Queued::yes);
  EXPECT_EQ(sequence, 2U);
  for (int i = 0; i < 5; ++i) story.step();
  const auto& game_messages = story.peer().game_messages;
  ASSERT_EQ(game_messages.size(), 3U);
  message::Symbol symbol;
  ASSERT_EQ(game_messages[0].type, message::Type::symbol);
  ASSERT_TRUE(message::decode(game_messages[0].content, symbol));
  EXPECT_EQ(symbol.name, "jump");
  for (std::uint32_t i = 1; i <= 2; ++i) {
    message::InputCommand command;
    ASSERT_TRUE(message::decode(game_messages[i].content, command));
    EXPECT_EQ(command.player, 42U);
    EXPECT_EQ(command.sequence, i);
    EXPECT_EQ(command.command.id, symbol.id);
    EXPECT_EQ(command.bytes.size(), i == 1 ? 2U : 0U);
  }
}

TEST(Requests, NumbersActionsAndRefusesWhatNoServerTakes) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  client::Requests requests(42);
  std::uint32_t number = 0;
  ASSERT_EQ(requests.action(story.session, 7, 9, number, story.now), Queued::yes);
  EXPECT_EQ(number, 1U);
  EXPECT_EQ(requests.chat(story.session, message::ChatScope::near, "", story.now), Queued::too_long);
  EXPECT_EQ(requests.chat(story.session, message::ChatScope::near, std::string(257, 'a'), story.now), Queued::too_long);
  EXPECT_EQ(requests.chat(story.session, message::ChatScope::near, "\xFF", story.now), Queued::too_long);
  EXPECT_EQ(requests.command(story.session, "", {}, number, story.now), Queued::too_long);
  EXPECT_EQ(requests.command(story.session, "x", test::Bytes(1'001), number, story.now), Queued::too_long);
  ASSERT_EQ(requests.chat(story.session, message::ChatScope::everybody, "hello", story.now), Queued::yes);
  for (int i = 0; i < 5; ++i) story.step();
  ASSERT_EQ(story.peer().game_messages.size(), 2U);
  message::Action action;
  ASSERT_TRUE(message::decode(story.peer().game_messages[0].content, action));
  EXPECT_EQ(action.request, 1U);
  EXPECT_EQ(action.action, 7);
  EXPECT_EQ(action.target, 9U);
  message::Chat chat;
  ASSERT_TRUE(message::decode(story.peer().game_messages[1].content, chat));
  EXPECT_TRUE(message::may_come_from_client(chat));
  EXPECT_EQ(base::as_text(chat.text), "hello");
}

/// What a server would drop or hold up is not sent, and does not count.
TEST(Requests, AskAtThePaceThatAServerTakes) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  client::Requests requests(42);
  std::uint32_t number = 0;
  unsigned chats = 0, actions = 0, commands = 0, own = 0;
  const test::Bytes content(4);
  const auto a_second = [&] {
    chats = actions = commands = own = 0;
    for (int i = 0; i < 1'000; ++i) {
      chats += requests.chat(story.session, message::ChatScope::near, "a", story.now) == Queued::yes;
      actions += requests.action(story.session, 7, 9, number, story.now) == Queued::yes;
      for (int twice = 0; twice < 2; ++twice)
        commands += requests.command(story.session, "jump", {}, number, story.now) == Queued::yes;
      own += requests.own(story.session, wire::Channel::reliable_unordered, message::Type::game_own, content,
                          story.now) == Queued::yes;
      story.step();
    }
  };
  const Nanos before = story.now;
  for (int i = 0; i < 5; ++i) a_second();
  const double seconds = static_cast<double>(story.now - before) / 5e9;
  EXPECT_NEAR(chats, 2 * seconds, 1);
  EXPECT_NEAR(actions, 20 * seconds, 2);
  EXPECT_NEAR(commands, 128 * seconds, 12);
  EXPECT_NEAR(own, 50 * seconds, 4);
}

}  // namespace
}  // namespace serried
