#include <gtest/gtest.h>

#include "channel/pack.h"
#include "peer/session.h"
#include "story.h"

namespace serried {
namespace {

using channel::Queued;
using channel::Urgency;
using metrics::Drop;
using peer::End;
using peer::State;
using test::Bytes;
using test::Story;
using wire::Channel;
constexpr auto game = message::Type::game_own;

/// A body of `size` bytes that begins with `number`.
Bytes body(std::uint32_t number, std::size_t size) {
  Bytes bytes(std::max<std::size_t>(size, 4));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(number * 31 + i * 7);
  base::store(bytes.data(), number);
  return bytes;
}

TEST(SessionReliable, OpensTheChannelsWithTheFirstAnswerAndStopsAsking) {
  Story story;
  story.server.answers_shake = false;
  ASSERT_TRUE(story.reach(State::playing));
  EXPECT_FALSE(story.session.messages_open());
  EXPECT_EQ(story.session.send_message(Channel::reliable_ordered, game, body(1, 9), Urgency::immediate, story.now),
            Queued::full);
  const auto nonsense = [](base::ByteWriter& out) { out.write_zeros(20); };
  story.server.send(story.id(), story.peer(), story.now, 0, nonsense, 0, 1);
  EXPECT_EQ(story.deliver(story.server.outbox.back().bytes), Drop::reliable_closed);
  for (int i = 0; i < 200; ++i) story.step();  // asks while it plays: after 250 and 500 ms, then every second
  EXPECT_GE(story.peer().shakes, 3U);
  EXPECT_LE(story.peer().shakes, 5U);
  story.server.answers_shake = true;
  for (int i = 0; i < 120; ++i) story.step();
  EXPECT_TRUE(story.session.messages_open());
  const unsigned asked = story.peer().shakes;
  for (int i = 0; i < 300; ++i) story.step();
  EXPECT_EQ(story.peer().shakes, asked);
  EXPECT_EQ(story.peer().shaken.message_bytes_max, message::message_bytes_max);
}

TEST(SessionReliable, CarriesMessagesOfAllSizesBothWays) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  std::uint32_t number = 0;
  for (const Channel to : {Channel::unreliable, Channel::reliable_ordered, Channel::reliable_unordered})
    for (const std::size_t size : {std::size_t{4}, std::size_t{1'100}, std::size_t{9'000}, std::size_t{200'000}}) {
      SCOPED_TRACE(size);
      const Bytes content = body(++number, size);
      ASSERT_EQ(story.session.send_message(to, game, content, Urgency::bundled, story.now), Queued::yes);
      ASSERT_TRUE(to == Channel::unreliable && size < 2'000
                      ? true
                      : story.server.queue_message(story.peer(), to, game, content, story.now) == Queued::yes);
      for (int i = 0; i < 400 && (story.peer().game_messages.size() < number || story.session.faults().total() != 0);
           ++i) {
        story.session.submit({});
        story.step();
      }
      ASSERT_EQ(story.peer().game_messages.size(), number);
      EXPECT_EQ(story.peer().game_messages.back().channel, to);
      EXPECT_EQ(story.peer().game_messages.back().content, content);
      for (int i = 0; i < 20; ++i) story.step();
      if (to == Channel::unreliable && size < 2'000) continue;
      ASSERT_FALSE(story.game_messages.empty());
      EXPECT_EQ(story.game_messages.back().channel, to);
      EXPECT_EQ(story.game_messages.back().content, content);
    }
  EXPECT_EQ(story.session.send_message(Channel::reliable_ordered, game, Bytes(message::message_bytes_max),
                                       Urgency::bundled, story.now),
            Queued::too_long);
  for (int i = 0; i < 30; ++i) story.step();
  EXPECT_EQ(story.server.bad, 0U);
  EXPECT_TRUE(story.nothing_borrowed());
}

TEST(SessionReliable, PacksAndUnpacks) {
  Story story;
  channel::Packer packer;
  story.server.packer = story.options.packer = &packer;
  story.session.close(story.now);
  story.start();
  ASSERT_TRUE(story.reach_open());
  const Bytes content(1'000, 'a');
  ASSERT_EQ(story.session.send_message(Channel::reliable_ordered, game, content, Urgency::immediate, story.now),
            Queued::yes);
  story.server.queue_message(story.peer(), Channel::reliable_unordered, game, content, story.now);
  for (int i = 0; i < 10; ++i) story.step();
  EXPECT_EQ(story.peer().packed, 1U);
  EXPECT_EQ(story.server.packed_out, 1U);
  ASSERT_EQ(story.peer().game_messages.size(), 1U);
  EXPECT_EQ(story.peer().game_messages[0].content, content);
  ASSERT_EQ(story.game_messages.size(), 1U);
  EXPECT_EQ(story.game_messages[0].content, content);
}

TEST(SessionReliable, AnswersTheIntegrityCheckEvenWhenItsQueueIsFull) {
  Story story;
  crypt::IntegrityVersion version{9, 16, crypt::Secret{}};
  const crypt::IntegrityTable table = crypt::make_integrity_table(version);
  story.options.integrity = &table;
  story.session.close(story.now);
  story.start();
  ASSERT_TRUE(story.reach_open());
  EXPECT_EQ(story.peer().shaken.build, 9U);
  while (story.session.send_message(Channel::reliable_ordered, game, body(1, 4), Urgency::bundled, story.now) ==
         Queued::yes) {
  }
  const message::CheckIntegrity check{9, 3, {1, 2, 3}};
  story.server.queue_message(story.peer(), story.now, [&](base::ByteWriter& out) { message::encode(out, check); });
  for (int i = 0; i < 30 && story.peer().answers.empty(); ++i) story.step();
  ASSERT_EQ(story.peer().answers.size(), 1U);
  EXPECT_EQ(story.peer().answers[0].index, 3);
  EXPECT_EQ(story.peer().answers[0].answer,
            crypt::integrity_answer(table.entries[3], check.nonce, story.peer().keys[0].exporter));
}

TEST(SessionReliable, EndsWhenItIsAskedForKeysOutOfTurn) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  story.server.queue_message(story.peer(), story.now, [&](base::ByteWriter& out) {
    message::encode(out, message::Type::rekey_request, message::Rekey{2, {9}});
  });
  for (int i = 0; i < 20; ++i) story.step();
  EXPECT_EQ(story.session.end(), End::protocol_error);
  EXPECT_EQ(story.session.state(), State::closed);
  EXPECT_EQ(story.session.faults().count(peer::Fault::bad_rekey), 1U);
  EXPECT_EQ(story.peer().disconnect_reason, static_cast<std::uint8_t>(message::DisconnectReason::protocol_error));
  EXPECT_EQ(story.pools.chunk.in_use(), 0U);
}

/// The first 800 bytes of a message of 2000, as a datagram of `channel`.
void send_part(Story& story, Channel channel) {
  const auto part = [&](base::ByteWriter& out) {
    if (channel != Channel::unreliable) out.write(std::uint16_t{0});
    channel::write_fragment_header(out, {1, 0, 2'000});
    out.write_zeros(800);
  };
  story.server.send(story.id(), story.peer(), story.now, 0, part, wire::flag::fragment,
                    static_cast<std::uint8_t>(channel));
}

TEST(SessionReliable, ForgetsAnUnreliableMessageThatIsNotCompleteAfterTenSeconds) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  send_part(story, Channel::unreliable);
  story.step();
  EXPECT_NE(story.pools.block.in_use_bytes(), 0U);
  EXPECT_LE(story.session.wake_at(), story.now + second) << "a caller that sleeps until then looks after it in time";
  const Nanos began = story.now;
  while (story.pools.block.in_use_bytes() != 0 && story.now < began + 20 * second) story.step(50 * millisecond);
  EXPECT_GE(story.now, began + 9 * second);
  EXPECT_LE(story.now, began + 12 * second);
  EXPECT_EQ(story.session.state(), State::playing);
}

TEST(SessionReliable, EndsWhenAMessageInFragmentsDoesNotGoOn) {
  for (const Channel channel : {Channel::reliable_ordered, Channel::reliable_unordered}) {
    Story story;
    ASSERT_TRUE(story.reach_open());
    send_part(story, channel);
    story.step();
    EXPECT_NE(story.pools.block.in_use_bytes(), 0U);
    const Nanos began = story.now;
    while (story.session.state() == State::playing && story.now < began + 60 * second) {
      story.session.submit({});
      story.step(50 * millisecond);
    }
    EXPECT_GE(story.now, began + 29 * second);
    EXPECT_LE(story.now, began + 32 * second);
    for (int i = 0; i < 20; ++i) story.step();
    EXPECT_EQ(story.session.end(), End::protocol_error);
    EXPECT_EQ(story.session.faults().count(peer::Fault::stalled_message), 1U);
    EXPECT_EQ(story.peer().disconnect_reason, static_cast<std::uint8_t>(message::DisconnectReason::overload));
    EXPECT_EQ(story.pools.block.in_use_bytes(), 0U);
  }
}

TEST(SessionReliable, EndsAfterTenTimeoutsInARow) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  const Nanos begin = story.now;
  // The server goes on talking, but never acks.
  while (story.session.state() == State::playing && story.now < begin + 60 * second) {
    story.session.submit({});
    story.say();
    story.server.send(
        story.id(), story.peer(), story.now, 0,
        [](base::ByteWriter& out) {
          message::encode(out, message::Ping{1, 2});
        },
        0, 0, false);
    story.deliver(story.server.outbox.back().bytes);
    story.server.outbox.clear();
    story.now += 20 * millisecond;
  }
  EXPECT_EQ(story.session.end(), End::no_acks);
  EXPECT_EQ(story.session.counters().timeouts, 10U);
}

TEST(SessionReliable, HandsOnOnlyWellFormedMessagesOfTheServer) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  const auto queue_message = [&](auto&& message) {
    story.server.queue_message(story.peer(), story.now, [&](base::ByteWriter& out) { message::encode(out, message); });
  };
  message::StateUpdate update;
  const Bytes unbound = {5, 1, 0, 0, 0, 7};  // symbol 5, one byte
  update.count = 1;
  update.components = unbound;
  queue_message(update);  // id 5 means nothing yet
  queue_message(message::Symbol{5, "health"});
  queue_message(update);
  queue_message(message::Action{1, 2, 3});  // a client's
  queue_message(message::Chat{message::ChatScope::server, 0, Bytes{'h', 'i'}});
  story.server.queue_message(story.peer(), Channel::reliable_ordered, message::Type::chat, Bytes{0}, story.now);
  story.server.queue_message(story.peer(), Channel::reliable_unordered, message::Type::symbol, Bytes{6, 1, 0, 'x'},
                             story.now);
  for (int i = 0; i < 20; ++i) story.step();
  ASSERT_EQ(story.game_messages.size(), 2U);
  EXPECT_EQ(story.game_messages[0].type, message::Type::state_update);
  EXPECT_EQ(story.game_messages[1].type, message::Type::chat);
  EXPECT_EQ(story.session.resolve({5, {}}), "health");
  EXPECT_EQ(story.session.resolve({6, {}}), "");
  EXPECT_EQ(story.drops.value(Drop::bad_message), 2U);
  EXPECT_EQ(story.drops.value(Drop::unknown_message), 1U);
  EXPECT_EQ(story.drops.value(Drop::unexpected_message), 1U);
  EXPECT_EQ(story.session.state(), State::playing);
}

/// Loss, duplicates, delays that overtake, both ways, while keys change every 200 ms: what was queued arrives exactly
/// once, on channel 1 in order, and all memory comes back.
TEST(SessionReliable, MessagesArriveOverABadWireDuringRekeys) {
  test::for_each_seed(12, [](std::uint64_t seed) {
    Story story(seed);
    ASSERT_TRUE(story.reach_open());
    test::BadWire wire(story, 0.1, 0.1, 60);
    constexpr std::uint32_t wanted = 150;
    std::uint32_t up[3] = {}, down[3] = {};
    Nanos rekey_at = story.now + 200 * millisecond;
    const auto size = [&] {
      return story.rng.chance(0.05) ? 2'000 + story.rng.below(20'000) : 4 + story.rng.below(600);
    };
    const auto done = [&] {
      return story.peer().game_messages.size() == 2 * wanted && story.game_messages.size() == 2 * wanted &&
             story.nothing_borrowed();
    };
    const Nanos begin = story.now;
    while (story.now < begin + 60 * second && story.session.state() == State::playing && !done()) {
      story.session.submit({});
      for (const unsigned to : {1U, 2U}) {
        const auto channel = static_cast<Channel>(to);
        if (up[to] < wanted && story.rng.chance(0.5))
          up[to] += story.session.send_message(channel, game, body(up[to], size()), Urgency::bundled, story.now) ==
                    Queued::yes;
        if (down[to] < wanted && story.rng.chance(0.5))
          down[to] +=
              story.server.queue_message(story.peer(), channel, game, body(down[to], size()), story.now) == Queued::yes;
      }
      if (story.now >= rekey_at && test::MiniServer::can_rekey(story.peer())) {
        story.server.rekey(story.peer(), story.now);
        rekey_at = ~Nanos{0};
      }
      if (rekey_at == ~Nanos{0} && test::MiniServer::can_rekey(story.peer())) rekey_at = story.now + 200 * millisecond;
      wire.step(10 * millisecond);
    }
    EXPECT_EQ(story.session.state(), State::playing) << story.session.end_text();
    EXPECT_TRUE(done()) << story.peer().game_messages.size() << " up, " << story.game_messages.size() << " down";
    EXPECT_GE(story.session.counters().rekeys, 3U);
    EXPECT_EQ(story.server.bad, 0U);
    EXPECT_EQ(story.session.faults().total(), 0U);
    for (const auto* game_messages : {&story.peer().game_messages, &story.game_messages}) {
      std::uint32_t next = 0;
      std::vector<bool> seen(wanted);
      for (const auto& one : *game_messages) {
        const auto number = base::load<std::uint32_t>(one.content.data());
        ASSERT_LT(number, wanted);
        EXPECT_EQ(one.content, body(number, one.content.size()));
        if (one.channel == Channel::reliable_ordered) {
          EXPECT_EQ(number, next++);
        } else {
          EXPECT_FALSE(seen[number]);
          seen[number] = true;
        }
      }
    }
  });
}

}  // namespace
}  // namespace serried
