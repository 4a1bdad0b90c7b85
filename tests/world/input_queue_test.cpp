#include "world/input_queue.h"

#include <gtest/gtest.h>

namespace serried::world {
namespace {

TEST(InputQueue, FirstInCountsWhateverItsSequence) {
  InputQueue queue;
  EXPECT_EQ(queue.push(40'000, {}), InputQueue::Result::queued);
  EXPECT_EQ(queue.push(40'000, {}), InputQueue::Result::stale);
  EXPECT_EQ(queue.push(39'999, {}), InputQueue::Result::stale);
  EXPECT_EQ(queue.push(40'001, {}), InputQueue::Result::queued);
}

TEST(InputQueue, SequencesWrap) {
  InputQueue queue;
  EXPECT_EQ(queue.push(0xFFFF, {}), InputQueue::Result::queued);
  EXPECT_EQ(queue.push(0, {}), InputQueue::Result::queued);
  EXPECT_EQ(queue.push(0xFFFE, {}), InputQueue::Result::stale);
}

TEST(InputQueue, WhenFullTheOldestGoes) {
  InputQueue queue;
  for (std::uint16_t i = 1; i <= 8; ++i) EXPECT_EQ(queue.push(i, {}), InputQueue::Result::queued);
  EXPECT_EQ(queue.push(9, {}), InputQueue::Result::oldest_dropped);
  for (std::uint16_t i = 2; i <= 9; ++i) EXPECT_EQ(queue.pop().sequence, i);
  EXPECT_EQ(queue.count, 0);
}

}  // namespace
}  // namespace serried::world
