#include "server/lane_memory.h"

#include <cstring>
#include <linux/mempolicy.h>
#include <memory>
#include <optional>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "link/rows.h"
#include "port/cpus.h"
#include "server/topology.h"
#include "telemetry/allocations.h"

namespace serried::server {
namespace {

constexpr LaneId io0{LaneKind::io, 0}, io1{LaneKind::io, 1}, shard0{LaneKind::shard, 0};

int policy_of_thread() {
  int mode = -1;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, nullptr, 0UL) == 0 ? mode : -1;
}
/// The policy of the range that an address is in.
int policy_of(const void* address) {
  int mode = -1;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, address, 2UL /* MPOL_F_ADDR */) == 0 ? mode : -1;
}

/// Both lanes on the node that there is.
LaneNodes nodes(bool several) {
  const CpuPlace place = place_of(machine_topology().cpus, port::allowed_cpus().front());
  const int node = static_cast<int>(place.node);
  return {several, {node, node}, {node}, node, {place}};
}

TEST(LaneBuilder, OnOneNodeTheCallerBuildsAndAsksForNothing) {
  LaneBuilder builder{nodes(false)};
  std::thread::id by;
  int policy = -1;
  builder.build(io0, [&] {
    by = std::this_thread::get_id();
    policy = policy_of_thread();
  });
  EXPECT_EQ(by, std::this_thread::get_id());
  if (policy >= 0) {
    EXPECT_EQ(policy, MPOL_DEFAULT);
  }
}

TEST(LaneBuilder, OnSeveralAThreadOfTheNodeBuildsAllThatIsThere) {
  LaneBuilder builder{nodes(true)};
  std::thread::id first, second;
  int policy = -1;
  std::vector<unsigned> cpus;
  builder.build(io0, [&] {
    first = std::this_thread::get_id();
    policy = policy_of_thread();
    cpus = port::allowed_cpus();
  });
  builder.build(shard0, [&] { second = std::this_thread::get_id(); });
  EXPECT_NE(first, std::this_thread::get_id());
  EXPECT_EQ(first, second);
  EXPECT_EQ(cpus, std::vector<unsigned>{port::allowed_cpus().front()});
  if (policy >= 0) {
    EXPECT_EQ(policy, MPOL_PREFERRED);
  }
  if (policy >= 0) {
    EXPECT_EQ(policy_of_thread(), MPOL_DEFAULT) << "ours is what it was";
  }
  builder.build({LaneKind::io, 7}, [&] { second = std::this_thread::get_id(); });
  EXPECT_EQ(second, std::this_thread::get_id()) << "a lane whose node is not known";
}

TEST(LaneBuilder, KnowsWhatEachLaneWasGiven) {
  if (!telemetry::allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  for (const bool several : {false, true}) {
    LaneBuilder builder{nodes(several)};
    std::unique_ptr<char[]> session, ring, row;
    builder.build(io0, [&] { session = std::make_unique<char[]>(50'000); });
    builder.build(shard0, [&] { row = std::make_unique_for_overwrite<char[]>(1'000'000); });
    builder.build(io0, [&] { ring = std::make_unique<char[]>(20'000); });
    if (several && policy_of_thread() >= 0) {
      EXPECT_EQ(policy_of(row.get() + 500'000), MPOL_PREFERRED) << "not touched yet";
    }
    const auto built = builder.take();
    ASSERT_EQ(built.size(), 2U);
    EXPECT_EQ(built[0].lane, io0);
    ASSERT_EQ(built[0].ranges.size(), 2U);
    EXPECT_EQ(static_cast<const void*>(built[0].ranges[1].data()), ring.get());
    EXPECT_EQ(built[1].lane, shard0);
    EXPECT_EQ(built[1].ranges.size(), 1U);
    EXPECT_EQ(built[1].node, nodes(true).of(shard0));
  }
}

/// A ring lies where it was made, whichever lane writes into it first.
TEST(LaneBuilder, ARingHasItsMemoryWhenItIsBuilt) {
  if (!telemetry::allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  LaneBuilder builder{nodes(true)};
  std::optional<link::Spsc<link::InputRow>> ring;
  builder.build(shard0, [&] { ring.emplace(10'000U); });
  const auto built = builder.take();
  ASSERT_EQ(built.size(), 1U);
  ASSERT_EQ(built[0].ranges.size(), 1U);
  const auto pages = base::count_pages(built[0].ranges[0], built[0].node);
  if (!pages) GTEST_SKIP() << "move_pages is forbidden here";
  EXPECT_EQ((pages->there + pages->elsewhere) * base::page_bytes(), base::whole_pages(built[0].ranges[0]).size());
}

TEST(CountMemory, AddsUpWhatIsVisited) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(100 * base::page_bytes());
  std::memset(memory.get(), 1, 100 * base::page_bytes());
  const int node = nodes(true).of(io0);
  std::vector<telemetry::PlacedMemory> report;
  const auto halves = [&](const auto& visit) {
    visit(std::span<const std::byte>{memory.get(), 40 * base::page_bytes()});
    visit(std::span<const std::byte>{memory.get() + 50 * base::page_bytes(), 40 * base::page_bytes()});
  };
  EXPECT_TRUE(count_memory(report, io1, "lane", any_node, halves));
  EXPECT_TRUE(report.empty()) << "no node was wanted";
  if (!count_memory(report, io1, "lane", node, halves)) GTEST_SKIP() << "move_pages is forbidden here";
  ASSERT_TRUE(count_memory(report, io1, "lane", node + 1, halves));
  ASSERT_EQ(report.size(), 2U);
  EXPECT_EQ(report[0].lane, "io1");
  EXPECT_EQ(report[0].part, "lane");
  EXPECT_GE(report[0].pages_there + report[0].pages_elsewhere, 78U);
  EXPECT_LE(report[0].pages_there + report[0].pages_elsewhere, 80U);
  EXPECT_EQ(report[1].node, node + 1);
  if (node_count(machine_topology().cpus) == 1) {
    EXPECT_EQ(report[1].pages_elsewhere, report[0].pages_there);
  }
}

}  // namespace
}  // namespace serried::server
