#include "server/collect.h"

#include <gtest/gtest.h>

namespace serried::server {
namespace {

using metrics::CounterId;

template <class Counters>
class CollectOf : public testing::Test {};
using Owners = testing::Types<port::PortCounters, io::IoCounters, shard::ShardCounters, replicate::PlanCounters,
                              handshake::HandshakeCounters, process::OutputCounters, LaneMeter, CoreMeter>;
TYPED_TEST_SUITE(CollectOf, Owners);

/// Count 1 in the first of the owner's lines in the list, 2 in the second, and so on. Returns how many there are.
template <class Counters>
std::uint64_t count_upwards(Counters& counters) {
  using handshake::HandshakeCounters, io::IoCounters, shard::ShardCounters, port::PortCounters, process::OutputCounters,
      replicate::PlanCounters;
  std::uint64_t next = 0;
#define SERRIED_COUNTER(owner, group, name, ...) \
  if constexpr (std::is_same_v<Counters, owner>) counters.name.add(++next);
#include "metrics/counter.def"
  return next;
}

TYPED_TEST(CollectOf, EachMemberComesOutInItsPlaceAndNothingElse) {
  TypeParam counters;
  const std::uint64_t lines = count_upwards(counters);
  EXPECT_GT(lines, 0U);
  metrics::CounterValues values;
  collect(values, counters);
  std::uint64_t seen = 0;
  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    if (values[id] == 0) return;
    EXPECT_EQ(values[id], ++seen) << info.group << "." << info.name;
  });
  EXPECT_EQ(seen, lines);
}

TEST(Collect, EveryCounterHasAnOwner) {
  port::PortCounters port;
  io::IoCounters io;
  shard::ShardCounters shard;
  handshake::HandshakeCounters handshake;
  process::OutputCounters output;
  LaneMeter lane_meter;
  CoreMeter core_meter;
  EXPECT_EQ(count_upwards(port) + count_upwards(io) + count_upwards(shard) + count_upwards(shard.plan) +
                count_upwards(handshake) + count_upwards(output) + count_upwards(lane_meter) +
                count_upwards(core_meter),
            metrics::counter_count);
}

TEST(Collect, AnOwnerSetsItsOwnAndLeavesTheOthers) {
  io::IoCounters io;
  io.inputs.add(5);
  replicate::PlanCounters plan;
  plan.plans.add(7);
  metrics::CounterValues values;
  collect(values, io);
  collect(values, plan);
  io.inputs.add(1);
  collect(values, io);
  EXPECT_EQ(values[CounterId::sessions_inputs], 6U);
  EXPECT_EQ(values[CounterId::world_inputs], 0U) << "shards count under the same name";
  EXPECT_EQ(values[CounterId::replication_plans], 7U);
}

}  // namespace
}  // namespace serried::server
