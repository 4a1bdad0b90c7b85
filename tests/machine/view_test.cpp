#include "machine/view.h"

#include <gtest/gtest.h>

#include "support/made_up_machine.h"

namespace serried::machine {
namespace {

using support::MadeUpMachine;
using Texts = std::vector<std::string>;

TEST(View, ReadsBelowItsRoot) {
  MadeUpMachine made;
  made.file("/proc/sys/vm/nr_hugepages", "512").file("/etc/motd", "two words\n\n").file("/etc/empty", "");
  const View view = made.view();
  EXPECT_FALSE(view.here());
  EXPECT_EQ(view.number("/proc/sys/vm/nr_hugepages"), 512U);
  EXPECT_EQ(view.text("/etc/motd"), "two words");
  EXPECT_EQ(view.text("/etc/empty"), "");
  EXPECT_FALSE(view.number("/etc/motd"));
  EXPECT_FALSE(view.number("/etc/empty"));
  EXPECT_FALSE(view.text("/etc/none"));
  EXPECT_TRUE(view.exists("/etc/motd"));
  EXPECT_FALSE(view.exists("/etc/none"));
  EXPECT_EQ(View{made.root() + "//"}.number("/proc/sys/vm/nr_hugepages"), 512U);
}

TEST(View, LinesAndFields) {
  MadeUpMachine made;
  made.file("/proc/self/status", "Name:\tserver\nUid:\t0\t7\t0\t0\nCapEffX: 1\nCapEff:\t00ff\nempty:");
  made.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: sse4_2 avx2").file("/etc/empty", "");
  const View view = made.view();
  EXPECT_EQ(view.lines("/proc/cpuinfo"), (Texts{"processor\t: 0", "flags\t\t: sse4_2 avx2"}));
  EXPECT_TRUE(view.lines("/etc/empty").empty());
  EXPECT_TRUE(view.lines("/etc/none").empty());
  EXPECT_EQ(view.field("/proc/self/status", "Uid"), "0\t7\t0\t0");
  EXPECT_EQ(view.field("/proc/self/status", "CapEff"), "00ff") << "not of the longer key before it";
  EXPECT_EQ(view.field("/proc/self/status", "empty"), "");
  EXPECT_EQ(view.field("/proc/cpuinfo", "flags"), "sse4_2 avx2");
  EXPECT_FALSE(view.field("/proc/self/status", "Gid"));
  EXPECT_FALSE(view.field("/proc/none", "Gid"));
}

TEST(View, NamesOfAFolderStandInTheOrderOfTheirNumbers) {
  MadeUpMachine made;
  for (const char* const name : {"rx-10", "rx-2", "rx-0", "tx-1", "byte"}) made.folder("/queues/" + std::string(name));
  EXPECT_EQ(made.view().names("/queues"), (Texts{"byte", "rx-0", "rx-2", "rx-10", "tx-1"}));
  EXPECT_TRUE(made.view().names("/none").empty());
}

TEST(View, LinksAndAccess) {
  MadeUpMachine made;
  made.link("/sys/driver", "../../bus/pci/drivers/vfio-pci").file("/plain", "x");
  EXPECT_EQ(made.view().link("/sys/driver"), "vfio-pci");
  EXPECT_EQ(made.view().link("/plain"), "");
  EXPECT_EQ(made.view().link("/none"), "");
  EXPECT_TRUE(made.view().exists("/sys/driver")) << "wherever it leads";
  const auto access = made.view().access("/plain");
  ASSERT_TRUE(access);
  EXPECT_EQ(access->mode & 0400U, 0400U);
  EXPECT_FALSE(made.view().access("/none"));
}

TEST(View, ThisMachineHasAProcess) {
  const View view;
  EXPECT_TRUE(view.here());
  EXPECT_TRUE(view.field("/proc/self/status", "Uid"));
}

TEST(Words, StandBetweenBlanks) {
  EXPECT_EQ(words(" a\tbc  d\n"), (Texts{"a", "bc", "d"}));
  EXPECT_TRUE(words(" \t").empty());
}

TEST(CpuList, IsReadAndWritten) {
  using Cpus = std::vector<unsigned>;
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11"), (Cpus{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list("5"), Cpus{5});
  for (const char* const none : {"", "x", "-1", ","}) EXPECT_TRUE(parse_cpu_list(none).empty()) << none;
  EXPECT_EQ(parse_cpu_list("1,x"), Cpus{1});
  EXPECT_LE(parse_cpu_list("0-4294967295").size(), 65'537U);
  EXPECT_EQ(format_cpu_list({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(format_cpu_list({4}), "4");
  EXPECT_EQ(format_cpu_list({}), "");
}

}  // namespace
}  // namespace serried::machine
