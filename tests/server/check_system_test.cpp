#include <gtest/gtest.h>

#include "made_up_server.h"

namespace serried::server {
namespace {

TEST(CheckSystem, CombinationsOfOptionsAndWhatAProfileWantsToKnow) {
  const ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice({"--gateway", "10.0.0.9"})}.state("configuration")), State::missing);
  const Checked open{made, Texts{"--check", "--profile", profile("ice.toml"), "--address", "10.0.0.1", "--token-key",
                                 "/keys/token.key"}};
  EXPECT_EQ(open.state("configuration"), State::missing);
  EXPECT_NE(
      open.text("configuration").find("needs pci (PCI address of the NIC); this machine has 0000:18:00.0 (vfio-pci)"),
      std::string::npos)
      << open.text("configuration");
  EXPECT_NE(open.commands("configuration").find(",pci=0000:18:00.0\n"), std::string::npos);
}

TEST(CheckSystem, TheKernelIsNewEnoughForItsDriver) {
  ReadyMachine made;
  made.file("/proc/sys/kernel/osrelease", "5.3.0");
  EXPECT_EQ((Checked{made, on_ice()}.state("kernel")), State::ok);
  const Texts xdp{"--check", "--profile", profile("veth-af_xdp.toml,interface=eth0")};
  EXPECT_EQ((Checked{made, xdp}.state("kernel")), State::missing);
  made.file("/proc/sys/kernel/osrelease", "4.18.0");
  EXPECT_EQ((Checked{made, on_ice()}.state("kernel")), State::missing);
}

TEST(CheckSystem, TheDriverIsAFileOfItsPackage) {
  ReadyMachine made;
  made.without(port::driver_folder() + "/librte_net_ice.so");
  const Checked ice{made, on_ice()};
  EXPECT_EQ(ice.state("drivers"), State::missing);
  EXPECT_NE(ice.commands("drivers").find("apt-get install librte-net-ice2"), std::string::npos)
      << ice.commands("drivers");
  const Checked e1000{made, Texts{"--check", "--profile", profile("e1000.toml,pci=0000:18:00.0")}};
  EXPECT_NE(e1000.commands("drivers").find("librte-net-e1000-2"), std::string::npos) << e1000.commands("drivers");
  const Checked unknown{made, Texts{"-a", "18:00.0", "--", "--check"}};
  EXPECT_EQ(unknown.state("drivers"), State::not_needed);
  const Checked none{made, Texts{"--check"}};
  EXPECT_EQ(none.state("drivers"), State::missing);
}

TEST(CheckSystem, PortsAreAmongEalsDevices) {
  const ReadyMachine made;
  EXPECT_EQ((Checked{made, Texts{"--vdev=net_null0", "--", "--check", "--port", "net_null0"}}.state("ports")),
            State::ok);
  EXPECT_EQ((Checked{made, Texts{"--vdev=net_null0", "--", "--check", "--port", "0"}}.state("ports")), State::ok);
  const Checked wrong{made, Texts{"--vdev=net_null0", "--", "--check", "--port", "net_null1"}};
  EXPECT_EQ(wrong.state("ports"), State::missing);
  EXPECT_EQ(wrong.commands("ports"), "--port net_null0\n");
  EXPECT_EQ((Checked{made, Texts{"--vdev=net_null0", "--", "--check", "--port", "1"}}.state("ports")), State::missing);
  EXPECT_EQ((Checked{made, Texts{"-a", "18:00.0", "--", "--check", "--port", "18:00.0"}}.state("ports")), State::ok);
}

TEST(CheckSystem, CapabilitiesByDriverAndKernel) {
  ReadyMachine made;
  const auto words = [](const char* name) { return Texts{"--check", "--profile", profile(name)}; };
  made.user(1'000, "0000000000000000");
  EXPECT_EQ((Checked{made, words("memif.toml")}.state("capabilities")), State::not_needed);
  EXPECT_EQ((Checked{made, on_ice()}.state("capabilities")), State::not_needed);
  const Checked xdp{made, words("veth-af_xdp.toml,interface=eth0")};
  EXPECT_EQ(xdp.state("capabilities"), State::missing);
  EXPECT_EQ(xdp.text("capabilities"), "user 1000 has no cap_net_raw,cap_net_admin,cap_bpf");
  EXPECT_NE((Checked{made, words("mlx5.toml,pci=0000:18:00.0")}.text("capabilities").find("cap_net_raw,cap_net_admin")),
            std::string::npos);
  EXPECT_EQ((Checked{made, words("tap.toml")}.text("capabilities")), "user 1000 has no cap_net_admin");
  made.file("/proc/sys/kernel/osrelease", "5.4.0");
  EXPECT_NE((Checked{made, words("veth-af_xdp.toml,interface=eth0")}.text("capabilities").find("cap_sys_admin")),
            std::string::npos);
  made.user(1'000, "0000000000003000");
  EXPECT_EQ((Checked{made, words("veth-af_packet.toml,interface=eth0")}.state("capabilities")), State::ok);
}

TEST(CheckSystem, TheClockIsReadWithoutASystemCall) {
  ReadyMachine made;
  const std::string folder = "/sys/devices/system/clocksource/clocksource0/";
  made.file(folder + "current_clocksource", "hpet").file(folder + "available_clocksource", "tsc hpet acpi_pm");
  const Checked slow{made, on_ice()};
  EXPECT_EQ(slow.state("clock source"), State::advised);
  EXPECT_EQ(slow.commands("clock source"), "echo tsc >" + folder + "current_clocksource\n");
  made.file(folder + "available_clocksource", "hpet acpi_pm");
  EXPECT_EQ((Checked{made, on_ice()}.commands("clock source")), "");
  made.file(folder + "current_clocksource", "kvm-clock");
  EXPECT_EQ((Checked{made, on_ice()}.state("clock source")), State::ok);
}

TEST(CheckSystem, TheTimeIsSynchronised) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice(), true}.state("time")), State::ok);
  EXPECT_EQ((Checked{made, on_ice(), std::nullopt}.state("time")), State::not_needed);
  const Checked none{made, on_ice(), false};
  EXPECT_EQ(none.state("time"), State::advised);
  EXPECT_NE(none.commands("time").find("systemd-timesyncd"), std::string::npos);
  made.file("/proc/77/comm", "chronyd");
  EXPECT_NE((Checked{made, on_ice(), false}.text("time").find("chronyd runs")), std::string::npos);
}

TEST(CheckSystem, TheTokenKeyIsThereAndItsOwnersAlone) {
  ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.state("token key")), State::ok);
  std::filesystem::permissions(made.root() + "/keys/token.key", std::filesystem::perms{0644});
  EXPECT_EQ((Checked{made, on_ice()}.commands("token key")), "chmod 600 /keys/token.key\n");
  const Checked none{made, on_ice({}, "/keys/none.key")};
  EXPECT_EQ(none.state("token key"), State::missing);
  EXPECT_EQ(none.commands("token key"), "serried-token keygen --out /keys/none.key\n");
  EXPECT_EQ((Checked{made, Texts{"--check", "--driver", "socket"}}.state("token key")), State::missing);
  EXPECT_EQ((Checked{made, Texts{"--check", "--measurement", "7"}}.state("token key")), State::not_needed);
}

TEST(CheckSystem, AUdpPortIsFreeOrTaken) {
  ReadyMachine made;
  const auto taken_by = [&made](const char* file, const std::string& address, const Texts& more) {
    made.file("/proc/net/udp", "  sl").file("/proc/net/udp6", "  sl");
    made.file(file, "  sl  local_address rem_address\n  1: " + address + ":9C40 00000000:0000 07");
    return Checked{made, on_sockets(more)}.state("udp port") == State::missing;
  };
  EXPECT_TRUE(taken_by("/proc/net/udp", "00000000", {}));
  EXPECT_TRUE(taken_by("/proc/net/udp", "0100007F", {})) << "ours takes all addresses";
  EXPECT_TRUE(taken_by("/proc/net/udp", "0100007F", {"--address", "127.0.0.1"}));
  EXPECT_FALSE(taken_by("/proc/net/udp", "0200007F", {"--address", "127.0.0.1"}));
  EXPECT_TRUE(taken_by("/proc/net/udp6", "00000000000000000000000000000000", {"--address", "127.0.0.1"}));
  EXPECT_TRUE(taken_by("/proc/net/udp6", "B80D0120000000000000000001000000", {"--address", "2001:db8::1"}));
  EXPECT_FALSE(taken_by("/proc/net/udp6", "B80D0120000000000000000002000000", {"--address", "2001:db8::1"}));
  EXPECT_FALSE(taken_by("/proc/net/udp", "00000000", {"--udp-port", "40001"}));
  made.without("/proc/net/udp");
  EXPECT_EQ((Checked{made, on_sockets()}.state("udp port")), State::cannot_tell);
}

TEST(CheckSystem, AnAddressIsOfThisMachine) {
  ReadyMachine made;
  made.file("/proc/net/fib_trie",
            "     |-- 10.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST");
  made.file("/proc/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80 eth1");
  const auto state = [&made](const char* address) {
    return Checked{made, on_sockets({"--address", address})}.state("address");
  };
  EXPECT_EQ(state("10.0.0.1"), State::ok);
  EXPECT_EQ(state("10.0.0.2"), State::missing);
  EXPECT_EQ(state("10.0.0.255"), State::missing);
  EXPECT_EQ(state("127.8.0.1"), State::ok);
  EXPECT_EQ(state("2001:db8::1"), State::ok);
  EXPECT_EQ(state("2001:db8::2"), State::missing);
  EXPECT_EQ((Checked{made, on_sockets()}.state("address")), State::not_needed);
  made.without("/proc/net/fib_trie");
  EXPECT_EQ(state("10.0.0.1"), State::cannot_tell);
}

TEST(CheckSystem, SocketBuffersHaveRoom) {
  ReadyMachine made;
  made.file("/proc/sys/net/core/rmem_max", "212992");
  EXPECT_EQ((Checked{made, on_sockets()}.state("socket buffers")), State::ok) << "root asks no limit";
  made.user(1'000, "0000000000000000");
  const Checked small{made, on_sockets()};
  EXPECT_EQ(small.state("socket buffers"), State::advised);
  EXPECT_EQ(
      small.commands("socket buffers"),
      "sysctl -w net.core.rmem_max=8388608\necho 'net.core.rmem_max = 8388608' >>/etc/sysctl.d/60-serried.conf\n");
  made.file("/proc/sys/net/core/rmem_max", "8388608");
  EXPECT_EQ((Checked{made, on_sockets()}.state("socket buffers")), State::ok);
}

TEST(CheckSystem, HugepagesAreOpenFiles) {
  ReadyMachine made;
  made.limits("unlimited", "100");
  const Checked few{made, on_ice()};
  EXPECT_EQ(few.state("open files"), State::missing) << few.text("open files");
  EXPECT_EQ((Checked{made, on_sockets()}.state("open files")), State::not_needed);
  Texts single = on_ice();
  single.insert(single.begin(), {"--single-file-segments", "--"});
  EXPECT_EQ((Checked{made, single}.state("open files")), State::not_needed);
}

TEST(CheckSystem, TheXdpProgramIsOfThisMachine) {
  const ReadyMachine made;
  EXPECT_EQ((Checked{made, on_ice()}.state("xdp program")), State::not_needed);
  const Texts xdp{"--check", "--profile", profile("veth-af_xdp.toml,interface=eth0"), "--xdp-filter", "on"};
  EXPECT_EQ((Checked{made, xdp}.state("xdp program")), State::cannot_tell);
}

}  // namespace
}  // namespace serried::server
