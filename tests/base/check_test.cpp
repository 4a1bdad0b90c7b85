#include "base/check.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(CheckDeathTest, SaysWhatAndWhereAndAborts) {
  EXPECT_DEATH(SERRIED_CHECK(1 + 1 == 3), "internal error: 1 \\+ 1 == 3 does not hold \\(.*check_test\\.cpp:[0-9]+\\)");
}

TEST(Check, LetsPassWhatHolds) {
  int looked = 0;
  SERRIED_CHECK(++looked == 1);
  EXPECT_EQ(looked, 1) << "evaluated once";
}

#ifndef NDEBUG
TEST(CheckDeathTest, DebugCheckIsOnInDebugBuilds) { EXPECT_DEATH(SERRIED_DCHECK(false), "false does not hold"); }
#endif

}  // namespace
}  // namespace serried::base
