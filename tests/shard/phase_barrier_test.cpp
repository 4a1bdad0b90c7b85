#include "shard/phase_barrier.h"

#include <gtest/gtest.h>

namespace serried::shard {
namespace {

TEST(PhaseBarrier, IsReachedWhenTheLastArrives) {
  PhaseBarrier meet(3);
  meet.arrive(0, 2);
  meet.arrive(2, 3);
  EXPECT_FALSE(meet.all_at(2));
  meet.arrive(1, 2);
  EXPECT_TRUE(meet.all_at(2));
  EXPECT_FALSE(meet.all_at(3));
}

TEST(PhaseBarrier, OneShardIsNeverHeldUp) {
  PhaseBarrier meet(1);
  meet.arrive(0, 7);
  EXPECT_TRUE(meet.all_at(7));
}

}  // namespace
}  // namespace serried::shard
