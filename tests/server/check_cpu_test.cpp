#include <gtest/gtest.h>

#include "made_up_server.h"

namespace serried::server {
namespace {

#if defined(__x86_64__)
TEST(CheckCpu, TheInstructionsThatTheProgramIsBuiltFor) {
  ReadyMachine made;
  EXPECT_NE((Checked{made, on_ice()}.text("instructions").find("sse4.2, avx2, avx512")), std::string::npos);
  made.file("/proc/cpuinfo", "flags : sse4_2 popcnt constant_tsc nonstop_tsc");
  EXPECT_EQ((Checked{made, on_ice()}.text("instructions")), "sse4.2");
  made.file("/proc/cpuinfo", "flags : sse4_1 popcnt constant_tsc nonstop_tsc");
  EXPECT_EQ((Checked{made, on_ice()}.state("instructions")), State::missing);
}

TEST(CheckCpu, TheTimeStampCounterIsSteady) {
  ReadyMachine made;
  made.file("/proc/cpuinfo", "flags : sse4_2 popcnt pclmulqdq constant_tsc");
  EXPECT_EQ((Checked{made, on_ice()}.state("time-stamp counter")), State::advised);
  EXPECT_EQ((Checked{made, on_sockets()}.state("time-stamp counter")), State::not_needed);
}
#endif

TEST(CheckCpu, CpusForTheLanes) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.text("cpus")), "8 CPUs (0-7) for 1 io and 2 shard lanes");
  const Checked many{made, on_ice({"--io-lanes", "8"})};
  EXPECT_EQ(many.state("cpus"), State::advised);
  made.file("/proc/self/status", "Uid: 0 0 0 0\nCapEff: 0\nCpus_allowed_list: 0");
  made.file("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
  made.file("/sys/fs/cgroup/cpuset.cpus.effective", "0-3");
  const Checked few{made, on_ice()};
  EXPECT_EQ(few.needs.cpus, (std::vector<unsigned>{0, 1, 2, 3})) << "isolated ones of the cpuset too";
}

TEST(CheckCpu, AQuotaIsEnoughForTheLanes) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.text("quota")), "no limit of CPU time");
  made.file("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
  made.file("/sys/fs/cgroup/cpu.max", "300000 100000");
  EXPECT_EQ((Checked{made, on_ice()}.state("quota")), State::ok);
  made.file("/sys/fs/cgroup/cpu.max", "150000 100000");
  const Checked less{made, on_ice()};
  EXPECT_EQ(less.state("quota"), State::advised);
  EXPECT_NE(
      less.text("quota").find("1.5 CPUs of time (/sys/fs/cgroup/cpu.max) for lanes that poll on 3: the server leaves"),
      std::string::npos)
      << less.text("quota");
  Texts named = on_ice();
  named.insert(named.begin(), {"-l", "1-3", "--"});
  EXPECT_NE((Checked{made, named}.text("quota").find("the kernel stops them")), std::string::npos);
}

TEST(CheckCpu, LanesHaveTheirCpusAlone) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.text("isolation")), "CPUs 1-3 are the lanes' alone");
  EXPECT_EQ((Checked{made, on_sockets()}.state("isolation")), State::not_needed);
  made.file("/sys/devices/system/cpu/isolated", "").file("/sys/devices/system/cpu/nohz_full", "(null)");
  made.file("/proc/cmdline", "quiet");
  const Checked none{made, on_ice()};
  EXPECT_EQ(none.state("isolation"), State::advised);
  EXPECT_EQ(none.commands("isolation"), "kernel command line: isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3\n");
  made.file("/sys/devices/system/cpu/isolated", "1-7");
  EXPECT_EQ((Checked{made, on_ice()}.commands("isolation")), "kernel command line: nohz_full=1-3 rcu_nocbs=1-3\n");
  made.file("/proc/self/status", "Uid: 0 0 0 0\nCapEff: 0\nCpus_allowed_list: 0-1");
  made.file("/sys/devices/system/cpu/isolated", "");
  EXPECT_EQ((Checked{made, on_ice()}.state("isolation")), State::not_needed) << "none is left";
}

TEST(CheckCpu, LanesCpusRunAtFullSpeed) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.text("governor")), "performance");
  const std::string file = "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor";
  made.file(file, "powersave");
  made.file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  const Checked slow{made, on_ice()};
  EXPECT_EQ(slow.state("governor"), State::advised);
  EXPECT_EQ(slow.of("governor").changes.front().where, file) << "of the lanes' CPUs alone";
  EXPECT_EQ(slow.of("governor").changes.size(), 2U);
  for (unsigned cpu = 0; cpu < 8; ++cpu) made.without("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq");
  EXPECT_EQ((Checked{made, on_ice()}.state("governor")), State::not_needed);
}

TEST(CheckCpu, IrqbalanceKeepsAway) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.state("irqbalance")), State::not_needed);
  made.file("/proc/99/comm", "irqbalance");
  const Checked runs{made, on_ice()};
  EXPECT_EQ(runs.state("irqbalance"), State::advised);
  EXPECT_EQ(runs.of("irqbalance").changes.front().what, "IRQBALANCE_BANNED_CPULIST=1-3");
  EXPECT_EQ((Checked{made, on_sockets()}.state("irqbalance")), State::not_needed);
  made.file("/etc/default/irqbalance", "IRQBALANCE_BANNED_CPULIST=1-7");
  EXPECT_EQ((Checked{made, on_ice()}.state("irqbalance")), State::ok);
}

TEST(CheckCpu, NodesAreNotBalanced) {
  ReadyMachine made;
  made.file("/proc/sys/kernel/numa_balancing", "1");
  const Checked on{made, on_ice()};
  EXPECT_EQ(on.state("numa balancing"), State::advised);
  EXPECT_EQ(on.commands("numa balancing"),
            "sysctl -w kernel.numa_balancing=0\necho 'kernel.numa_balancing = 0' >>/etc/sysctl.d/60-serried.conf\n");
  made.without("/sys/devices/system/node/node1");
  EXPECT_EQ((Checked{made, on_ice()}.state("numa balancing")), State::not_needed);
}

}  // namespace
}  // namespace serried::server
