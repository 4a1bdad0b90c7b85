#include "base/fixed_stack.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(FixedStack, LastInFirstOut) {
  FixedStack<int> stack{3};
  stack.push(1);
  stack.push(2);
  EXPECT_EQ(stack.pop(), 2);
  EXPECT_EQ(stack.pop(), 1);
  EXPECT_TRUE(stack.empty());
}

TEST(FixedStack, LendsABurstAndClosesTheGap) {
  FixedStack<int> stack{8};
  for (int i = 0; i < 6; ++i) stack.push(i);
  EXPECT_EQ(stack.newest(4)[0], 2);
  stack.drop_of_newest(4, 3);  // 2, 3, 4 were taken, 5 was not
  ASSERT_EQ(stack.size(), 3U);
  EXPECT_EQ(stack.pop(), 5);
  EXPECT_EQ(stack.pop(), 1);
  EXPECT_EQ(stack.pop(), 0);
}

TEST(FixedStackDeathTest, OverflowIsABug) {
  FixedStack<int> stack{1};
  stack.push(1);
  EXPECT_DEATH(stack.push(2), "internal error");
}

}  // namespace
}  // namespace serried::base
