#include "port/cpus.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support/restricted.h"

namespace serried::port {
namespace {

TEST(RunOn, MovesOnlyTheCallingThread) {
  const auto before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  std::vector<unsigned> inside;
  std::thread{[&] {
    EXPECT_TRUE(run_on({before.back()}));
    inside = allowed_cpus();
  }}.join();
  EXPECT_EQ(inside, std::vector<unsigned>{before.back()});
  EXPECT_EQ(allowed_cpus(), before);
}

TEST(RunOn, RefusesAnEmptySetOfCores) { EXPECT_FALSE(run_on({})); }

/// A set that holds a CPU of a high number is as good as one without: the kernel takes those of it that there are.
TEST(RunOn, NumbersMayBeHigh) {
  const auto before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  for (const unsigned high : {128U, 1'023U, 1'024U, 5'000U}) {
    std::thread{[&] {
      EXPECT_FALSE(run_on({high})) << "this machine has not so many";
      EXPECT_TRUE(run_on({before.front(), high}));
      EXPECT_EQ(allowed_cpus(), std::vector<unsigned>{before.front()});
    }}.join();
  }
  EXPECT_FALSE(run_on({~0U}));
}

TEST(RunOn, ASystemMayForbidToChoose) {
  bool skipped = false;
  const std::string wrong = in_child([] { return forbid({{SYS_sched_setaffinity}}); },
                                     [] { return std::string(run_on(allowed_cpus()) ? "was allowed" : ""); }, skipped);
  if (skipped) GTEST_SKIP() << "needs seccomp";
  EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace serried::port
