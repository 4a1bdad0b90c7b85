#include "shard/phase_barrier.h"

#include <gtest/gtest.h>

namespace serried::shard {
namespace {

TEST(PhaseBarrier, IsReachedWhenTheLastArrives) {
  PhaseBarrier barrier(3);
  barrier.arrive(0, 2);
  barrier.arrive(2, 3);
  EXPECT_FALSE(barrier.all_at(2));
  barrier.arrive(1, 2);
  EXPECT_TRUE(barrier.all_at(2));
  EXPECT_FALSE(barrier.all_at(3));
}

TEST(PhaseBarrier, OneShardIsNeverHeldUp) {
  PhaseBarrier barrier(1);
  barrier.arrive(0, 7);
  EXPECT_TRUE(barrier.all_at(7));
}

}  // namespace
}  // namespace serried::shard
