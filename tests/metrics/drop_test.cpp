#include "metrics/drop.h"

#include <cctype>
#include <set>

#include <gtest/gtest.h>

namespace serried::metrics {
namespace {

TEST(Drop, EveryReasonHasItsOwnNameAndAText) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < drop_count; ++i) {
    const auto drop = static_cast<Drop>(i);
    EXPECT_TRUE(names.insert(drop_name(drop)).second) << drop_name(drop);
    for (const char c : drop_name(drop)) EXPECT_TRUE(std::islower(c) != 0 || c == '_') << drop_name(drop);
    EXPECT_GT(drop_text(drop).size(), 10u) << drop_name(drop);
  }
  EXPECT_EQ(drop_name(Drop::none), "none");
  EXPECT_EQ(drop_text(Drop::none), "delivered");
}

TEST(Drop, NamesBelongToTheirReason) {
  EXPECT_EQ(drop_name(Drop::bad_crc), "bad_crc");
  EXPECT_EQ(drop_unit(Drop::bad_crc), DropUnit::datagram);
  EXPECT_EQ(drop_unit(Drop::foreign_frame), DropUnit::frame);
  EXPECT_EQ(drop_unit(Drop::bad_message), DropUnit::message);
  EXPECT_EQ(drop_unit(Drop::no_buffer), DropUnit::out);
}

TEST(Drop, CountersMoveOneAtATime) {
  for (std::size_t i = 0; i < drop_count; ++i) {
    DropCounters counters;
    counters.add(static_cast<Drop>(i), 5);
    for (std::size_t k = 0; k < drop_count; ++k) EXPECT_EQ(counters.value(static_cast<Drop>(k)), k == i ? 5u : 0u);
  }
}

TEST(Drop, TotalsAreByUnit) {
  DropCounters counters;
  counters.add(Drop::bad_crc);
  counters.add(Drop::bad_tag, 2);
  counters.add(Drop::bad_frame, 40);
  counters.set(Drop::nic_missed, 100);
  EXPECT_EQ(counters.total(DropUnit::datagram), 3u);
  EXPECT_EQ(counters.total(DropUnit::frame), 140u);
  EXPECT_EQ(counters.total(DropUnit::message), 0u);
  EXPECT_EQ(counters.total(DropUnit::out), 0u);
}

TEST(Drop, MergeAddsReasonByReason) {
  DropCounters a, b;
  a.add(Drop::bad_crc, 1);
  b.add(Drop::bad_crc, 2);
  b.add(Drop::no_buffer, 3);
  a.merge(b);
  EXPECT_EQ(a.value(Drop::bad_crc), 3u);
  EXPECT_EQ(a.value(Drop::no_buffer), 3u);
  EXPECT_EQ(b.value(Drop::bad_crc), 2u);
}

}  // namespace
}  // namespace serried::metrics
