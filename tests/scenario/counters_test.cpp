/// Every counter of counter.def moves: in the story below, or in the unit test that is named for it.
#include <gtest/gtest.h>

#include "scenario/engine.h"
#include "scenario/talk.h"
#include "server/collect.h"

namespace serried::scenario {
namespace {

using metrics::CounterId;

/// What moves only with a NIC, with the clock of a core, or in a state that takes more than a story to reach.
const std::map<CounterId, const char*> elsewhere{
    {CounterId::port_rx_host_frames, "tests/port/ethdev_test.cpp"},
    {CounterId::port_tx_host_frames, "tests/port/ethdev_test.cpp"},
    {CounterId::port_xdp_restored, "tests/live/interface_test.py"},
    {CounterId::sessions_handed_over, "tests/io/handover_test.cpp"},
    {CounterId::sessions_taken_over, "tests/io/handover_test.cpp"},
    {CounterId::sessions_integrity_challenges, "tests/io/integrity_test.cpp"},
    {CounterId::replication_unrecorded_plans, "tests/replicate/compose_test.cpp"},
    {CounterId::replication_far_crossings_missed, "tests/replicate/far_test.cpp"},
    {CounterId::handshakes_denied_full, "tests/handshake/handshake_lane_test.cpp"},
    {CounterId::handshakes_clock_set_forward, "tests/handshake/handshake_lane_test.cpp"},
    {CounterId::handshakes_clock_set_back, "tests/handshake/handshake_lane_test.cpp"},
    {CounterId::output_dropped, "tests/process/output_test.cpp"},
    {CounterId::lanes_polls, "tests/server/lane_loop_test.cpp"},
    {CounterId::lanes_busy_polls, "tests/server/lane_loop_test.cpp"},
    {CounterId::lanes_busy_ns, "tests/server/lane_loop_test.cpp"},
    {CounterId::lanes_items, "tests/server/lane_loop_test.cpp"},
    {CounterId::lanes_longest_poll_ns, "tests/server/lane_loop_test.cpp"},
    {CounterId::lanes_allocations, "tests/server/lane_loop_test.cpp"},
    {CounterId::cores_run_ns, "tests/server/lane_loop_test.cpp"},
    {CounterId::cores_awake_ns, "tests/server/lane_loop_test.cpp"},
    {CounterId::cores_cpu_ns, "tests/server/lane_loop_test.cpp"},
};

EngineConfig busy_place() {
  EngineConfig config;
  config.seed = 5;
  config.shards = 2;
  config.players = 12;
  config.npcs = 300;
  config.spawn_half = 20'000.0F;
  config.datagram_bytes = 400;
  config.timeout_ms = 3'000;
  config.idle_ping_ms = 1'000;
  config.rekey_after = 2 * second;
  return config;
}

class CountedStory : public Engine {
 public:
  CountedStory() : Engine(busy_place()) {}

  void watch(Nanos duration) {
    for (const Nanos end = now + duration; now < end;) {
      for (auto& talker : talkers) talker->speak(false);
      step();
      const metrics::CounterValues values = counted();
      metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo&) {
        if (values[id] != 0) moved[id] = true;
      });
    }
  }
  /// Of all lanes and the port together, as a server's snapshot has it.
  [[nodiscard]] metrics::CounterValues counted() const {
    metrics::CounterValues all;
    server::collect(all, ports.front()->counters());
    server::collect(all, ios.front()->counters());
    server::collect(all, handshake.counters());
    for (const auto& shard : shards) {
      metrics::CounterValues of_shard;
      server::collect(of_shard, shard->counters());
      server::collect(of_shard, shard->counters().plan);
      all.merge(of_shard);
    }
    return all;
  }
  void talk() {
    for (auto& bot : bots) {
      talkers.push_back(std::make_unique<Talker>(*this, *bot, TalkConfig{.long_chance = 0.3}));
      log_in(*bot);
    }
  }
  /// A long line of chat from each of the first four bots: together, for the viewers near, they are packed.
  void drone() {
    for (unsigned i = 0; i < 4; ++i) {
      std::array<std::uint8_t, 300> bytes{};
      base::ByteWriter out{bytes};
      out.write(static_cast<std::uint8_t>(message::ChatScope::everybody));
      out.write(std::uint64_t{0});
      const std::string number = std::to_string(++talkers[i]->spoken);
      out.write_bytes(base::as_bytes(std::to_string(bots[i]->player_id) + ":" + std::string(240, '0') + number));
      EXPECT_EQ(bots[i]->session.send_message(wire::Channel::reliable_ordered, message::Type::chat, out.written(),
                                              channel::Urgency::immediate, now),
                channel::Queued::yes);
    }
  }
  /// A newcomer with a token that is not good, by `spoil`.
  template <class Spoil>
  void refused(std::uint64_t player_id, Spoil&& spoil) {
    Bot& bot = add_bot(player_id);
    crypt::TokenClaims claims;
    entropy().fill(claims.id);
    entropy().fill(claims.secret.bytes());
    claims.player_id = player_id;
    claims.issued = claims.not_before = setup.unix_start + 1;
    claims.expiry = setup.unix_start + 100'000;
    claims.audience = key.server_id;
    spoil(claims);
    bot.token = crypt::issue_token(key, claims, entropy()).value();
    bot.options.token = bot.token;
    bot.options.token_secret = claims.secret;
    ASSERT_TRUE(bot.session.start(bot.options, now));
  }

  std::map<CounterId, bool> moved;
  std::vector<std::unique_ptr<Talker>> talkers;
};

TEST(Counters, EachMovesAndTheyAccountForEveryDatagram) {
  CountedStory story;
  story.add_bots();
  story.talk();
  story.watch(4 * second);
  ASSERT_TRUE(story.all_playing());
  story.set_profiles({.loss = 0.1}, {.loss = 0.1});
  story.watch(4 * second);
  story.drone();
  ASSERT_TRUE(story.bots[1]->port->rebind(port::ipv4_address(10, 0, 2, 2), 30'000));
  story.bots[2]->silent = true;
  story.bots[3]->session.close(story.now);
  story.now += 200 * millisecond;  // ticks that are left out
  story.watch(6 * second);
  story.set_profiles({}, {});

  story.add_bot(story.bots[4]->player_id);  // a second session of a player
  story.refused(101, [](crypt::TokenClaims& claims) { claims.not_before += 50'000; });
  story.refused(102, [](crypt::TokenClaims& claims) { ++claims.audience; });
  story.refused(103, [&story](crypt::TokenClaims& claims) {
    claims.issued = story.setup.unix_start - crypt::token_clock_skew_s - 2;
  });
  story.refused(104, [](crypt::TokenClaims&) {});
  story.bots.back()->options.token_secret = {};
  ASSERT_TRUE(story.bots.back()->session.start(story.bots.back()->options, story.now));
  story.watch(3 * second);

  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    EXPECT_NE(story.moved[id], elsewhere.contains(id)) << info.group << "." << info.name;
  });
  const metrics::CounterValues values = story.counted();
  EXPECT_EQ(values[CounterId::port_rx_packets],
            values[CounterId::sessions_delivered] + values[CounterId::handshakes_answered] +
                story.ios.front()->counters().drops.total(metrics::DropUnit::datagram));
  EXPECT_EQ(values[CounterId::port_rx_frames],
            values[CounterId::port_rx_packets] + values[CounterId::port_rx_host_frames] +
                story.ports.front()->counters().drops.total(metrics::DropUnit::frame));
}

}  // namespace
}  // namespace serried::scenario
