#include "tools/impair/relay.h"

#include <string>

#include <gtest/gtest.h>

#include "rig.h"

namespace serried::tools {
namespace {

/// received + duplicated = delivered + lost + overflowed + refused + held.
void expect_identity(const RelayCounters& of) {
  EXPECT_EQ(of.received + of.duplicated, of.delivered + of.lost + of.overflowed + of.refused + of.held);
}

TEST(Relay, EachClientHasAPortOfItsOwnAndHearsItsAnswers) {
  Rig rig({}, 3);
  for (unsigned i = 0; i < 3; ++i) rig.ask(i, "ask " + std::to_string(i));
  rig.turn(Direction::up, &RelayCounters::delivered, 3);
  const auto asked = Rig::hear(*rig.server, 3);
  ASSERT_EQ(asked.size(), 3U);
  for (const Rig::Heard& heard : asked) Rig::say(*rig.server, heard.path, "answer to " + heard.text);
  rig.turn(Direction::down, &RelayCounters::delivered, 3);
  const auto answers = Rig::hear(*rig.client, 3);
  ASSERT_EQ(answers.size(), 3U);
  for (const Rig::Heard& heard : answers)
    for (unsigned i = 0; i < 3; ++i)
      if (heard.path.local_port == rig.client->local(i).port) {
        EXPECT_EQ(heard.text, "answer to ask " + std::to_string(i));
        EXPECT_TRUE(wire::same_endpoint(heard.path, rig.relay->local()));
      }
  EXPECT_EQ(rig.relay->clients(), 3U);
  for (const Direction direction : {Direction::up, Direction::down}) expect_identity(rig.relay->counters(direction));
}

TEST(Relay, HoldsEachWayForItsOwnTime) {
  RelayConfig config;
  config.profile[0].delay = 30 * millisecond;
  config.profile[1].delay = 70 * millisecond;
  Rig rig(config);
  const Nanos began = rig.now;
  rig.ask(0, "x");
  rig.turn(Direction::up, &RelayCounters::received, 1);
  EXPECT_EQ(rig.relay->next_due(), began + 30 * millisecond);
  rig.now = began + 30 * millisecond - 1;
  rig.relay->poll(rig.now);
  EXPECT_EQ(rig.relay->counters(Direction::up).delivered, 0U);
  ++rig.now;
  rig.turn(Direction::up, &RelayCounters::delivered, 1);
  const auto asked = Rig::hear(*rig.server, 1);
  ASSERT_EQ(asked.size(), 1U);
  Rig::say(*rig.server, asked[0].path, "y");
  rig.turn(Direction::down, &RelayCounters::received, 1);
  EXPECT_EQ(rig.relay->next_due(), began + 100 * millisecond);
  EXPECT_EQ(rig.relay->counters(Direction::down).held, 1U);
  rig.now = began + 100 * millisecond;
  rig.turn(Direction::down, &RelayCounters::delivered, 1);
  EXPECT_EQ(Rig::hear(*rig.client, 1).size(), 1U);
  EXPECT_EQ(rig.relay->next_due(), ~Nanos{0});
  EXPECT_EQ(rig.relay->counters(Direction::up).delay.max(), 30 * millisecond);
  EXPECT_EQ(rig.relay->counters(Direction::down).delay.max(), 70 * millisecond);
}

TEST(Relay, WhatIsOnItsWayArrivesAsItWasSentAndInTheOrderOfItsTimes) {
  RelayConfig config;
  config.profile[0].delay = 100 * millisecond;
  config.profile[0].reorder = 0.3;
  config.profile[0].duplicate = 0.2;
  Rig rig(config);
  for (unsigned i = 0; i < 50; ++i) {
    rig.ask(0, std::string(i, static_cast<char>('a' + i % 26)) + std::to_string(i));
    rig.turn(Direction::up, &RelayCounters::received, i + 1);
    rig.now += 5 * millisecond;
  }
  const std::uint64_t copies = 50 + rig.relay->counters(Direction::up).duplicated;
  rig.now += second;
  rig.turn(Direction::up, &RelayCounters::delivered, copies);
  EXPECT_GT(rig.relay->counters(Direction::up).duplicated, 0U);
  EXPECT_GT(rig.relay->counters(Direction::up).reordered, 0U);
  const auto heard = Rig::hear(*rig.server, copies);
  ASSERT_EQ(heard.size(), copies);
  std::vector<unsigned> times(50);
  bool overtaken = false;
  unsigned last = 0;
  for (const Rig::Heard& one : heard) {
    const auto digits = one.text.find_first_of("0123456789");
    const auto i = static_cast<unsigned>(std::stoul(one.text.substr(digits)));
    ASSERT_LT(i, 50U);
    EXPECT_EQ(one.text, std::string(i, static_cast<char>('a' + i % 26)) + std::to_string(i));
    ++times[i];
    overtaken = overtaken || i < last;
    last = i;
  }
  EXPECT_TRUE(overtaken);
  for (const unsigned count : times) EXPECT_TRUE(count == 1 || count == 2) << count;
}

TEST(Relay, ASilentClientsPlaceGoesToAnotherAndABusyOnesDoesNot) {
  RelayConfig config;
  config.clients_max = 2;
  config.idle_max = 60 * second;
  Rig rig(config, 3);
  rig.ask(0, "first");
  rig.turn(Direction::up, &RelayCounters::received, 1);
  rig.now += 10 * second;
  rig.ask(1, "second");
  rig.turn(Direction::up, &RelayCounters::received, 2);
  rig.ask(2, "third");
  rig.turn(Direction::up, &RelayCounters::refused, 1);
  rig.now += 55 * second;
  rig.ask(2, "third");
  rig.turn(Direction::up, &RelayCounters::delivered, 3);
  EXPECT_EQ(rig.relay->counters(Direction::up).refused, 1U);
  EXPECT_EQ(rig.relay->clients(), 3U);
  expect_identity(rig.relay->counters(Direction::up));
}

TEST(Relay, RefusesWhatTheServerDidNotSendAndWhatNoFrameHolds) {
  Rig rig;
  rig.ask(0, "x");
  rig.turn(Direction::up, &RelayCounters::delivered, 1);
  const auto asked = Rig::hear(*rig.server, 1);
  ASSERT_EQ(asked.size(), 1U);
  const auto stranger = open_socket();
  wire::Path to = asked[0].path;
  to.local_port = 0;
  Rig::say(*stranger, to, "not the server");
  rig.turn(Direction::down, &RelayCounters::refused, 1);
  rig.ask(0, std::string(1'473, 'x'));
  rig.turn(Direction::up, &RelayCounters::refused, 1);
  rig.ask(0, std::string(1'472, 'x'));
  rig.turn(Direction::up, &RelayCounters::delivered, 2);
  EXPECT_EQ(Rig::hear(*rig.server, 1)[0].text.size(), 1'472U);
  EXPECT_EQ(rig.relay->counters(Direction::down).delivered, 0U);
}

TEST(Relay, HoldsNoMoreThanItMay) {
  RelayConfig config;
  config.held_max = 4;
  config.profile[0].delay = second;
  Rig rig(config);
  for (unsigned i = 0; i < 6; ++i) rig.ask(0, "x");
  rig.turn(Direction::up, &RelayCounters::received, 6);
  EXPECT_EQ(rig.relay->counters(Direction::up).held, 4U);
  EXPECT_EQ(rig.relay->counters(Direction::up).refused, 2U);
  expect_identity(rig.relay->counters(Direction::up));
}

TEST(Relay, AnAddressThatIsNotOursIsRefused) {
  RelayConfig config;
  config.listen = port::endpoint(port::ipv4_address(192, 0, 2, 1), 0);
  config.server = port::endpoint(loopback, 4'000);
  const auto opened = Relay::open(config);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("--listen"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace serried::tools
