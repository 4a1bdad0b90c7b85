#include "machine/memory.h"

#include <gtest/gtest.h>

#include "support/made_up_machine.h"

namespace serried::machine {
namespace {

using support::MadeUpMachine;
constexpr std::uint64_t mib = 1 << 20;

void add_pages(MadeUpMachine& made, const std::string& folder, const std::string& size, unsigned total, unsigned free) {
  const std::string own = folder + "/hugepages-" + size + "kB";
  made.file(own + "/nr_hugepages", std::to_string(total)).file(own + "/free_hugepages", std::to_string(free));
}

TEST(Nodes, EachHasItsCpusAndItsPages) {
  MadeUpMachine made;
  for (const unsigned node : {0U, 1U}) {
    const std::string folder = "/sys/devices/system/node/node" + std::to_string(node);
    made.file(folder + "/cpulist", node == 0 ? "0-3" : "4-7");
    made.file(folder + "/meminfo", "Node " + std::to_string(node) + " MemTotal:       2048 kB\nNode 0 MemFree: 1 kB");
    add_pages(made, folder + "/hugepages", "2048", 100 + node, 50 + node);
    add_pages(made, folder + "/hugepages", "1048576", node, node);
  }
  made.file("/sys/devices/system/node/possible", "0-1").folder("/sys/devices/system/node/power");
  const auto found = nodes(made.view());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].number, 1U);
  EXPECT_EQ(found[1].cpus, (std::vector<unsigned>{4, 5, 6, 7}));
  EXPECT_EQ(found[1].memory_bytes, 2 * mib);
  ASSERT_EQ(found[1].pages.size(), 2U);
  EXPECT_EQ(found[1].pages[0].page_bytes, 2 * mib);
  EXPECT_EQ(found[1].pages[0].reserved, 101U);
  EXPECT_EQ(found[1].pages[1].page_bytes, 1024 * mib);
  EXPECT_EQ(free_bytes(found[0]), 50 * 2 * mib);
  EXPECT_EQ(free_bytes(found[1]), 51 * 2 * mib + 1024 * mib);
}

TEST(Nodes, AKernelWithoutNumaIsOneNode) {
  MadeUpMachine made;
  made.file("/sys/devices/system/cpu/online", "0-1").file("/proc/meminfo", "MemTotal: 4096 kB");
  add_pages(made, "/sys/kernel/mm/hugepages", "2048", 8, 3);
  const auto found = nodes(made.view());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].number, 0U);
  EXPECT_EQ(found[0].cpus.size(), 2U);
  EXPECT_EQ(found[0].memory_bytes, 4 * mib);
  EXPECT_EQ(free_bytes(found[0]), 6 * mib);
}

TEST(Nodes, NothingIsShown) {
  const auto found = nodes(MadeUpMachine{}.view());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].cpus.empty() && found[0].pages.empty());
  EXPECT_EQ(free_bytes(found[0]), 0U);
}

TEST(HugeMounts, WithTheirSizes) {
  MadeUpMachine made;
  made.file("/proc/self/mounts",
            "proc /proc proc rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n"
            "none /mnt/huge hugetlbfs rw 0 0\nnone /mnt/big hugetlbfs rw,pagesize=1024M 0 0");
  const auto mounts = huge_mounts(made.view());
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].folder, "/dev/hugepages");
  EXPECT_EQ(mounts[0].page_bytes, 2 * mib);
  EXPECT_EQ(mounts[1].page_bytes, 0U);
  EXPECT_EQ(mounts[2].page_bytes, 1024 * mib);
}

TEST(LeftoverPages, AreThoseOfTheSamePrefix) {
  MadeUpMachine made;
  made.file("/proc/self/mounts", "none /dev/hugepages hugetlbfs rw 0 0");
  for (const char* const name : {"serried-40000map_0", "serried-40000map_17", "rtemap_0", "serried-40001map_0"})
    made.file("/dev/hugepages/" + std::string(name), "");
  EXPECT_EQ(leftover_pages(made.view(), "serried-40000"), 2U);
  EXPECT_EQ(leftover_pages(made.view(), "other"), 0U);
}

}  // namespace
}  // namespace serried::machine
