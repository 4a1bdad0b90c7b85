#include "telemetry/meter.h"

#include <gtest/gtest.h>

namespace serried::telemetry {
namespace {

using metrics::CounterId;

/// The counters of a server `seconds` after its start that receives 100 and sends 200 packets a second, and whose
/// ticks all take `tick` from the given moment on.
class Machine {
 public:
  void run(Meter& meter, unsigned seconds, std::uint64_t players, Nanos tick) {
    for (unsigned i = 0; i < seconds; ++i) {
      snapshot_.at += second;
      count(CounterId::world_players) = players;
      count(CounterId::port_rx_packets) += 100;
      count(CounterId::port_tx_packets) += 200;
      count(CounterId::port_rx_bytes) += 100 * 80;
      count(CounterId::port_tx_bytes) += 200 * 1'000;
      for (unsigned t = 0; t < 60; ++t) snapshot_.tick_ns.record(tick);
      count(CounterId::world_ticks) += 60;
      count(CounterId::world_ticks_late) += tick > 16 * millisecond ? 60 : 0;
      count(CounterId::handshakes_accepted) += 5;
      snapshot_.lanes.front().counters[CounterId::lanes_busy_ns] += second / 4;
      snapshot_.cores.front().counters[CounterId::cores_run_ns] += second;
      meter.sample(snapshot_);
    }
  }
  Machine() {
    snapshot_.at = 1'000 * second;
    snapshot_.add(LaneFigures{"io0", 0, {}});
    snapshot_.add(CoreFigures{0, {}});
  }
  Snapshot& snapshot() { return snapshot_; }
  std::uint64_t& count(CounterId id) { return snapshot_.counters[id]; }

 private:
  Snapshot snapshot_;
};

TEST(Meter, RatesAreOfTheLastInterval) {
  Meter meter;
  Machine machine;
  meter.sample(machine.snapshot());
  EXPECT_EQ(meter.rates().rx_pps, 0.0);
  machine.run(meter, 2, 1, millisecond);
  EXPECT_DOUBLE_EQ(meter.rates().rx_pps, 100);
  EXPECT_DOUBLE_EQ(meter.rates().tx_pps, 200);
  EXPECT_DOUBLE_EQ(meter.rates().rx_bits, 64'000);
  EXPECT_DOUBLE_EQ(meter.rates().handshakes, 5);
  ASSERT_EQ(meter.rates().lanes.size(), 1U);
  EXPECT_DOUBLE_EQ(meter.rates().lanes[0].busy, 0.25);
  EXPECT_EQ(meter.recent_ticks().count(), 60U);
  EXPECT_DOUBLE_EQ(meter.elapsed_s(), 2);
}

TEST(Meter, OnlyTheTimeWithPlayersCountsForTheSummary) {
  Meter meter;
  Machine machine;
  machine.run(meter, 10, 0, 50 * microsecond);  // an empty world is quick, and must not flatter
  machine.run(meter, 5, 700, 20 * millisecond);
  machine.run(meter, 10, 0, 50 * microsecond);
  // The first sample with players ends an interval that began without, so four whole ones remain.
  EXPECT_DOUBLE_EQ(meter.active().seconds, 4);
  EXPECT_EQ(meter.active().rx_packets, 400U);
  EXPECT_EQ(meter.active().ticks, 240U);
  EXPECT_EQ(meter.active().ticks_late, 240U);
  EXPECT_EQ(meter.active_ticks().count(), 240U);
  EXPECT_NEAR(static_cast<double>(meter.active_ticks().quantile(0.01)), 20e6, 0.02 * 20e6);
  EXPECT_EQ(meter.players_peak(), 700U);
  EXPECT_DOUBLE_EQ(meter.elapsed_s(), 24);
}

TEST(Meter, AMaximumOfTheIdleTimeIsNotOneOfTheActiveTime) {
  Meter meter;
  Machine machine;
  machine.run(meter, 2, 0, 500 * millisecond);
  machine.run(meter, 3, 1, 2 * millisecond);
  EXPECT_LT(meter.active_ticks().max(), 2'100 * microsecond);
  EXPECT_GE(meter.active_ticks().max(), 2 * millisecond);
}

TEST(Meter, ASampleAtTheSameMomentChangesNothing) {
  Meter meter;
  Machine machine;
  machine.run(meter, 3, 1, millisecond);
  const double rate = meter.rates().rx_pps;
  machine.count(CounterId::port_rx_packets) += 50;
  meter.sample(machine.snapshot());
  EXPECT_DOUBLE_EQ(meter.rates().rx_pps, rate);
  machine.run(meter, 1, 1, millisecond);
  EXPECT_DOUBLE_EQ(meter.rates().rx_pps, 150) << "what came in between belongs to the next interval";
}

}  // namespace
}  // namespace serried::telemetry
