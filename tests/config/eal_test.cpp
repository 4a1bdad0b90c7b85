#include "config/eal.h"

#include <gtest/gtest.h>

namespace serried::config {
namespace {

using Texts = std::vector<std::string>;

EalOptions options_of(const Texts& arguments) { return read_eal(arguments); }
Texts merged(const Texts& profile, const Texts& given) { return merge_eal(profile, given); }

TEST(ReadEal, DevicesInEveryWayToWriteThem) {
  const EalOptions found = options_of({"--vdev=net_af_xdp0,iface=eth1,busy_budget=0", "--vdev", "net_null0", "-a",
                                       "0000:18:00.0", "-a18:00.1,safe-mode-support=1", "--allow=0000:3b:00.0"});
  ASSERT_EQ(found.devices.size(), 5U);
  EXPECT_EQ(found.devices[0].name, "net_af_xdp0");
  EXPECT_EQ(found.devices[0].driver(), "net_af_xdp");
  EXPECT_EQ(found.devices[0].argument("iface"), "eth1");
  EXPECT_EQ(found.devices[0].argument("busy_budget"), "0");
  EXPECT_FALSE(found.devices[0].argument("queue_count"));
  EXPECT_EQ(found.devices[1].name, "net_null0");
  EXPECT_TRUE(found.devices[1].arguments.empty());
  EXPECT_TRUE(found.devices[2].pci);
  EXPECT_EQ(found.devices[2].name, "0000:18:00.0");
  EXPECT_EQ(found.devices[2].driver(), "") << "its ids decide";
  EXPECT_EQ(found.devices[3].name, "18:00.1");
  EXPECT_EQ(found.devices[3].argument("safe-mode-support"), "1");
  EXPECT_EQ(found.devices[4].name, "0000:3b:00.0");
}

TEST(ReadEal, DriversOfVirtualDevices) {
  const std::pair<const char*, const char*> cases[] = {
      {"net_af_packet3", "net_af_packet"}, {"net_virtio_user0", "net_virtio_user"},
      {"virtio_user0", "net_virtio_user"}, {"net_pcap_players", "net_pcap"},
      {"net_vhost12", "net_vhost"},        {"net_ring_a", "net_ring"},
      {"net_unheard_of", "net_unheard_of"}};
  for (const auto& [name, driver] : cases) EXPECT_EQ((EalDevice{name, false, {}}.driver()), driver);
}

TEST(ReadEal, MemoryPciCoresAndPrefix) {
  const EalOptions usual = options_of({});
  EXPECT_TRUE(usual.huge && usual.pci);
  EXPECT_FALSE(usual.in_memory || usual.cores);
  EXPECT_EQ(usual.file_prefix, "rte");
  const EalOptions all = options_of({"--no-huge", "--in-memory", "--no-pci", "--file-prefix", "mine", "-l0-3"});
  EXPECT_FALSE(all.huge || all.pci);
  EXPECT_TRUE(all.in_memory && all.cores);
  EXPECT_EQ(all.file_prefix, "mine");
  for (const char* const cores : {"-l", "-c", "--lcores"}) EXPECT_TRUE(options_of({cores, "1"}).cores) << cores;
  EXPECT_EQ(options_of({"--file-prefix=other"}).file_prefix, "other");
}

TEST(MergeEal, WithoutEitherTheOtherStands) {
  const Texts profile{"--no-pci", "--vdev=net_null0"}, given{"-l", "1"};
  EXPECT_EQ(merged(profile, {}), profile);
  EXPECT_EQ(merged({}, given), given);
  EXPECT_EQ(merged(profile, given), (Texts{"--no-pci", "--vdev=net_null0", "-l", "1"}));
}

TEST(MergeEal, TheCommandLineSpeaksOfASubjectAlone) {
  EXPECT_EQ(merged({"--lcores", "2-3", "--in-memory"}, {"-l", "1"}), (Texts{"--in-memory", "-l", "1"}));
  EXPECT_EQ(merged({"--in-memory", "--huge-dir", "/h"}, {"--no-huge", "-m", "256"}), (Texts{"--no-huge", "-m", "256"}));
  EXPECT_EQ(merged({"--socket-mem", "64,64", "--huge-unlink"}, {"-m", "128"}), (Texts{"--huge-unlink", "-m", "128"}));
  EXPECT_EQ(merged({"--vdev=net_null0", "--vdev", "net_null1"}, {"--vdev=net_ring0"}), Texts{"--vdev=net_ring0"});
  EXPECT_EQ(merged({"--log-level=debug", "--no-telemetry"}, {"--log-level=error"}),
            (Texts{"--no-telemetry", "--log-level=error"}));
}

TEST(MergeEal, APciDeviceWantsPci) {
  EXPECT_EQ(merged({"--no-pci", "--vdev=net_null0"}, {"-a", "0000:18:00.0"}), (Texts{"-a", "0000:18:00.0"}));
  EXPECT_EQ(merged({"--no-pci", "--vdev=net_null0"}, {"--vdev=net_null1"}), (Texts{"--no-pci", "--vdev=net_null1"}));
}

TEST(NamesPages, AndNamesMemory) {
  for (const char* const option : {"--no-huge", "--in-memory", "--huge-dir=/h", "--huge-unlink"}) {
    EXPECT_TRUE(names_pages(Texts{option})) << option;
    EXPECT_FALSE(names_memory(Texts{option})) << option;
  }
  for (const char* const option : {"-m", "-m512", "--socket-mem=64"}) {
    EXPECT_TRUE(names_memory(Texts{option})) << option;
    EXPECT_FALSE(names_pages(Texts{option})) << option;
  }
  EXPECT_FALSE(names_pages(Texts{"--vdev", "net_null0"}));
}

}  // namespace
}  // namespace serried::config
