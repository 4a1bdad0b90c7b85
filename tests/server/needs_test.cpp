#include "server/needs.h"

#include <gtest/gtest.h>

#include "made_up_server.h"
#include "server/placement.h"

namespace serried::server {
namespace {

Needs needs_from(const support::MadeUpMachine& made, const Texts& words) { return Checked{made, words}.needs; }

TEST(NeedsOf, HowEachDeviceIsReached) {
  const ReadyMachine made;
  const auto reach = [&made](const char* device, const char* option = "--vdev") {
    const Needs needs = needs_from(made, Texts{option, device, "--", "--check"});
    EXPECT_EQ(needs.devices.size(), 1U);
    return needs.devices.at(0).reach;
  };
  EXPECT_EQ(reach("net_null0"), Reach::memory);
  EXPECT_EQ(reach("net_memif0,role=server"), Reach::memory);
  EXPECT_EQ(reach("net_vhost0,iface=/run/s"), Reach::memory);
  EXPECT_EQ(reach("net_tap0,iface=t0"), Reach::memory);
  EXPECT_EQ(reach("net_pcap0,rx_pcap=f"), Reach::memory);
  EXPECT_EQ(reach("net_pcap0,rx_iface=eth0"), Reach::interface);
  EXPECT_EQ(reach("net_af_xdp0,iface=eth0"), Reach::interface);
  EXPECT_EQ(reach("net_af_packet0,iface=eth0"), Reach::interface);
  EXPECT_EQ(reach("18:00.0", "-a"), Reach::vfio);
  const Needs mlx5 = needs_from(made, Texts{"--check", "--profile", profile("mlx5.toml,pci=0000:18:00.0")});
  EXPECT_EQ(mlx5.devices.at(0).reach, Reach::shared);
  EXPECT_TRUE(mlx5.any(Reach::shared));
  EXPECT_FALSE(mlx5.any(Reach::vfio));
  EXPECT_TRUE(mlx5.any_driver("mlx5_pci"));
}

TEST(NeedsOf, SocketsHaveNoDevices) {
  const ReadyMachine made;
  const Needs needs = needs_from(made, on_sockets());
  EXPECT_TRUE(needs.sockets());
  EXPECT_TRUE(needs.devices.empty());
  EXPECT_EQ(needs.huge_bytes, 0U);
}

TEST(NeedsOf, MemoryFollowsTheLanes) {
  const ReadyMachine made;
  const Needs one = needs_from(made, on_ice()), four = needs_from(made, on_ice({"--io-lanes", "4"}));
  EXPECT_GT(one.huge_bytes, std::uint64_t{50} << 20);
  EXPECT_GT(four.huge_bytes, one.huge_bytes * 3 / 2);
  EXPECT_EQ(one.hugepages, config::Pages::needed);
  EXPECT_EQ(one.lane_cores, 3U);
  EXPECT_EQ(needs_from(made, Texts{"--no-huge", "--", "--check", "--profile", profile("memif.toml")}).huge_bytes, 0U);
  EXPECT_GT(memory_needed(one.config, 1, 4'096, one.homes), memory_needed(one.config, 1, 2U << 20, one.homes))
      << "no mbuf crosses a page";
}

TEST(NeedsOf, ShardsFromTheCpusWhereNoneAreGiven) {
  const ReadyMachine made;
  const Needs needs = needs_from(made, Texts{"--check", "--driver", "socket"});
  EXPECT_EQ(needs.cpus.size(), 8U);
  EXPECT_EQ(needs.shards, automatic_shards(8, 1));
}

TEST(UsableCpus, AffinityAndIsolatedOnesOfTheCpuset) {
  ReadyMachine made;
  using Cpus = std::vector<unsigned>;
  made.file("/proc/self/status", "Cpus_allowed_list:\t0-3").file("/sys/devices/system/cpu/isolated", "4-7");
  EXPECT_EQ(usable_cpus(made.view()), (Cpus{0, 1, 2, 3, 4, 5, 6, 7}));
  made.file("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
  made.file("/sys/fs/cgroup/cpuset.cpus.effective", "0-5");
  EXPECT_EQ(usable_cpus(made.view()), (Cpus{0, 1, 2, 3, 4, 5}));
  made.file("/proc/self/status", "Cpus_allowed_list:\t0-1");
  EXPECT_EQ(usable_cpus(made.view()), (Cpus{0, 1})) << "told to run on these";
  EXPECT_TRUE(usable_cpus(support::MadeUpMachine{}.view()).empty());
}

}  // namespace
}  // namespace serried::server
