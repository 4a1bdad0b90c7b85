#include <algorithm>

#include <gtest/gtest.h>

#include "made_up_server.h"

namespace serried::server {
namespace {

TEST(CheckDevice, ANicThatIsNotThere) {
  ReadyMachine made;
  made.nic("0000:3b:00.0", "i40e", "");
  const Checked checked{made, Texts{"--check", "--profile", profile("ice.toml,pci=0000:19:00.0")}};
  EXPECT_EQ(checked.state("nic"), State::missing);
  EXPECT_NE(checked.text("nic").find("NICs of this machine: 0000:18:00.0, 0000:3b:00.0"), std::string::npos);
}

TEST(CheckDevice, ANicIsGivenToVfioByItsAddress) {
  ReadyMachine made;
  made.nic(ReadyMachine::address, "ice", "12");
  made.folder("/sys/bus/pci/devices/0000:18:00.0/net/eth2").file("/sys/class/net/eth2/operstate", "up");
  const Checked kernels{made, on_ice()};
  EXPECT_EQ(kernels.state("binding"), State::missing);
  EXPECT_EQ(kernels.text("binding"), "has ice (interface eth2) and must have vfio-pci");
  EXPECT_EQ(kernels.of("binding").changes[0].kind, Change::Kind::driver);
  EXPECT_EQ(kernels.of("binding").changes[0].where, "0000:18:00.0");
  EXPECT_EQ(kernels.state("vfio rights"), State::not_needed);
  made.file("/etc/dpdk/interfaces", "");
  EXPECT_EQ((Checked{made, on_ice()}.of("binding").changes[1].what), "pci 0000:18:00.0 vfio-pci");
  made.file("/proc/net/route", "Iface Destination\neth2 00000000");
  const Checked routed{made, on_ice()};
  EXPECT_NE(routed.text("binding").find("eth2 carries traffic of this machine"), std::string::npos);
  for (const Change& change : routed.of("binding").changes) EXPECT_EQ(change.kind, Change::Kind::command);
}

TEST(CheckDevice, Mlx5StaysWithTheKernel) {
  ReadyMachine made;
  const Texts words{"--check", "--profile", profile("mlx5.toml,pci=0000:18:00.0")};
  const Checked taken{made, words};
  EXPECT_EQ(taken.text("binding"), "has vfio-pci and must have its kernel driver mlx5_core");
  EXPECT_EQ(taken.state("vfio"), State::not_needed);
  EXPECT_EQ(taken.state("iommu"), State::not_needed);
  EXPECT_EQ(taken.state("verbs"), State::missing);
  made.nic(ReadyMachine::address, "mlx5_core", "12");
  made.folder("/sys/bus/pci/devices/0000:18:00.0/infiniband/mlx5_0")
      .folder("/sys/bus/pci/devices/0000:18:00.0/net/eth2");
  made.file("/sys/class/net/eth2/operstate", "down");
  const Checked kept{made, words};
  EXPECT_EQ(kept.state("binding"), State::ok);
  EXPECT_EQ(kept.state("verbs"), State::ok);
  EXPECT_EQ(kept.commands("interface"), "ip link set eth2 up\n");
  made.file("/sys/bus/pci/devices/0000:18:00.0/vendor", "0x15b3");
  const Checked by_id{made, Texts{"-a", "18:00.0", "--", "--check"}};
  EXPECT_EQ(by_id.state("binding"), State::ok) << "without a profile its vendor says so";
}

TEST(CheckDevice, TheIommuIsOfTheDevice) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.text("iommu")), "group 12");
  made.nic(ReadyMachine::address, "vfio-pci", "");
  EXPECT_EQ((Checked{made, on_ice()}.text("iommu")), "the machine has an IOMMU, and this device is behind none");
  made.without("/sys/kernel/iommu_groups");
  const Checked none{made, on_ice()};
  EXPECT_EQ(none.state("iommu"), State::missing);
  EXPECT_NE(none.commands("iommu").find("kernel command line: intel_iommu=on iommu=pt\n"), std::string::npos);
  made.file("/proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : sse4_2 popcnt pclmulqdq");
  EXPECT_NE((Checked{made, on_ice()}.commands("iommu").find("kernel command line: iommu=pt\n")), std::string::npos);
  made.file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
  EXPECT_EQ((Checked{made, on_ice()}.state("iommu")), State::ok);
}

TEST(CheckDevice, AGroupIsGivenAwayAsAWhole) {
  ReadyMachine made;
  made.nic("0000:18:00.1", "ice", "12");
  const Checked shared{made, on_ice()};
  EXPECT_EQ(shared.state("iommu group"), State::missing);
  EXPECT_NE(shared.text("iommu group").find("0000:18:00.1 (ice)"), std::string::npos);
  EXPECT_EQ(shared.of("iommu group").changes[0].where, "0000:18:00.1");
  made.folder("/sys/bus/pci/devices/0000:18:00.1/net/eth0").file("/sys/class/net/eth0/operstate", "up");
  made.file("/proc/net/route", "eth0 00000000");
  EXPECT_EQ((Checked{made, on_ice()}.of("iommu group").changes.size()), 1U) << "no proposal to take that one";
  made.nic("0000:18:00.1", "vfio-pci", "12");
  EXPECT_EQ((Checked{made, on_ice()}.state("iommu group")), State::ok);
}

TEST(CheckDevice, AGroupMayBeOpenedByItsUser) {
  ReadyMachine made;
  for (const char* const file : {"/dev/vfio/12", "/dev/vfio/vfio"})
    std::filesystem::permissions(made.root() + file, std::filesystem::perms{0600});
  EXPECT_EQ((Checked{made, on_ice()}.state("vfio rights")), State::ok);
  made.user(4'000'000, "0000000000000000");
  const Checked user{made, on_ice()};
  EXPECT_EQ(user.state("vfio rights"), State::missing);
  EXPECT_EQ(user.of("vfio rights").changes[0].where, "/etc/udev/rules.d/60-serried-vfio.rules");
  for (const char* const file : {"/dev/vfio/12", "/dev/vfio/vfio"})
    std::filesystem::permissions(made.root() + file, std::filesystem::perms{0666});
  EXPECT_EQ((Checked{made, on_ice()}.state("vfio rights")), State::ok);
  made.without("/dev/vfio/12");
  EXPECT_EQ((Checked{made, on_ice()}.state("vfio rights")), State::missing);
}

TEST(CheckDevice, FirmwareNodeAndLink) {
  ReadyMachine made;
  made.without("/lib/firmware/intel/ice/ddp/ice.pkg");
  EXPECT_EQ((Checked{made, on_ice()}.state("firmware")), State::missing);
  made.file("/lib/firmware/updates/intel/ice/ddp/ice.pkg", "");
  EXPECT_EQ((Checked{made, on_ice()}.state("firmware")), State::ok);
  EXPECT_EQ((Checked{made, on_ice()}.text("numa node")), "NUMA node 1");
  EXPECT_EQ((Checked{made, on_ice()}.text("near cpus")), "4 usable CPUs on its node");
  made.file("/proc/self/status", "Uid: 0 0 0 0\nCapEff: 0\nCpus_allowed_list: 0-3");
  made.file("/sys/devices/system/cpu/isolated", "");
  EXPECT_EQ((Checked{made, on_ice()}.state("near cpus")), State::advised);
  made.file("/sys/bus/pci/devices/0000:18:00.0/current_link_width", "4");
  const Checked narrow{made, on_ice()};
  EXPECT_EQ(narrow.state("pcie link"), State::advised);
  EXPECT_EQ(narrow.text("pcie link"), "x4 at 16.0 GT/s PCIe; it could x16 at 16.0 GT/s PCIe");
  made.file("/sys/bus/pci/devices/0000:18:00.0/numa_node", "-1");
  EXPECT_EQ((Checked{made, on_ice()}.state("numa node")), State::not_needed);
}

TEST(CheckDevice, InterfacesOfTheKernel) {
  ReadyMachine made;
  const Texts xdp{"--check", "--profile", profile("veth-af_xdp.toml,interface=veth1")};
  made.folder("/sys/class/net/lo");
  EXPECT_EQ((Checked{made, xdp}.text("interface")), "is not there; there are lo");
  made.file("/sys/class/net/veth1/operstate", "down").file("/sys/class/net/veth1/mtu", "1500");
  EXPECT_EQ((Checked{made, xdp}.commands("interface")), "ip link set veth1 up\n");
  made.file("/sys/class/net/veth1/operstate", "up").folder("/sys/class/net/veth1/queues/rx-0");
  EXPECT_EQ((Checked{made, xdp}.text("interface")), "is up, MTU 1500");
  EXPECT_EQ((Checked{made, xdp}.text("queues")), "1 queue");
  made.folder("/sys/class/net/veth1/queues/rx-1");
  const Checked two{made, xdp};
  EXPECT_EQ(two.state("queues"), State::missing);
  EXPECT_NE(two.commands("queues").find("ethtool -L veth1 combined 1, or queues=2"), std::string::npos);
  made.file("/sys/class/net/veth1/mtu", "576");
  EXPECT_EQ((Checked{made, xdp}.state("interface")), State::missing);
  made.file("/sys/class/net/veth1/mtu", "1500").file("/proc/net/route", "veth1 0000000A");
  const Texts packet{"--check", "--profile", profile("veth-af_packet.toml,interface=veth1")};
  EXPECT_EQ((Checked{made, packet}.state("interface")), State::advised);
  EXPECT_EQ((Checked{made, xdp}.state("interface")), State::ok);
}

TEST(CheckDevice, MoreLanesThanQueues) {
  const ReadyMachine made;
  const Checked checked{made, Texts{"--check", "--profile", profile("e1000.toml,pci=0000:18:00.0"), "--io-lanes", "2"}};
  EXPECT_EQ(checked.state("queues"), State::missing);
  EXPECT_EQ(checked.commands("queues"), "--io-lanes 1\n");
}

TEST(CheckDevice, FilesOfSoftwareDevices) {
  ReadyMachine made;
  const Texts memif{"--check", "--profile", profile("memif.toml,socket=/run/s.sock")};
  EXPECT_EQ((Checked{made, memif}.text("files")), "/run/s.sock is free");
  made.file("/run/s.sock", "");
  EXPECT_EQ((Checked{made, memif}.state("files")), State::missing);
  EXPECT_EQ((Checked{made, Texts{"--check", "--profile", profile("vhost.toml,socket=/run/s.sock")}}.state("files")),
            State::missing);
  const Texts pcap{"--check", "--profile", profile("software-pcap.toml,rx=/in.pcap")};
  EXPECT_EQ((Checked{made, pcap}.state("files")), State::missing);
  made.file("/in.pcap", "");
  EXPECT_EQ((Checked{made, pcap}.state("files")), State::ok);
  EXPECT_EQ((Checked{made, on_ice()}.state("files")), State::not_needed);
}

/// Every fixed line that a check proposes for a file of /etc stands in the file of the same name in dpdk-config/system.
TEST(CheckDevice, LinesForFilesAreThoseOfTheTree) {
  ReadyMachine made;
  made.user(4'000'000, "0000000000000000");
  made.limits("65536", "64");
  made.without("/sys/bus/pci/drivers/vfio-pci").file("/proc/sys/kernel/numa_balancing", "1");
  made.file("/proc/sys/net/core/rmem_max", "212992").file("/proc/sys/net/core/wmem_max", "212992");
  for (const char* const file : {"/dev/vfio/12", "/dev/vfio/vfio"})
    std::filesystem::permissions(made.root() + file, std::filesystem::perms{0600});
  unsigned compared = 0;
  for (const Texts& words : {on_ice(), on_sockets()})
    for (const Finding& finding : Checked{made, words}.findings)
      for (const Change& change : finding.changes) {
        if (change.kind != Change::Kind::line || finding.item == "hugepages" || finding.item == "binding") continue;
        const machine::View tree{std::string{SERRIED_SOURCE_ROOT} + "/dpdk-config/system"};
        const auto lines = tree.lines(change.where.substr(std::string{"/etc"}.size()));
        EXPECT_NE(std::find(lines.begin(), lines.end(), change.what), lines.end())
            << change.where << ": " << change.what;
        ++compared;
      }
  EXPECT_GE(compared, 7U);
}

}  // namespace
}  // namespace serried::server
