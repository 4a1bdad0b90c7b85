#pragma once
/// The whole swarm on one thread: engine and fleet over the loop port, a mini server at the other end, under the clock
/// of the test.

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "../../peer/mini_server.h"
#include "port/loop.h"
#include "support/datagram.h"
#include "tools/swarm/engine.h"
#include "tools/swarm/fleet.h"

namespace serried::test {

using tools::Fleet;

inline constexpr std::uint16_t server_port = 4000;

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
    receive_all(*here, now, [&](std::span<const std::uint8_t> bytes, const wire::Path& path) {
      server.receive({bytes.begin(), bytes.end()}, path, now);
    });
    if (now >= next_tick) {
      next_tick = now + 16 * millisecond;
      tick();
    }
    for (const auto& sent : server.outbox) EXPECT_TRUE(transmit(*here, sent.bytes, sent.to, now));
    server.outbox.clear();
    now += millisecond;
  }
  /// Every bot gets an entity, again and again; and an audit of it when one is acked (`lie`: of another state).
  void tick() {
    message::CreateEntity create;
    create.slot = 5;
    create.own = true;
    create.id = 9;
    create.state.velocity = {100, 0, 0};                                // under way, so that it can be stale
    create.state.position[0] = static_cast<std::int16_t>(walked += 4);  // 100 * 0.016 units
    server.tick(now, {}, [&](base::ByteWriter& out) {
      message::encode(out, create);
      std::uint8_t audit[message::audit_bytes];
      message::write_audit(audit, {5, 0, message::state_hash(create.state) + lie});
      message::frame(out, message::Type::audit, sizeof audit);
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
  std::int16_t walked = 0;
  MiniServer server;
  port::LoopNetwork network;
  std::unique_ptr<port::LoopPort> here, there;
  SeededEntropy random;
  tools::SwarmOptions options;
  std::vector<std::uint16_t> ports;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<tools::Engine<port::LoopPort, ManualClock>> engine;
  tools::EngineTotals totals;
};

inline port::LoopProfile calm() { return {.delay_min = 2 * millisecond, .delay_max = 2 * millisecond}; }

}  // namespace serried::test
