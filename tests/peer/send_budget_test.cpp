#include "peer/send_budget.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

TEST(SendBudget, LetsABurstOutAndThenStaysBelowWhatAServerTakes) {
  peer::SendBudget budget;
  budget.configure(60);
  const Nanos begin = 10 * second;
  unsigned at_once = 0;
  for (; budget.ready_at() <= begin; ++at_once) budget.spend(begin);
  EXPECT_GE(at_once, 32U);
  EXPECT_LE(at_once, 34U);
  unsigned sent = 0;
  for (Nanos now = begin; now < begin + 10 * second; now += millisecond)
    for (; budget.ready_at() <= now; ++sent) budget.spend(now);
  EXPECT_GE(sent, 820U);
  EXPECT_LE(sent, 845U);  // 84 a second of the 90 that a server takes
}

TEST(SendBudget, HasNoLimitWhereTheServerStatesNone) {
  peer::SendBudget budget;
  budget.configure(0);
  for (int i = 0; i < 10'000; ++i) budget.spend(second);
  EXPECT_LE(budget.ready_at(), second);
}

}  // namespace
}  // namespace serried
