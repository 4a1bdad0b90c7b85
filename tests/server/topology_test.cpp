#include "server/topology.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "port/cpus.h"

namespace serried::server {
namespace {

TEST(Topology, KnowsEveryCpuWeMayUse) {
  const auto topology = machine_topology();
  for (const unsigned cpu : port::allowed_cpus()) {
    const bool known =
        std::any_of(topology.begin(), topology.end(), [cpu](const auto& place) { return place.cpu == cpu; });
    EXPECT_TRUE(known) << cpu;
  }
  EXPECT_TRUE(std::is_sorted(topology.begin(), topology.end(), [](auto& a, auto& b) { return a.cpu < b.cpu; }));
}

TEST(Topology, AnUnknownCpuHasZeros) {
  const CpuPlace place = place_of({}, 7);
  EXPECT_EQ(place.cpu, 7U);
  EXPECT_EQ(place.node, 0U);
  EXPECT_EQ(place.sibling, 0U);
}

}  // namespace
}  // namespace serried::server
