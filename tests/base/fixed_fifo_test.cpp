#include "base/fixed_fifo.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(FixedFifo, KeepsOrderRoundItsEnd) {
  FixedFifo<int> fifo{4};
  int in = 0, out = 0;
  for (int round = 0; round < 10; ++round) {
    while (fifo.push(in)) ++in;
    EXPECT_TRUE(fifo.full());
    EXPECT_EQ(fifo.size(), 4U);
    EXPECT_EQ(fifo.front(), out);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(fifo.pop(), out++);
  }
  while (!fifo.empty()) EXPECT_EQ(fifo.pop(), out++);
  EXPECT_EQ(in, out);
}

TEST(FixedFifo, RoundsItsCapacityUp) {
  FixedFifo<int> fifo{5};
  int pushed = 0;
  while (fifo.push(pushed)) ++pushed;
  EXPECT_EQ(pushed, 8);
}

}  // namespace
}  // namespace serried::base
