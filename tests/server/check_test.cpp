#include "server/check.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "made_up_server.h"

namespace serried::server {
namespace {

using support::MadeUpMachine;

TEST(CheckMachine, AReadyOneHasEverything) {
  const ReadyMachine made;
  const Checked checked{made, on_ice()};
  EXPECT_TRUE(checked.reading.faults.empty()) << config::fault_text(checked.reading.faults);
  EXPECT_EQ(checked.open(), Texts{}) << check_text(checked.needs, checked.findings, false);
  EXPECT_EQ(exit_code(checked.findings), 0);
}

TEST(CheckMachine, SocketsNeedLittle) {
  const ReadyMachine made;
  const Checked checked{made, on_sockets()};
  EXPECT_EQ(checked.open(), Texts{}) << check_text(checked.needs, checked.findings, false);
  for (const char* const item : {"hugepages", "hugetlbfs", "nic", "binding", "iommu", "vfio", "drivers", "ports",
                                 "interface", "queues", "isolation", "capabilities", "firmware"})
    EXPECT_EQ(checked.state(item), State::not_needed) << item;
}

/// A container that shows nothing: what is needed cannot be told or is not there, nothing is made up, and nothing falls
/// over.
TEST(CheckMachine, AMachineThatShowsNothing) {
  const MadeUpMachine made;
  const Checked checked{made, on_ice(), std::nullopt};
  EXPECT_EQ(exit_code(checked.findings), 1);
  for (const char* const item : {"kernel", "instructions", "cpus", "hugepages", "locked memory", "drivers", "nic"})
    EXPECT_EQ(checked.state(item), State::cannot_tell) << item << ": " << checked.text(item);
  for (const char* const item : {"sysfs", "token key", "firmware", "vfio"})
    EXPECT_EQ(checked.state(item), State::missing) << item << ": " << checked.text(item);
  for (const Finding& finding : checked.findings) EXPECT_FALSE(finding.text.empty()) << finding.item;
}

TEST(CheckMachine, EveryItemSpeaksAndHasAName) {
  std::set<std::string> names;
  for (const CheckItem& item : check_items())
    EXPECT_TRUE(names.insert(item.name).second) << item.name << " is there twice";
  const ReadyMachine made;
  for (const Texts& words : {on_ice(), on_sockets()}) {
    const Checked checked{made, words};
    for (const std::string& name : names) EXPECT_FALSE(checked.of(name).text.empty()) << name;
  }
}

TEST(CheckMachine, ThePageOfTheCheckNamesItsItems) {
  const std::string page = base::read_file(std::string{SERRIED_SOURCE_ROOT} + "/docs/running.md").value_or("");
  std::map<std::string, std::string> rows;
  for (const CheckItem& item : check_items()) {
    std::string& row = rows[item.group];
    row += (row.empty() ? "" : ", ") + std::string{item.name};
  }
  EXPECT_EQ(rows.size(), 4U);
  for (const auto& [group, names] : rows)
    EXPECT_NE(page.find("| `" + group + "` | " + names + " |\n"), std::string::npos)
        << "| `" << group << "` | " << names << " |";
}

/// What is missing comes with a way to mend it; what is not needed with none.
TEST(CheckMachine, WhatIsMissingComesWithACommand) {
  MadeUpMachine bare;
  bare.file("/proc/self/status", "Uid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\nCapEff:\t0\nCpus_allowed_list:\t0-1");
  bare.file("/proc/sys/kernel/osrelease", "4.4.0").folder("/sys/bus/pci/devices").folder("/sys/class/net/lo");
  bare.file("/proc/self/limits", "Max open files 64 64 files\nMax locked memory 65536 65536 bytes");
  bare.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0").folder(port::driver_folder());
  const Texts xdp{"--check", "--profile", profile("veth-af_xdp.toml,interface=eth9"), "--xdp-filter", "on"};
  for (const Texts& words : {on_ice(), xdp, on_sockets({"--address", "192.0.2.1"})}) {
    const Checked checked{bare, words};
    EXPECT_EQ(exit_code(checked.findings), 1);
    for (const Finding& finding : checked.findings) {
      if (finding.state == State::missing && finding.item != "configuration") {
        EXPECT_FALSE(finding.changes.empty()) << finding.item << ": " << finding.text;
      }
      if (finding.state == State::ok || finding.state == State::not_needed) {
        EXPECT_TRUE(finding.changes.empty()) << finding.item;
      }
    }
  }
}

TEST(ExitCode, CountsWhatIsMissingOrCannotBeTold) {
  const auto code = [](State state) {
    return exit_code(std::vector<Finding>{{"a", "g", "", State::ok, "", {}}, {"b", "g", "", state, "", {}}});
  };
  EXPECT_EQ(code(State::ok), 0);
  EXPECT_EQ(code(State::advised), 0);
  EXPECT_EQ(code(State::not_needed), 0);
  EXPECT_EQ(code(State::missing), 1);
  EXPECT_EQ(code(State::cannot_tell), 1);
}

TEST(CommandOf, IsWhatAPersonTypes) {
  using Kind = Change::Kind;
  EXPECT_EQ(command_of({Kind::value, "/proc/sys/net/core/rmem_max", "8"}), "sysctl -w net.core.rmem_max=8");
  EXPECT_EQ(command_of({Kind::value, "/sys/x/nr_hugepages", "8"}), "echo 8 >/sys/x/nr_hugepages");
  EXPECT_EQ(command_of({Kind::line, "/etc/f", "a b \"c\""}), "echo 'a b \"c\"' >>/etc/f");
  EXPECT_EQ(command_of({Kind::module, "", "vfio-pci"}), "modprobe vfio-pci");
  EXPECT_EQ(command_of({Kind::driver, "0000:18:00.0", "vfio-pci"}), "dpdk-devbind.py --bind=vfio-pci 0000:18:00.0");
  EXPECT_EQ(command_of({Kind::boot, "", "iommu=pt"}), "kernel command line: iommu=pt");
  EXPECT_EQ(command_of({Kind::command, "", "ip link"}), "ip link");
}

}  // namespace
}  // namespace serried::server
