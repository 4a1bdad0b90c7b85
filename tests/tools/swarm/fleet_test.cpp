/// The whole swarm on one thread: engine and fleet over the loop port, a mini server at the other end, a clock in the
/// hand.

#include "tools/swarm/fleet.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../../client/mini_server.h"
#include "port/loop.h"
#include "tools/swarm/engine.h"
#include "tools/swarm/report.h"

namespace serried {
namespace {

using test::MiniServer;
using tools::Fleet;

constexpr std::uint16_t server_port = 4000;

struct ManualClock {
  const Nanos* now;
  Nanos operator()() const { return *now; }
};

struct Arena {
  Arena(std::uint32_t bots, unsigned port_count, const port::LoopProfile& profile, double seconds = 2.0,
        unsigned handshakes = 100)
      : network({.seed = 7, .in_flight_max = 65'536, .profile = profile}),
        here(network.open({.address = port::ipv4_address(10, 0, 0, 1), .port_first = server_port}).value()),
        there(network
                  .open({.address = port::ipv4_address(10, 0, 0, 2),
                         .port_first = 20'000,
                         .port_last = static_cast<std::uint16_t>(20'000 + port_count - 1)})
                  .value()),
        random(3) {
    EXPECT_TRUE(crypt::initialise());
    options.bots = bots;
    options.server = port::endpoint(port::ipv4_address(10, 0, 0, 1), server_port);
    options.seconds = seconds;
    options.connect_rate = 1000;
    for (unsigned i = 0; i < handshakes; ++i) ports.push_back(static_cast<std::uint16_t>(20'000 + i % port_count));
    fleet = std::make_unique<Fleet>(options, server.key, random.entropy(), ports, now);
    engine = std::make_unique<tools::Engine<port::LoopPort, ManualClock>>(*there, *fleet, ManualClock{&now});
    totals.port = &there->counters();
  }

  void step() {
    totals.busy += millisecond / 10;
    engine->poll(MiniServer::unix_time, totals);
    wire::Batch batch;
    for (;;) {
      here->receive(batch, now);
      if (batch.rows == 0) break;
      for (unsigned row = 0; row < batch.rows; ++row)
        server.receive({batch.data[row], batch.data[row] + batch.length[row]}, batch.path[row], now);
      here->release(batch);
    }
    if (now >= next_tick) {
      next_tick = now + 16 * millisecond;
      tick();
    }
    std::size_t at = 0;
    while (at < server.outbox.size()) {
      for (; at < server.outbox.size() && batch.rows < wire::Batch::capacity; ++at) {
        wire::Buffer buffer;
        if (here->acquire({&buffer, 1}) == 0) break;
        const auto& sent = server.outbox[at];
        std::copy(sent.bytes.begin(), sent.bytes.end(), buffer.data);
        batch.append(buffer.data, sent.bytes.size(), buffer.owner, sent.to);
      }
      here->transmit(batch, now);
    }
    server.outbox.clear();
    now += millisecond;
  }
  /// Everybody gets an entity, again and again; and an audit of it when one is acked (`lie`: of another state).
  void tick() {
    message::CreateEntity create;
    create.slot = 5;
    create.own = true;
    create.id = 9;
    server.tick(now, {}, [&](base::ByteWriter& out) {
      message::encode(out, create);
      std::uint8_t audit[message::audit_bytes];
      message::write_audit(audit, {5, 0, message::state_hash(create.state) + lie});
      message::frame(out, message::Type::benchmark, sizeof audit);
      out.write_bytes(audit);
    });
  }
  bool run(Nanos limit) {
    for (const Nanos end = now + limit; now < end && fleet->phase() != Fleet::Phase::done;) step();
    return fleet->phase() == Fleet::Phase::done;
  }

  Nanos now = 1000 * second;
  Nanos next_tick = 0;
  std::uint32_t lie = 0;
  MiniServer server;
  port::LoopNetwork network;
  std::unique_ptr<port::LoopPort> here, there;
  test::SeededEntropy random;
  tools::SwarmOptions options;
  std::vector<std::uint16_t> ports;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<tools::Engine<port::LoopPort, ManualClock>> engine;
  tools::EngineTotals totals;
};

port::LoopProfile calm() { return {.delay_min = 2 * millisecond, .delay_max = 2 * millisecond}; }

TEST(Fleet, PlaysAndEndsInOrder) {
  Arena arena(100, 100, calm());
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good()) << tools::table(summary);
  EXPECT_EQ(summary.connected, 100U);
  EXPECT_EQ(summary.playing, 0U);
  EXPECT_NEAR(summary.seconds, 2.0, 0.02);
  EXPECT_NEAR(summary.connect_seconds, 0.11, 0.1);
  // 60 inputs a second; a tick every 16 ms.
  EXPECT_NEAR(summary.tx_pps, 6000, 300);
  EXPECT_NEAR(summary.updates_per_second_per_bot, 62.5, 2);
  EXPECT_GT(summary.audits, 10'000U);
  // 2 ms there, up to 16 until the tick, 2 ms back.
  EXPECT_GE(summary.update_latency.p50, 4.0);
  EXPECT_LE(summary.update_latency.max, 23.0);
  EXPECT_NEAR(static_cast<double>(summary.latency_samples), 12'000, 600);
  EXPECT_LE(summary.swarm_lag_ms_max, 2.0);
  EXPECT_GT(summary.rtt.p50, 3.9);
  EXPECT_GT(summary.staleness.max, 0.0);
  EXPECT_TRUE(summary.drops.empty());
  for (int i = 0; i < 10; ++i) arena.step();  // what is still on the wire
  for (const auto& [id, peer] : arena.server.peers) EXPECT_EQ(peer.goodbyes, 3U);
  EXPECT_EQ(arena.server.bad, 0U);
  arena.engine.reset();
  EXPECT_EQ(arena.there->outstanding(), 0U);
}

TEST(Fleet, SharesFewPorts) {
  Arena arena(50, 2, calm(), 0.5);
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good()) << tools::table(summary);
  EXPECT_EQ(arena.server.peers.size(), 50U);
}

TEST(Fleet, PlaysOverABadWire) {
  Arena arena(30, 4,
              {.loss = 0.05, .duplicate = 0.05, .flip = 0.02, .delay_min = millisecond, .delay_max = 30 * millisecond},
              3.0);
  ASSERT_TRUE(arena.run(60 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_EQ(summary.connected, 30U) << tools::table(summary);
  EXPECT_EQ(summary.errors, 0U) << tools::table(summary);
  EXPECT_EQ(summary.view_mismatches, 0U);
  EXPECT_GT(summary.drops.at("bad_crc"), 0U);
  EXPECT_GT(summary.drops.at("replay_seen"), 0U);
}

TEST(Fleet, FindsViewsThatDiffer) {
  Arena arena(3, 3, calm(), 0.5);
  arena.lie = 1;
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_FALSE(summary.good());
  EXPECT_EQ(summary.view_mismatches, summary.audits);
  EXPECT_EQ(summary.errors, 0U);
}

TEST(Fleet, ReportsThoseWhoWereRefused) {
  Arena arena(5, 5, calm(), 0.5);
  arena.server.deny = true;
  arena.server.deny_reason = message::DenyReason::banned;
  ASSERT_TRUE(arena.run(20 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_FALSE(summary.good());
  EXPECT_EQ(summary.connected, 0U);
  EXPECT_EQ(summary.error_kinds.at("denied"), 5U);
  EXPECT_NE(summary.first_error.find("refused"), std::string::npos);
}

TEST(Fleet, StopsEarlyInOrder) {
  Arena arena(10, 10, calm(), 0);
  for (int i = 0; i < 1500; ++i) arena.step();
  EXPECT_EQ(arena.fleet->phase(), Fleet::Phase::playing);
  arena.fleet->stop(arena.now, arena.totals);
  ASSERT_TRUE(arena.run(2 * second));
  const tools::Summary summary = arena.fleet->summary(arena.now, arena.totals);
  EXPECT_TRUE(summary.good());
  EXPECT_GT(summary.seconds, 1.0);
}

TEST(Fleet, SummaryAsJsonHasWhatTheDemoReads) {
  Arena arena(2, 2, calm(), 0.2);
  ASSERT_TRUE(arena.run(20 * second));
  const auto root = nlohmann::json::parse(tools::json(arena.fleet->summary(arena.now, arena.totals)));
  for (const char* key :
       {"players", "connected", "errors", "error_kinds", "view_mismatches", "audits", "connect_seconds",
        "connects_per_second", "rx_pps", "tx_pps", "rx_bps", "tx_bps", "updates_per_second_per_bot", "seconds",
        "cpu_seconds", "drops", "swarm_lag_ms_max", "swarm_busy"})
    EXPECT_TRUE(root.contains(key)) << key;
  for (const char* key : {"update_latency_ms", "staleness_ms", "rtt_ms"}) {
    ASSERT_TRUE(root.contains(key)) << key;
    EXPECT_TRUE(root[key]["p99"].is_number()) << key;
  }
  EXPECT_EQ(root["players"], 2);
}

}  // namespace
}  // namespace serried
