#include "server/topology.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "port/cpus.h"
#include "server/machines.h"

namespace serried::server {
namespace {

std::string text(const Topology& machine) {
  std::string lines;
  for (const CpuPlace& place : machine.cpus)
    lines += std::to_string(place.cpu) + ":" + std::to_string(place.node) + "/" + std::to_string(place.package) + "/" +
             std::to_string(place.core) + " ";
  return lines;
}

TEST(Topology, KnowsEveryCpuWeMayUse) {
  const Topology machine = machine_topology();
  for (const unsigned cpu : port::allowed_cpus()) {
    const bool known =
        std::any_of(machine.cpus.begin(), machine.cpus.end(), [cpu](const auto& place) { return place.cpu == cpu; });
    EXPECT_TRUE(known) << cpu;
  }
  EXPECT_TRUE(std::is_sorted(machine.cpus.begin(), machine.cpus.end(), [](auto& a, auto& b) { return a.cpu < b.cpu; }));
  EXPECT_GE(node_count(machine.cpus), 1U);
}

TEST(Topology, AnUnknownCpuIsACoreOfItsOwn) {
  EXPECT_EQ(place_of({}, 7), (CpuPlace{7, 0, 0, 7, false}));
  EXPECT_EQ(node_count({}), 1U);
}

TEST(Topology, NodesAndCoresOfAMachineThatIsRead) {
  EXPECT_EQ(text(machine_of("pack:1 [numa] core:2 pu:1")), "0:0/0/0 1:0/0/1 ");
  EXPECT_EQ(text(machine_of("pack:2 [numa] core:2 pu:1")), "0:0/0/0 1:0/0/1 2:1/1/2 3:1/1/3 ");
  EXPECT_EQ(text(machine_of("pack:2 [numa] core:1 pu:2")), "0:0/0/0 1:0/0/0 2:1/1/2 3:1/1/2 ");
  EXPECT_EQ(text(machine_of("pack:1 [numa] core:2 pu:2(indexes=0,2,1,3)")), "0:0/0/0 1:0/0/1 2:0/0/0 3:0/0/1 ")
      << "second threads are numbered behind all first ones";
  EXPECT_EQ(node_count(machine_of("pack:4 numa:2 core:2 pu:2").cpus), 8U);
}

TEST(Topology, NodesOfOnePackageAreKnownAsSuch) {
  EXPECT_EQ(text(machine_of("pack:2 numa:2 core:1 pu:1")), "0:0/0/0 1:1/0/1 2:2/1/2 3:3/1/3 ");
}

TEST(Topology, MemoryOfAnotherKindIsNoNodeOfACpu) {
  EXPECT_EQ(text(machine_of("pack:2 [numa] [numa] core:1 pu:1")), "0:0/0/0 1:2/1/1 ");
}

TEST(Topology, ANicIsOnTheNodeOfTheCpusThatAreNearIt) {
  EXPECT_TRUE(machine_of("pack:2 [numa] core:2 pu:1").nics.empty());
  const Topology two = machine_of("pack:2 [numa] core:2 pu:1", {0, 1});
  EXPECT_EQ(two.nics, (std::vector<PciPlace>{{"0000:40:00.0", 0}, {"0000:41:00.0", 1}}));
  const Topology memory = machine_of("pack:2 [numa] [numa] core:1 pu:1", {1});
  EXPECT_EQ(memory.nics, (std::vector<PciPlace>{{"0000:41:00.0", 2}})) << "beside memory of two kinds";
  const Topology halves = machine_of("pack:2 numa:2 core:1 pu:1", {1});
  EXPECT_EQ(halves.nics, (std::vector<PciPlace>{{"0000:41:00.0", base::any_node}})) << "as near to one as to the other";
  std::string xml = machine_xml("pack:2 [numa] core:1 pu:1");
  put_nic(xml, "Machine", 0);
  EXPECT_EQ(read_xml(xml).nics, (std::vector<PciPlace>{{"0000:40:00.0", base::any_node}}));
}

/// The way from a file to the machine that the server runs on. hwloc takes the file's name from its environment.
TEST(Topology, AFileOfHwlocIsAMachine) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("serried-machine-" + std::to_string(getpid()) + ".xml");
  std::string xml = machine_xml("pack:4 [numa] core:4 pu:2");
  put_nic(xml, "Package", 2);
  std::ofstream{file} << xml;
  ASSERT_EQ(setenv("HWLOC_XMLFILE", file.c_str(), 1), 0);
  const Topology machine = machine_topology();
  unsetenv("HWLOC_XMLFILE");
  std::filesystem::remove(file);
  EXPECT_EQ(machine.cpus.size(), 32U);
  EXPECT_EQ(node_count(machine.cpus), 4U);
  EXPECT_EQ(machine.nics, (std::vector<PciPlace>{{"0000:42:00.0", 2}}));
}

}  // namespace
}  // namespace serried::server
