#include "tools/impair/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rig.h"

namespace serried::tools {
namespace {

TEST(RelayReport, HasEveryCounter) {
  RelayConfig config;
  config.profile[0].loss = 1;
  Rig rig(config);
  rig.ask(0, "lost");
  rig.turn(Direction::up, &RelayCounters::lost, 1);
  const auto json = nlohmann::json::parse(impair_json(*rig.relay, 2.5));
  EXPECT_EQ(json["seconds"], 2.5);
  EXPECT_EQ(json["clients"], 1);
  EXPECT_EQ(json["up"]["received"], 1);
  EXPECT_EQ(json["up"]["received_bytes"], 4);
  EXPECT_EQ(json["up"]["lost"], 1);
  for (const char* key :
       {"delivered", "delivered_bytes", "overflowed", "refused", "duplicated", "reordered", "held", "missed", "unsent"})
    EXPECT_EQ(json["up"][key], 0) << key;
  EXPECT_EQ(json["down"]["received"], 0);
  EXPECT_NE(impair_table(*rig.relay, 2.5).find("1 clients in 2.5 s"), std::string::npos);
  EXPECT_NE(impair_line(*rig.relay, 2.5).find("up 0 of 1"), std::string::npos);
}

}  // namespace
}  // namespace serried::tools
