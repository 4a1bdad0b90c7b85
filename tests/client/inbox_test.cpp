#include "client/inbox.h"

#include <gtest/gtest.h>

#include "../peer/story.h"

namespace serried {
namespace {

using test::Bytes;
using test::Story;
using wire::Channel;

TEST(Inbox, GivesEveryKindToItsCallbackInOrderWithNamesResolved) {
  Story story;
  client::Inbox box;
  ASSERT_TRUE(story.reach_open());
  // The story keeps what comes, and it is handed on below as the session would.
  const auto queue_message = [&](auto&& message) {
    story.server.queue_message(story.peer(), story.now, [&](base::ByteWriter& out) { message::encode(out, message); });
  };
  queue_message(message::Symbol{5, "health"});
  const Bytes component = {5, 1, 0, 0, 0, 7};
  message::StateUpdate update{11, 12, 3, 4, 1, component};
  queue_message(update);
  queue_message(message::ActionResult{6, message::ActionOutcome::not_now});
  queue_message(message::Chat{message::ChatScope::near, 99, Bytes{'h', 'o'}});
  story.server.queue_message(story.peer(), Channel::reliable_ordered, static_cast<message::Type>(0xFF), Bytes{1, 2},
                             story.now);
  for (int i = 0; i < 5; ++i) story.step();
  ASSERT_EQ(story.game_messages.size(), 4U);
  const peer::MessageReceiver receiver = box.receiver(story.session);
  for (const auto& one : story.game_messages) receiver.take(receiver.context, one.channel, one.type, one.content);

  std::string told;
  client::InboxCallbacks callbacks;
  callbacks.state = [&](const NamedState& state) {
    told += "state";
    EXPECT_EQ(state.timestamp_ns, 11U);
    EXPECT_EQ(state.entity, 12U);
    EXPECT_EQ(state.sequence, 4U);
    ASSERT_EQ(state.components.size(), 1U);
    EXPECT_EQ(state.components[0].name, "health");
    EXPECT_EQ(state.components[0].bytes, Bytes{7});
  };
  callbacks.action = [&](std::uint32_t request, ActionOutcome outcome) {
    told += " action";
    EXPECT_EQ(request, 6U);
    EXPECT_EQ(outcome, ActionOutcome::not_now);
  };
  callbacks.chat = [&](const ChatLine& line) {
    told += " chat";
    EXPECT_EQ(line.scope, ChatScope::near);
    EXPECT_EQ(line.sender, 99U);
    EXPECT_EQ(line.text, "ho");
  };
  callbacks.message = [&](Delivery delivery, std::uint8_t type, std::span<const std::uint8_t> content) {
    told += " own";
    EXPECT_EQ(delivery, Delivery::ordered);
    EXPECT_EQ(type, 0xFF);
    EXPECT_EQ(content.size(), 2U);
  };
  const auto game_messages = box.empty_out();
  for (const auto& one : game_messages) {
    client::deliver(one, {});  // no callback: nothing happens
    client::deliver(one, callbacks);
  }
  EXPECT_EQ(told, "state action chat own");
  EXPECT_TRUE(box.empty_out().empty());
}

}  // namespace
}  // namespace serried
