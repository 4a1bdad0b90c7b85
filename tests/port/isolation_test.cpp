#include "port/isolation.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "port/shared_eal.h"

namespace serried::port {
namespace {

TEST(Isolation, IsOfThreeDriversWithoutInterfacesAndOverFiles) {
  const std::string base =
      (std::filesystem::temp_directory_path() / "serried-isolation-").string() + std::to_string(getpid());
  const std::string file = base + ".pcap", pipe = base + ".pipe";
  std::ofstream{file} << "frames";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  struct Case {
    std::string driver, arguments;
    unsigned interface;
    std::string said;  ///< empty: no stranger can send to it
  };
  const Case cases[] = {
      {"net_null", "size=64", 0, ""},
      {"net_ring", "", 0, ""},
      {"net_pcap", "", 0, ""},
      {"net_pcap", "rx_pcap=" + file + ",infinite_rx=1", 0, ""},
      {"net_pcap", "rx_pcap=" + file + ",rx_pcap=" + file + ",tx_pcap=/nowhere/out", 0, ""},
      {"net_pcap", "rx_pcap=" + file + ",rx_pcap=" + pipe, 0, pipe + ", which is no regular file"},
      {"net_pcap", "rx_pcap=/nowhere/in", 0, "no regular file"},
      {"net_pcap", "rx_pcap=/dev/stdin", 0, "no regular file"},
      {"net_pcap", "rx_pcap", 0, "no regular file"},
      {"net_pcap", "iface=eth0", 0, "interface eth0"},
      {"net_pcap", "rx_iface=eth0", 0, "interface eth0"},
      {"net_pcap", "rx_iface_in=eth0", 0, "interface eth0"},
      {"net_pcap", "rx_pcap=" + file + ",tx_iface=eth0", 0, "interface eth0"},
      {"net_pcap", "rx_pcap=" + file, 3, "interface of the kernel"},
      {"net_memif", "", 0, "net_memif"},
      {"net_af_packet", "iface=lo", 1, "net_af_packet"},
      {"net_af_xdp", "iface=lo", 0, "net_af_xdp"},
      {"net_tap", "", 0, "net_tap"},
      {"net_bonding", "member=net_null0", 0, "net_bonding"},
      {"mlx5_pci", "", 0, "mlx5_pci"},
      {"", "", 0, "is of "},
  };
  for (const Case& a_case : cases) {
    const std::string fault = isolation_fault(a_case.driver, a_case.arguments, a_case.interface);
    EXPECT_EQ(fault.empty(), a_case.said.empty()) << a_case.driver << " " << a_case.arguments << ": " << fault;
    EXPECT_NE(fault.find(a_case.said), std::string::npos) << a_case.driver << " " << a_case.arguments << ": " << fault;
  }
  std::filesystem::remove(file);
  std::filesystem::remove(pipe);
}

/// Expect EAL to hand on the arguments that a device was given: what was a file when it was opened is none any more.
TEST(Isolation, LooksAtTheDevicesOfEal) {
  in_fresh_process([] {
    const std::string file =
        (std::filesystem::temp_directory_path() / "serried-isolated-").string() + std::to_string(getpid());
    std::ofstream{file}.write("\x4D\x3C\xB2\xA1\x02\0\x04\0\0\0\0\0\0\0\0\0\xFF\xFF\0\0\x01\0\0\0", 24);
    ASSERT_TRUE(start_eal({"--no-huge", "--no-pci", "-m", "64", "--no-shconf", "--no-telemetry", "--lcores", "0",
                           "--log-level", "error", "--vdev", "net_null0", "--vdev", "net_memif0,role=client", "--vdev",
                           "net_pcap0,rx_pcap=" + file}));
    const auto ring = make_ring_pair("isolated");
    ASSERT_TRUE(ring);
    const auto said = [](const std::string& name) {
      std::uint16_t id = 0;
      EXPECT_EQ(rte_eth_dev_get_port_by_name(name.c_str(), &id), 0) << name;
      const auto checked = check_isolated(id);
      return checked ? std::string{} : checked.error().message;
    };
    EXPECT_EQ(said("net_null0"), "");
    EXPECT_EQ(said(ring.value().first), "");
    EXPECT_EQ(said("net_memif0"), "device net_memif0 is of net_memif");
    EXPECT_EQ(said("net_pcap0"), "");
    std::filesystem::remove(file);
    EXPECT_EQ(said("net_pcap0"), "device net_pcap0 reads " + file + ", which is no regular file");
  });
}

}  // namespace
}  // namespace serried::port
