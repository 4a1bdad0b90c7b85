#include "peer/session.h"

#include <gtest/gtest.h>

#include "story.h"

namespace serried {
namespace {

using metrics::Drop;
using peer::End;
using peer::Session;
using peer::State;
using test::Bytes;
using test::client_port;
using test::Story;

TEST(Session, ConnectsAndPlays) {
  Story story;
  EXPECT_EQ(story.session.state(), State::connecting);
  ASSERT_TRUE(story.reach(State::playing));
  EXPECT_EQ(story.server.bad, 0U);
  EXPECT_EQ(story.server.connects, 2U);
  EXPECT_EQ(story.peer().crypto_tests, 1U);
  EXPECT_EQ(story.peer().enters, 1U);
  EXPECT_TRUE(story.peer().audit);
  EXPECT_EQ(story.session.connection_id(), story.id());
  EXPECT_EQ(story.session.faults().total(), 0U);
  for (int i = 0; i < 20; ++i) {
    story.session.submit({});
    story.step();
  }
  EXPECT_GE(story.session.applied_input(), 19);
  EXPECT_GT(story.session.rtt(), 4 * millisecond);
  EXPECT_LT(story.session.rtt(), 12 * millisecond);
  EXPECT_EQ(story.server.bad, 0U);
}

TEST(Session, RefusesATokenThatIsNone) {
  Session session;
  peer::SessionOptions options;
  EXPECT_FALSE(session.start(options, 0));
  const Bytes large(crypt::token_bytes_max + 1);
  options.token = large;
  EXPECT_FALSE(session.start(options, 0));
  EXPECT_EQ(session.state(), State::idle);
}

/// Loss, duplicates, delays that overtake, for both directions, from one seed.
TEST(Session, ConnectsOverABadWire) {
  test::for_each_seed(40, [](std::uint64_t seed) {
    Story story(seed);
    test::BadWire wire(story, 0.15, 0.25, 80);
    const Nanos begin = story.now;
    while (story.now < begin + 9 * second && story.session.applied_input() < 20) {
      if (story.session.state() == State::playing && story.session.last_input() < 40) story.session.submit({});
      wire.step(16 * millisecond);
    }
    EXPECT_EQ(story.session.state(), State::playing) << state_name(story.session.state());
    EXPECT_GE(story.session.applied_input(), 20);
    EXPECT_EQ(story.server.bad, 0U);
    EXPECT_EQ(story.session.faults().total(), 0U);
    EXPECT_EQ(story.server.peers.size(), 1U);
  });
}

TEST(Session, BelievesADenialAfterThreeSecondsOnly) {
  Story story;
  story.server.deny = true;
  const Nanos begin = story.now;
  for (int i = 0; i < 10; ++i) story.step(10 * millisecond);
  EXPECT_EQ(story.session.state(), State::challenged);
  while (story.now < begin + 2900 * millisecond) story.step(100 * millisecond);
  EXPECT_EQ(story.session.state(), State::challenged);
  while (story.now < begin + 3300 * millisecond) story.step(100 * millisecond);
  EXPECT_EQ(story.session.state(), State::closed);
  EXPECT_EQ(story.session.end(), End::denied);
  EXPECT_EQ(story.session.deny_reason(), message::DenyReason::full);
  EXPECT_EQ(story.session.retry_after_ms(), 1500U);
}

TEST(Session, ADenialLosesToAnAcceptThatOpens) {
  Story story;
  story.server.deny = true;
  for (int i = 0; i < 5; ++i) story.step();
  story.server.deny = false;
  for (int i = 0; i < 100 && story.session.state() != State::playing; ++i) story.step();
  EXPECT_EQ(story.session.state(), State::playing);
  story.now += 4 * second;
  story.session.poll(story.now);
  EXPECT_EQ(story.session.state(), State::playing);
}

TEST(Session, ClearAnswersThatDoNotEchoAreIgnored) {
  Story story;
  story.say();
  story.server.send_clear(test::path_of(client_port), message::ConnectionDenied{message::DenyReason::banned, 0, {}});
  story.server.send_clear(test::path_of(client_port), message::Cookie{});
  for (auto& sent : story.server.outbox) EXPECT_EQ(story.deliver(sent.bytes), Drop::clear_datagram);
  EXPECT_EQ(story.session.state(), State::connecting);
  story.now += 5 * second;
  story.session.poll(story.now);
  EXPECT_EQ(story.session.state(), State::connecting);
}

TEST(Session, StartsAgainAfterItEnded) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.session.close(story.now);
  for (int i = 0; i < 10; ++i) story.step(10 * millisecond, false);
  ASSERT_EQ(story.session.state(), State::closed);
  story.start();
  EXPECT_EQ(story.session.view().tracked_count(), 0U);
  EXPECT_TRUE(story.reach(State::playing));
}

/// A forged ConnectionAccepted costs a scalar multiplication, so only a few are tried for each Connect.
TEST(Session, TriesFewForgedAccepts) {
  Story story;
  for (int i = 0; i < 50 && story.session.state() != State::challenged; ++i) story.step(10 * millisecond, false);
  for (Bytes& datagram : story.say()) story.server.receive(std::move(datagram), test::path_of(client_port), story.now);
  ASSERT_FALSE(story.server.peers.empty());
  const Bytes good = story.peer().accepted;
  for (unsigned i = 0; i < Session::accepts_per_connect; ++i) {
    Bytes bent = good;
    bent[wire::header_bytes + 32] ^= static_cast<std::uint8_t>(i + 1);  // server_random is in the keys
    wire::stamp_one(bent, story.server.crc);
    EXPECT_EQ(story.deliver(bent), Drop::bad_tag);
  }
  EXPECT_EQ(story.deliver(good), Drop::bad_tag);  // the budget is spent, until the next Connect
  story.now += second;
  story.server.outbox.clear();
  EXPECT_TRUE(story.reach(State::playing));
}

}  // namespace
}  // namespace serried
