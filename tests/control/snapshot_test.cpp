#include "control/snapshot.h"

#include <vector>

#include <gtest/gtest.h>

namespace serried::control {
namespace {

TEST(Snapshot, OnlyFramesAndDatagramsBelongToTheIdentity) {
  Snapshot snapshot;
  for (std::size_t i = 0; i < observe::drop_count; ++i) snapshot.drops[i] = 1;
  std::uint64_t inside = 0;
  for (std::size_t i = 0; i < observe::drop_count; ++i) {
    const auto unit = observe::drop_unit(static_cast<observe::Drop>(i));
    if (unit == observe::DropUnit::frame || unit == observe::DropUnit::datagram) ++inside;
  }
  EXPECT_EQ(snapshot.dropped(), inside);
  EXPECT_LT(inside, observe::drop_count);
  snapshot.delivered = 7;
  snapshot.host = 2;
  snapshot.received = 9 + inside;
  EXPECT_TRUE(snapshot.balanced());
  ++snapshot.received;
  EXPECT_FALSE(snapshot.balanced());
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
}  // namespace serried::control
