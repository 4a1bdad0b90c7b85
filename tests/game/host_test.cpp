#include "game/host.h"

#include <gtest/gtest.h>

namespace serried::game {
namespace {

TEST(Broadcast, ReachesWhatIsWithinItsRadiusOrEverything) {
  Broadcast line{.position = {100, 100, 100}, .radius_units = 5'000};
  EXPECT_TRUE(line.reaches({100, 100, 100}));
  EXPECT_TRUE(line.reaches({5'100, 100, 100}));
  EXPECT_FALSE(line.reaches({5'101, 100, 100}));
  EXPECT_FALSE(line.reaches({4'000, 4'000, 100}));
  EXPECT_FALSE(line.reaches({100, 100, 6'000}));
  EXPECT_FALSE(line.is_everywhere());
  line.radius_units = Broadcast::everywhere;
  EXPECT_TRUE(line.is_everywhere());
  EXPECT_TRUE(line.reaches({800'000, 0, 0}));
}

}  // namespace
}  // namespace serried::game
