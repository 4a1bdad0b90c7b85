#include "wire/batch.h"

#include <array>

#include <gtest/gtest.h>

namespace serried::wire {
namespace {

TEST(Batch, AppendMakesLiveRows) {
  Batch batch;
  std::array<std::uint8_t, 4> bytes{};
  int owner = 0;
  Path path;
  path.port = 5;
  for (unsigned i = 0; i < Batch::capacity; ++i) EXPECT_EQ(batch.append(bytes.data(), 4, &owner, path), i);
  EXPECT_EQ(batch.rows, Batch::capacity);
  EXPECT_EQ(batch.live_rows, Batch::capacity);
  EXPECT_EQ(batch.owner[63], &owner);
  EXPECT_EQ(batch.path[63], path);
  EXPECT_EQ(batch.length[63], 4);
  batch.clear();
  EXPECT_EQ(batch.rows + batch.live_rows, 0u);
}

TEST(Batch, FilterKeepsOrderGivesVerdictsAndCounts) {
  Batch batch;
  metrics::DropCounters drops;
  for (unsigned i = 0; i < 10; ++i) batch.append(nullptr, 0, nullptr, Path{});
  const auto odd_ones_go = [](unsigned row) { return row % 2 != 0 ? metrics::Drop::bad_tag : metrics::Drop::none; };
  batch.filter(drops, odd_ones_go);
  ASSERT_EQ(batch.live_rows, 5u);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(batch.live[i], 2 * i);
  EXPECT_EQ(batch.verdict[3], metrics::Drop::bad_tag);
  EXPECT_EQ(drops.value(metrics::Drop::bad_tag), 5u);
  batch.filter(drops, odd_ones_go);
  EXPECT_EQ(drops.value(metrics::Drop::bad_tag), 5u) << "what left is not judged again";
  EXPECT_EQ(batch.rows, 10u) << "buffers of dropped rows still have to be released";
}

TEST(Path, EndpointIsAddressAndPort) {
  Path a, b;
  a.port = b.port = 9;
  a.vlan = 1;
  a.link = {1, 2, 3, 4, 5, 6};
  EXPECT_TRUE(same_endpoint(a, b));
  EXPECT_NE(a, b);
  b.port = 10;
  EXPECT_FALSE(same_endpoint(a, b));
  b.port = 9;
  b.address[15] = 1;
  EXPECT_FALSE(same_endpoint(a, b));
}

TEST(Path, KnowsMappedIpv4) {
  Path path;
  EXPECT_FALSE(path.is_ipv4());
  path.address[10] = path.address[11] = 0xFF;
  EXPECT_TRUE(path.is_ipv4());
  path.address[0] = 0x20;
  EXPECT_FALSE(path.is_ipv4());
}

}  // namespace
}  // namespace serried::wire
