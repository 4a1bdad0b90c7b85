#include <gtest/gtest.h>

#include "made_up_server.h"

namespace serried::server {
namespace {

TEST(CheckMemory, HugepagesByNode) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.state("hugepages")), State::ok);
  // Enough in all, on the wrong node.
  made.pages("1", 0, 0);
  const Checked far{made, on_ice()};
  EXPECT_EQ(far.state("hugepages"), State::missing);
  EXPECT_NE(far.text("hugepages").find("node 1: no page reserved, "), std::string::npos) << far.text("hugepages");
  const Finding finding = far.of("hugepages");
  EXPECT_EQ(finding.changes.front().kind, Change::Kind::value);
  EXPECT_EQ(finding.changes.front().where, "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
  EXPECT_NE(far.commands("hugepages").find("for good: apt-get install dpdk, and NR_2M_PAGES=\"1024 "),
            std::string::npos)
      << far.commands("hugepages");
  made.file("/etc/dpdk/dpdk.conf", "# Debian's");
  EXPECT_EQ((Checked{made, on_ice()}.of("hugepages").changes[1].where), "/etc/dpdk/dpdk.conf");
}

TEST(CheckMemory, PagesThatOthersUseComeOnTop) {
  ReadyMachine made;
  made.pages("1", 500, 1);
  const Checked checked{made, on_ice()};
  const Finding finding = checked.of("hugepages");
  EXPECT_EQ(finding.state, State::missing);
  const unsigned pages = static_cast<unsigned>(std::stoul(finding.changes.front().what));
  EXPECT_GT(pages, 499U + 30U);
  EXPECT_LT(pages, 499U + 200U);
}

TEST(CheckMemory, OneNodeHasItsLineInSysctl) {
  ReadyMachine made;
  made.without("/sys/devices/system/node").file("/proc/meminfo", "MemTotal: 8388608 kB");
  made.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0");
  made.file("/sys/bus/pci/devices/0000:18:00.0/numa_node", "-1");
  const Checked checked{made, on_ice()};
  EXPECT_EQ(checked.state("hugepages"), State::missing);
  EXPECT_EQ(checked.of("hugepages").changes[0].where, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
  EXPECT_EQ(checked.of("hugepages").changes[1].where, "/etc/sysctl.d/60-serried.conf");
}

TEST(CheckMemory, WhatAFormerRunLeftIsTakenBack) {
  ReadyMachine made;
  made.pages("1", 200, 0);
  made.file("/proc/self/mounts", "none /dev/hugepages hugetlbfs rw 0 0");
  for (int i = 0; i < 200; ++i) made.file("/dev/hugepages/serried-40000map_" + std::to_string(i), "");
  const Texts without{"-a", "0000:18:00.0", "--", "--check", "--address", "10.0.0.1", "--shards", "1"};
  const Checked checked{made, without};
  EXPECT_EQ(checked.state("hugepages"), State::ok) << checked.text("hugepages");
  EXPECT_NE(checked.text("hugepages").find("400 MiB are held by files of a former run"), std::string::npos);
}

TEST(CheckMemory, SmallPagesWhereTheProfileOnlyWantsLargeOnes) {
  ReadyMachine made;
  made.pages("0", 0, 0);
  made.pages("1", 0, 0);
  const Checked memif{made, Texts{"--check", "--profile", profile("memif.toml"), "--address", "10.0.0.1"}};
  EXPECT_EQ(memif.state("hugepages"), State::advised);
  EXPECT_NE(memif.text("hugepages").find("small pages in their place"), std::string::npos);
  EXPECT_EQ(memif.state("hugetlbfs"), State::not_needed);
  const Checked none{made, Texts{"--no-huge", "--", "--check", "--profile", profile("memif.toml")}};
  EXPECT_EQ(none.state("hugepages"), State::not_needed);
  EXPECT_EQ(none.state("hugetlbfs"), State::not_needed);
  const Checked plain{made, Texts{"--vdev=net_null0", "--", "--check", "--address", "10.0.0.1"}};
  EXPECT_NE(plain.commands("hugepages").find("or --no-huge -m "), std::string::npos) << plain.commands("hugepages");
}

TEST(CheckMemory, AMountOnlyWithoutInMemory) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.state("hugetlbfs")), State::not_needed);
  const Texts words{"--vdev=net_null0", "--", "--check"};
  EXPECT_EQ((Checked{made, words}.state("hugetlbfs")), State::missing);
  made.file("/proc/self/mounts", "none /dev/hugepages hugetlbfs rw 0 0").folder("/dev/hugepages");
  EXPECT_EQ((Checked{made, words}.text("hugetlbfs")), "/dev/hugepages");
  made.user(4'000'000, "0000000000000000");
  std::filesystem::permissions(made.root() + "/dev/hugepages", std::filesystem::perms{0755});
  const Checked user{made, words};
  EXPECT_EQ(user.state("hugetlbfs"), State::missing);
  EXPECT_NE(user.commands("hugetlbfs").find("--in-memory"), std::string::npos);
}

TEST(CheckMemory, LockedMemoryByWhatNeedsIt) {
  ReadyMachine made;
  made.limits("8388608", "1048576");
  EXPECT_EQ((Checked{made, on_ice()}.text("locked memory")), "CAP_IPC_LOCK");
  made.user(1'000, "0000000000000000");
  const Checked nic{made, on_ice()};
  EXPECT_EQ(nic.state("locked memory"), State::missing);
  EXPECT_NE(nic.commands("locked memory")
                .find("echo '@serried - memlock unlimited' >>/etc/security/limits.d/60-serried.conf"),
            std::string::npos);
  EXPECT_EQ((Checked{made, on_sockets()}.state("locked memory")), State::advised);
  made.file("/proc/sys/kernel/osrelease", "5.10.0");
  const Texts xdp{"--check", "--profile", profile("veth-af_xdp.toml,interface=eth0")};
  EXPECT_EQ((Checked{made, xdp}.state("locked memory")), State::missing);
  made.limits("unlimited", "1048576");
  EXPECT_EQ((Checked{made, on_ice()}.text("locked memory")), "unlimited");
}

TEST(CheckMemory, SwapAndTransparentHugepages) {
  ReadyMachine made;
  made.file("/proc/swaps", "Filename Type Size\n/dev/sda2 partition 1");
  EXPECT_EQ((Checked{made, on_ice()}.state("swap")), State::ok) << "memory is locked";
  made.user(1'000, "0000000000000000");
  made.limits("65536", "1024");
  EXPECT_EQ((Checked{made, on_sockets()}.state("swap")), State::advised);
  const std::string file = "/sys/kernel/mm/transparent_hugepage/enabled";
  made.file(file, "always madvise [never]");
  EXPECT_EQ((Checked{made, on_sockets()}.commands("transparent hugepages")), "echo madvise >" + file + "\n");
  made.file(file, "[always] madvise never");
  EXPECT_EQ((Checked{made, on_sockets()}.state("transparent hugepages")), State::ok);
}

}  // namespace
}  // namespace serried::server
