#include "server/quota.h"

#include <gtest/gtest.h>

namespace serried::server {
namespace {

TEST(CoresWithin, AreWholeOnesAndAtLeastOne) {
  EXPECT_EQ(cores_within(4.0), 4U);
  EXPECT_EQ(cores_within(2.5), 2U);
  EXPECT_EQ(cores_within(0.3), 1U);
  EXPECT_EQ(cores_within(1e30), 65'536U);
}

TEST(QuotaWarning, OnlyWhereItIsLessThanTheLanes) {
  EXPECT_EQ(quota_warning({}, 8, true), "");
  const machine::CpuQuota quota{1.5, "/sys/fs/cgroup/cpu.max"};
  EXPECT_EQ(quota_warning(quota, 1, true), "");
  const std::string named = quota_warning(quota, 4, true), automatic = quota_warning(quota, 4, false);
  EXPECT_NE(named.find("1.5 CPUs (/sys/fs/cgroup/cpu.max), and lanes poll on 4: the kernel stops them"),
            std::string::npos)
      << named;
  EXPECT_NE(automatic.find("on 4; give it CPUs instead"), std::string::npos) << automatic;
}

}  // namespace
}  // namespace serried::server
