#include "replicate/config.h"

#include <gtest/gtest.h>

namespace serried::replicate {
namespace {

TEST(Config, DefaultsAreValid) { EXPECT_TRUE(Config{}.validate().empty()); }

TEST(Config, EveryFaultIsNamed) {
  Config config;
  config.datagram_bytes = 2'000;
  config.tracked_max = 128;
  config.near_distance = 0;
  const auto faults = config.validate();
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_NE(faults[0].find("datagram_bytes"), std::string::npos);
  EXPECT_NE(faults[1].find("tracked_max"), std::string::npos);
  EXPECT_NE(faults[2].find("near_distance"), std::string::npos);
}

}  // namespace
}  // namespace serried::replicate
