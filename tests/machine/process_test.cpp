#include "machine/process.h"

#include <gtest/gtest.h>

#include "support/made_up_machine.h"

namespace serried::machine {
namespace {

using support::MadeUpMachine;

TEST(Rights, OfTheProcessThatLooks) {
  MadeUpMachine made;
  made.file("/proc/self/status",
            "Uid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nGroups:\t27 44\nCapEff:\t0000000000003000");
  const auto found = rights(made.view());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, 1001U);
  EXPECT_EQ(found->groups, (std::vector<unsigned>{101, 27, 44}));
  EXPECT_TRUE(found->has(12) && found->has(13));
  EXPECT_FALSE(found->has(14) || found->has(0));
  EXPECT_FALSE(rights(MadeUpMachine{}.view()));
}

TEST(Rights, MayUseAFileAsItsOwnerGroupOrAnyone) {
  const Rights user{1000, {27}, 0};
  EXPECT_TRUE(user.may_use({1000, 0, 0600}));
  EXPECT_FALSE(user.may_use({0, 0, 0600}));
  EXPECT_TRUE(user.may_use({0, 27, 0660}));
  EXPECT_FALSE(user.may_use({0, 27, 0640}));
  EXPECT_TRUE(user.may_use({0, 0, 0666}));
  EXPECT_FALSE(user.may_use({1000, 27, 0066})) << "the owner's bits alone count for the owner";
  EXPECT_TRUE((Rights{1000, {}, 1U << 1}).may_use({0, 0, 0600})) << "CAP_DAC_OVERRIDE";
}

TEST(Limit, IsTheSoftOne) {
  MadeUpMachine made;
  made.file("/proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units\n"
            "Max locked memory         8388608              unlimited            bytes\n"
            "Max open files            unlimited            unlimited            files");
  EXPECT_EQ(limit(made.view(), "Max locked memory"), 8'388'608U);
  EXPECT_EQ(limit(made.view(), "Max open files"), unlimited);
  EXPECT_FALSE(limit(made.view(), "Max msgqueue size"));
  EXPECT_FALSE(limit(MadeUpMachine{}.view(), "Max open files"));
}

TEST(IsRunning, GoesByTheNamesOfProcesses) {
  MadeUpMachine made;
  made.file("/proc/17/comm", "irqbalance").file("/proc/18/comm", "sshd").file("/proc/self/comm", "server");
  EXPECT_TRUE(is_running(made.view(), "irqbalance"));
  EXPECT_FALSE(is_running(made.view(), "chronyd"));
  EXPECT_FALSE(is_running(made.view(), "server"));
}

TEST(KernelVersion, ItsFirstTwoNumbers) {
  MadeUpMachine made;
  made.file("/proc/sys/kernel/osrelease", "6.1.0-13-amd64");
  EXPECT_EQ(kernel_version(made.view()), (KernelVersion{6, 1}));
  EXPECT_LT((KernelVersion{5, 19}), (KernelVersion{6, 1}));
  EXPECT_LT((KernelVersion{5, 4}), (KernelVersion{5, 10}));
  EXPECT_EQ(kernel_version(MadeUpMachine{}.view()), KernelVersion{});
}

TEST(KernelVersion, OfThisMachineIsKnown) { EXPECT_GE(kernel_version(View{}), (KernelVersion{4, 0})); }

}  // namespace
}  // namespace serried::machine
