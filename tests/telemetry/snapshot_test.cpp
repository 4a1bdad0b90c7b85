#include "telemetry/snapshot.h"

#include <vector>

#include <gtest/gtest.h>

namespace serried::telemetry {
namespace {

using metrics::CounterId;

TEST(Snapshot, OnlyFramesAndDatagramsBelongToTheIdentity) {
  Snapshot snapshot;
  for (std::size_t i = 0; i < metrics::drop_count; ++i) snapshot.drops[i] = 1;
  std::uint64_t inside = 0;
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto unit = metrics::drop_unit(static_cast<metrics::Drop>(i));
    if (unit == metrics::DropUnit::frame || unit == metrics::DropUnit::datagram) ++inside;
  }
  EXPECT_EQ(snapshot.dropped(), inside);
  EXPECT_LT(inside, metrics::drop_count);
  snapshot.counters[CounterId::sessions_delivered] = 4;
  snapshot.counters[CounterId::handshakes_answered] = 3;
  snapshot.counters[CounterId::port_rx_host_frames] = 2;
  snapshot.counters[CounterId::port_rx_frames] = 9 + inside;
  EXPECT_TRUE(snapshot.balanced());
  ++snapshot.counters[CounterId::port_rx_frames];
  EXPECT_FALSE(snapshot.balanced());
}

TEST(Snapshot, LanesAndCoresAreKeptAndAddedUp) {
  Snapshot snapshot;
  LaneFigures lane{"io0", 3, {}};
  lane.counters[CounterId::port_rx_packets] = 10;
  lane.counters[CounterId::port_tx_packets] = 20;
  lane.counters[CounterId::lanes_longest_poll_ns] = 700;
  snapshot.add(lane);
  lane = {"io1", 4, {}};
  lane.counters[CounterId::port_rx_packets] = 5;
  lane.counters[CounterId::lanes_longest_poll_ns] = 300;
  snapshot.add(lane);
  EXPECT_EQ(snapshot.counters[CounterId::port_rx_packets], 15U);
  EXPECT_EQ(snapshot.counters[CounterId::lanes_longest_poll_ns], 700U);
  ASSERT_EQ(snapshot.lanes.size(), 2U);
  EXPECT_EQ(snapshot.lanes[0].packets(), 30U);
  EXPECT_EQ(snapshot.lanes[1].packets(), 5U);

  EXPECT_EQ(snapshot.run_ns(snapshot.lanes[0]), 0U) << "its core is not known";
  CoreFigures core{4, {}};
  core.counters[CounterId::cores_run_ns] = 1'000;
  snapshot.add(core);
  EXPECT_EQ(snapshot.run_ns(snapshot.lanes[0]), 0U);
  EXPECT_EQ(snapshot.run_ns(snapshot.lanes[1]), 1'000U);
}

TEST(MeasureMemory, CountsAllocatedMemory) {
  Snapshot before, after;
  measure_memory(before);
  EXPECT_GT(before.rss_bytes, 1U << 20);
  std::vector<char> taken(64U << 20, 1);
  measure_memory(after);
  EXPECT_GT(after.rss_bytes, before.rss_bytes + (48U << 20)) << static_cast<int>(taken.back());
}

}  // namespace
}  // namespace serried::telemetry
