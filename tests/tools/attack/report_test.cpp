#include "tools/attack/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace serried {
namespace {

using tools::AttackKind;

tools::AttackSummary some() {
  tools::AttackSummary summary;
  summary.seconds = 2;
  summary.samples = 5;
  summary.tally.refused = 3;
  for (int i = 0; i < 10; ++i) summary.tally.sent(AttackKind::connect, 1'200);
  for (int i = 0; i < 4; ++i) summary.tally.heard(AttackKind::connect, 60);
  for (int i = 0; i < 30; ++i) summary.tally.sent(AttackKind::garbage, 100);
  return summary;
}

TEST(AttackReport, JsonHoldsTheFigures) {
  const auto root = nlohmann::json::parse(tools::attack_json(some()));
  EXPECT_EQ(root["datagrams"], 40);
  EXPECT_EQ(root["datagrams_per_s"], 20.0);
  EXPECT_EQ(root["refused"], 3);
  EXPECT_EQ(root["overheard"], 5);
  EXPECT_DOUBLE_EQ(root["amplification"], 240.0 / 12'000.0);
  EXPECT_EQ(root["kinds"].size(), 2U);
  EXPECT_EQ(root["kinds"]["connect"]["answers"], 4);
  EXPECT_EQ(root["kinds"]["connect"]["answer_bytes"], 240);
  EXPECT_EQ(root["kinds"]["garbage"]["datagrams_per_s"], 15.0);
  EXPECT_EQ(root["kinds"]["garbage"]["amplification"], 0.0);
}

TEST(AttackReport, AmplificationIsThatOfTheWorstKind) {
  auto summary = some();
  summary.tally.heard(AttackKind::garbage, 6'000);
  EXPECT_DOUBLE_EQ(summary.amplification(), 2);
  // An answer to nothing is infinitely much; it must not pass for none.
  summary.tally.heard(AttackKind::spoofed, 50);
  EXPECT_DOUBLE_EQ(summary.amplification(), 50);
}

TEST(AttackReport, TextNamesWhatWasSent) {
  const std::string table = tools::attack_table(some());
  EXPECT_NE(table.find("connect "), std::string::npos);
  EXPECT_NE(table.find("0.0200"), std::string::npos) << table;
  EXPECT_EQ(table.find("replay"), std::string::npos);
  EXPECT_NE(tools::attack_line(some(), 12).find("attack: 12 a second"), std::string::npos);
}

}  // namespace
}  // namespace serried
