#include "machine/cgroup.h"

#include <gtest/gtest.h>

#include "support/made_up_machine.h"

namespace serried::machine {
namespace {

using support::MadeUpMachine;
using Cpus = std::vector<unsigned>;

/// Version 2, with the process in the cgroup of a systemd service.
struct Unified : MadeUpMachine {
  Unified() {
    file("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0");
    file("/proc/self/cgroup", "0::/system.slice/serried.service");
    file(own + "/cpu.max", "max 100000");
    file(own + "/cpuset.cpus.effective", "2-5");
    file("/sys/fs/cgroup/system.slice/cpu.max", "max 100000");
    file("/sys/fs/cgroup/cpuset.cpus.effective", "0-7");
  }
  const std::string own = "/sys/fs/cgroup/system.slice/serried.service";
};

/// Version 1, each controller mounted alone, as containers of long ago have it.
struct Separate : MadeUpMachine {
  explicit Separate(const std::string& path) {
    file("/proc/self/mounts",
         "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
         "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
         "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0");
    file("/proc/self/cgroup", "4:cpuset:" + path + "\n2:cpu,cpuacct:" + path + "\n0::/");
  }
  Separate& at(const std::string& folder, const std::string& quota, const std::string& cpus) {
    file("/sys/fs/cgroup/cpu,cpuacct" + folder + "/cpu.cfs_quota_us", quota);
    file("/sys/fs/cgroup/cpu,cpuacct" + folder + "/cpu.cfs_period_us", "100000");
    file("/sys/fs/cgroup/cpuset" + folder + "/cpuset.effective_cpus", cpus);
    return *this;
  }
};

TEST(Cgroup, NoLimit) {
  const Unified made;
  EXPECT_FALSE(cpu_quota(made.view()));
  EXPECT_EQ(cpuset_cpus(made.view()), (Cpus{2, 3, 4, 5}));
}

TEST(Cgroup, TheQuotaIsTheLeastOnTheWayUp) {
  Unified made;
  made.file(made.own + "/cpu.max", "250000 100000");
  auto quota = cpu_quota(made.view());
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cpus, 2.5);
  EXPECT_EQ(quota->file, made.own + "/cpu.max");
  made.file("/sys/fs/cgroup/system.slice/cpu.max", "50000 100000");
  quota = cpu_quota(made.view());
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cpus, 0.5);
  EXPECT_EQ(quota->file, "/sys/fs/cgroup/system.slice/cpu.max");
}

TEST(Cgroup, ACpusetThatIsNotSetIsTheParents) {
  Unified made;
  made.without(made.own + "/cpuset.cpus.effective");
  EXPECT_EQ(cpuset_cpus(made.view()), (Cpus{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Cgroup, VersionOne) {
  Separate made{"/docker/abc"};
  made.at("/docker/abc", "150000", "1,3").at("/docker", "-1", "0-3").at("", "-1", "0-3");
  const auto quota = cpu_quota(made.view());
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cpus, 1.5);
  EXPECT_EQ(cpuset_cpus(made.view()), (Cpus{1, 3}));
}

/// Without a namespace of its own a container reads the path that its host knows, and sees its own cgroup as the root.
TEST(Cgroup, AContainerThatSeesItselfAsTheRoot) {
  Separate made{"/docker/abc"};
  made.at("", "100000", "4-5");
  const auto quota = cpu_quota(made.view());
  ASSERT_TRUE(quota);
  EXPECT_DOUBLE_EQ(quota->cpus, 1.0);
  EXPECT_EQ(cpuset_cpus(made.view()), (Cpus{4, 5}));
}

TEST(Cgroup, NoneAtAll) {
  const MadeUpMachine made;
  EXPECT_FALSE(cpu_quota(made.view()));
  EXPECT_TRUE(cpuset_cpus(made.view()).empty());
  EXPECT_TRUE(isolated_cpus(made.view()).empty());
}

TEST(Cgroup, WhatIsNoQuotaIsNone) {
  for (const char* const text : {"", "max", "abc 100000", "100000 0", "0 100000"}) {
    Unified made;
    made.file(made.own + "/cpu.max", text);
    EXPECT_FALSE(cpu_quota(made.view())) << text;
  }
}

TEST(Cgroup, IsolatedCpus) {
  MadeUpMachine made;
  made.file("/sys/devices/system/cpu/isolated", "2-3,6");
  EXPECT_EQ(isolated_cpus(made.view()), (Cpus{2, 3, 6}));
}

}  // namespace
}  // namespace serried::machine
