#include "session/id.h"

#include <gtest/gtest.h>

namespace serried::session {
namespace {

TEST(Id, CarriesLaneAndSlotAndIsNeverZero) {
  for (const std::uint32_t lane : {0U, 1U, lanes_max - 1})
    for (const std::uint32_t slot : {0U, 1U, 4'711U, sessions_per_lane_max - 1})
      for (std::uint64_t random = 0; random < 5'000; random += 7) {
        const std::uint32_t id = make_id(lane, slot, random);
        EXPECT_NE(id, 0U);
        EXPECT_EQ(lane_of(id), lane);
        EXPECT_EQ(slot_of(id), slot);
      }
}

TEST(Id, RandomPartDiffersForNeighbours) { EXPECT_NE(make_id(1, 2, 3), make_id(1, 2, 4)); }

}  // namespace
}  // namespace serried::session
