#include "tools/swarm/report.h"

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace serried {
namespace {

tools::Summary example() {
  tools::Summary summary;
  summary.players = 10;
  summary.connected = 9;
  summary.errors = 1;
  summary.error_kinds["silence"] = 1;
  summary.first_error = "nothing was heard";
  summary.update_latency = {1.5, 2.5, 3.5, 4.5};
  summary.drops["bad_crc"] = 3;
  return summary;
}

TEST(SwarmReport, JsonHasWhatTheDemoReads) {
  const auto root = nlohmann::json::parse(tools::json(example()));
  for (const char* key : {"players",
                          "connected",
                          "errors",
                          "error_kinds",
                          "view_mismatches",
                          "audits",
                          "connect_seconds",
                          "connects_per_second",
                          "rx_pps",
                          "tx_pps",
                          "rx_bps",
                          "tx_bps",
                          "updates_per_second_per_bot",
                          "seconds",
                          "drawing",
                          "scene_faults",
                          "frames_drawn",
                          "frames_repeated",
                          "speed_error_percent",
                          "scene_behind_ms",
                          "tracked_audited",
                          "cpu_seconds",
                          "drops",
                          "swarm_lag_ms_max",
                          "swarm_busy",
                          "update_latency_ms",
                          "staleness_ms",
                          "rtt_ms"})
    EXPECT_TRUE(root.contains(key)) << key;
  EXPECT_EQ(root["players"], 10);
  EXPECT_EQ(root["error_kinds"]["silence"], 1);
  EXPECT_EQ(root["update_latency_ms"]["p999"], 3.5);
  EXPECT_EQ(root["drops"]["bad_crc"], 3);
}

TEST(SwarmReport, TextNamesWhatWentWrong) {
  const std::string table = tools::table(example());
  for (const char* part : {"9 of 10 connected", "silence 1", "nothing was heard", "bad_crc 3"})
    EXPECT_NE(table.find(part), std::string::npos) << part;
  EXPECT_EQ(tools::line(example()).find('\n'), std::string::npos);
  tools::Summary behind = example();
  behind.swarm_behind = true;
  EXPECT_NE(tools::table(behind).find("CANNOT KEEP UP"), std::string::npos);
  EXPECT_NE(tools::line(behind).find("BEHIND"), std::string::npos);
}

}  // namespace
}  // namespace serried
