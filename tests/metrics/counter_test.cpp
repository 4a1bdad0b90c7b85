#include "metrics/counter.h"

#include <cctype>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace serried::metrics {
namespace {

TEST(Counter, EachHasItsOwnNameAndSaysWhatItCounts) {
  std::set<std::string> names;
  for_each_counter([&](CounterId, const CounterInfo& info) {
    const std::string name = std::string{info.group} + "." + std::string{info.name};
    EXPECT_TRUE(names.insert(name).second) << name;
    for (const std::string_view word : {info.group, info.name, info.unit}) {
      EXPECT_FALSE(word.empty()) << name;
      for (const char c : word) EXPECT_TRUE(std::islower(c) != 0 || c == '_') << name;
    }
    EXPECT_GT(info.help.size(), 10u) << name;
  });
  EXPECT_EQ(names.size(), counter_count);
}

TEST(Counter, NamesBelongToTheirId) {
  const CounterInfo& info = counter_info(CounterId::port_rx_bytes);
  EXPECT_EQ(info.group, "port");
  EXPECT_EQ(info.name, "rx_bytes");
  EXPECT_EQ(info.unit, "bytes");
  EXPECT_EQ(info.kind, CounterKind::counter);
  EXPECT_FALSE(info.listed());
  EXPECT_EQ(counter_info(CounterId::sessions_sessions).kind, CounterKind::gauge);
  EXPECT_EQ(counter_info(CounterId::lanes_longest_poll_ns).kind, CounterKind::maximum);
  EXPECT_TRUE(counter_info(CounterId::lanes_polls).listed());
  EXPECT_TRUE(counter_info(CounterId::cores_cpu_ns).listed());
}

TEST(CounterValues, MergeAddsUpOrKeepsTheLargest) {
  CounterValues a, b;
  for_each_counter([&](CounterId id, const CounterInfo&) {
    a[id] = 100 + static_cast<std::uint64_t>(id);
    b[id] = 1;
  });
  CounterValues sum = a;
  sum.merge(b);
  b.merge(a);
  for_each_counter([&](CounterId id, const CounterInfo& info) {
    EXPECT_EQ(sum[id], a[id] + (info.kind == CounterKind::maximum ? 0 : 1)) << info.name;
    EXPECT_EQ(b[id], sum[id]) << info.name << ": in any order";
  });
}

}  // namespace
}  // namespace serried::metrics
