#include <gtest/gtest.h>

#include "peer/session.h"
#include "story.h"

namespace serried {
namespace {

using peer::End;
using peer::Session;
using peer::State;
using test::Bytes;
using test::client_port;
using test::Story;

TEST(Session, RepeatsConnectWithTheSameBytesAtDoubledIntervals) {
  Story story;
  std::vector<Nanos> times;
  Bytes first;
  const Nanos begin = story.now;
  for (; story.now < begin + 9 * second; story.now += millisecond)
    for (const Bytes& datagram : story.say()) {
      EXPECT_EQ(datagram.size(), 1200U);
      if (first.empty()) first = datagram;
      EXPECT_EQ(datagram, first);
      times.push_back((story.now - begin) / millisecond);
    }
  const std::vector<Nanos> expected = {0, 250, 750, 1750, 3750, 5750, 7750};
  EXPECT_EQ(times, expected);
  story.now = begin + 10 * second;
  EXPECT_TRUE(story.say().empty());
  EXPECT_EQ(story.session.state(), State::closed);
  EXPECT_EQ(story.session.end(), End::connect_timeout);
  EXPECT_NE(story.session.end_text().find("10000 ms"), std::string::npos);
}

TEST(Session, RepeatsInputsUntilApplied) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.server.apply_inputs = false;
  for (int i = 0; i < 5; ++i) {
    story.session.submit({});
    story.step();
  }
  const std::vector<std::size_t> expected = {1, 2, 3, 3, 3};
  EXPECT_EQ(story.peer().inputs_per_datagram, expected);
  const auto& inputs = story.peer().inputs;
  EXPECT_EQ(inputs[inputs.size() - 3].sequence, 3);
  EXPECT_EQ(inputs.back().sequence, 5);
  story.peer().applied_input = 5;
  story.step();
  EXPECT_EQ(story.session.applied_input(), 5);
  story.session.submit({});
  story.step();
  EXPECT_EQ(story.peer().inputs_per_datagram.back(), 1U);
}

TEST(Session, SendsAnAckAloneWhenNothingElseIsDue) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  const unsigned before = story.peer().ack_only;
  for (int i = 0; i < 50; ++i) story.step(10 * millisecond);
  const unsigned acks = story.peer().ack_only - before;
  EXPECT_GE(acks, 10U);  // every 25 ms at the latest
  EXPECT_LE(acks, 26U);
}

TEST(Session, PingsInSilenceAndEndsAfterTheTimeOut) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  const Nanos begin = story.now;
  unsigned datagrams = 0;
  for (; story.now < begin + 14'900 * millisecond; story.now += 10 * millisecond) {
    for (Bytes& datagram : story.say()) {
      ++datagrams;
      story.server.receive(std::move(datagram), test::path_of(client_port), story.now);  // heard, but not answered
    }
    story.server.outbox.clear();
  }
  EXPECT_GE(story.peer().pings, 9U);
  EXPECT_LE(story.peer().pings, 11U);
  EXPECT_EQ(story.session.state(), State::playing);
  story.now = begin + 15'100 * millisecond;
  story.say();
  EXPECT_EQ(story.session.end(), End::silence);
}

TEST(Session, SendsDisconnectThreeTimes) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.session.close(story.now);
  EXPECT_EQ(story.session.state(), State::closing);
  for (int i = 0; i < 20; ++i) story.step(10 * millisecond, false);
  EXPECT_EQ(story.peer().disconnects, 3U);
  EXPECT_EQ(story.session.state(), State::closed);
  EXPECT_EQ(story.session.end(), End::user);
  EXPECT_EQ(story.session.faults().total(), 0U);
  EXPECT_EQ(story.server.bad, 0U);
  EXPECT_EQ(story.session.opening_key(0), nullptr);
  EXPECT_EQ(story.pools.chunk.in_use(), 0U);
}

}  // namespace
}  // namespace serried
