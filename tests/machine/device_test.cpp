#include "machine/device.h"

#include <gtest/gtest.h>

#include "support/made_up_machine.h"

namespace serried::machine {
namespace {

using support::MadeUpMachine;

void add_pci(MadeUpMachine& made, const std::string& address, const std::string& kind, const std::string& driver,
             const std::string& group) {
  const std::string folder = "/sys/bus/pci/devices/" + address;
  made.file(folder + "/class", kind).file(folder + "/vendor", "0x8086").file(folder + "/device", "0x1592");
  made.file(folder + "/numa_node", "1");
  if (!driver.empty()) made.link(folder + "/driver", "../../../bus/pci/drivers/" + driver);
  if (group.empty()) return;
  made.link(folder + "/iommu_group", "../../../kernel/iommu_groups/" + group);
  made.folder("/sys/kernel/iommu_groups/" + group + "/devices/" + address);
}

TEST(PciDevice, IsReadWhole) {
  MadeUpMachine made;
  add_pci(made, "0000:18:00.0", "0x020000", "ice", "12");
  const std::string folder = "/sys/bus/pci/devices/0000:18:00.0";
  made.folder(folder + "/net/eth2").file(folder + "/current_link_speed", "8.0 GT/s PCIe");
  made.file(folder + "/max_link_speed", "16.0 GT/s PCIe").file(folder + "/current_link_width", "8");
  made.file(folder + "/max_link_width", "16");
  const auto device = pci_device(made.view(), "0000:18:00.0");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->vendor, 0x8086U);
  EXPECT_EQ(device->device, 0x1592U);
  EXPECT_EQ(device->kind, 0x0200U);
  EXPECT_EQ(device->driver, "ice");
  EXPECT_EQ(device->node, 1);
  EXPECT_EQ(device->iommu_group, "12");
  EXPECT_EQ(device->interfaces, std::vector<std::string>{"eth2"});
  EXPECT_EQ(device->speed, "8.0 GT/s PCIe");
  EXPECT_EQ(device->speed_max, "16.0 GT/s PCIe");
  EXPECT_EQ(device->width, 8U);
  EXPECT_EQ(device->width_max, 16U);
  EXPECT_FALSE(pci_device(made.view(), "0000:19:00.0"));
}

TEST(PciDevice, WhatTheKernelDoesNotSayIsLeftOut) {
  MadeUpMachine made;
  made.file("/sys/bus/pci/devices/0000:00:03.0/class", "0x020000");
  const auto device = pci_device(made.view(), "0000:00:03.0");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->node, -1);
  EXPECT_TRUE(device->driver.empty() && device->iommu_group.empty() && device->interfaces.empty());
  EXPECT_EQ(device->width, 0U);
}

TEST(PciDevice, AVirtioDeviceHasItsInterfaceBelow) {
  MadeUpMachine made;
  add_pci(made, "0000:00:03.0", "0x020000", "virtio-pci", "");
  made.folder("/sys/bus/pci/devices/0000:00:03.0/virtio2/net/ens3");
  EXPECT_EQ(pci_device(made.view(), "0000:00:03.0")->interfaces, std::vector<std::string>{"ens3"});
}

TEST(EthernetDevices, AreThoseOfTheirClass) {
  MadeUpMachine made;
  add_pci(made, "0000:00:01.0", "0x060400", "pcieport", "");
  add_pci(made, "0000:00:03.0", "0x020000", "", "");
  add_pci(made, "0000:00:04.0", "0x010000", "virtio-pci", "");
  add_pci(made, "0000:00:1f.0", "0x020000", "", "");
  const auto found = ethernet_devices(made.view());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].address, "0000:00:03.0");
  EXPECT_EQ(found[1].address, "0000:00:1f.0");
}

TEST(GroupNeighbours, AreThoseThatKeepAGroupFromVfio) {
  MadeUpMachine made;
  add_pci(made, "0000:18:00.0", "0x020000", "vfio-pci", "12");
  add_pci(made, "0000:18:00.1", "0x020000", "ice", "12");
  add_pci(made, "0000:18:00.2", "0x020000", "", "12");
  add_pci(made, "0000:18:00.3", "0x020000", "vfio-pci", "12");
  add_pci(made, "0000:17:00.0", "0x060400", "pcieport", "12");
  add_pci(made, "0000:19:00.0", "0x020000", "ice", "13");
  const auto found = group_neighbours(made.view(), *pci_device(made.view(), "0000:18:00.0"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].address, "0000:18:00.1");
  add_pci(made, "0000:20:00.0", "0x020000", "ice", "");
  EXPECT_TRUE(group_neighbours(made.view(), *pci_device(made.view(), "0000:20:00.0")).empty());
}

TEST(FullPciAddress, TakesTheShortFormToo) {
  EXPECT_EQ(full_pci_address("18:00.0"), "0000:18:00.0");
  EXPECT_EQ(full_pci_address("0000:18:00.0"), "0000:18:00.0");
  EXPECT_EQ(full_pci_address("0000:3B:00.0"), "0000:3b:00.0");
  for (const char* const other : {"net_null0", "0", "", "eth0.5", "a:b", "pci:0.1"})
    EXPECT_EQ(full_pci_address(other), other);
}

TEST(Interface, IsReadWhole) {
  MadeUpMachine made;
  const std::string folder = "/sys/class/net/eth2";
  made.file(folder + "/operstate", "up").file(folder + "/mtu", "1500");
  for (const char* const queue : {"rx-0", "rx-1", "tx-0"}) made.folder(folder + "/queues/" + queue);
  auto found = interface(made.view(), "eth2");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->up);
  EXPECT_EQ(found->mtu, 1500U);
  EXPECT_EQ(found->rx_queues, 2U);
  EXPECT_FALSE(found->routed);
  EXPECT_FALSE(interface(made.view(), "eth3"));
  EXPECT_FALSE(interface(made.view(), ""));
  made.file(folder + "/operstate", "down");
  EXPECT_FALSE(interface(made.view(), "eth2")->up);
}

TEST(Interface, TrafficOfTheMachineGoesByIt) {
  MadeUpMachine made;
  for (const char* const name : {"eth0", "eth1", "eth2"}) made.folder("/sys/class/net/" + std::string(name));
  made.file("/proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0100A8C0");
  made.file("/proc/net/if_inet6",
            "fe800000000000000000000000000001 02 40 20 80 eth2\n20010db8000000000000000000000001 02 40 00 80 eth1");
  EXPECT_TRUE(interface(made.view(), "eth0")->routed);
  EXPECT_TRUE(interface(made.view(), "eth1")->routed);
  EXPECT_FALSE(interface(made.view(), "eth2")->routed) << "every interface has an address of the link";
}

}  // namespace
}  // namespace serried::machine
