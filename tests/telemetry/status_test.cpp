#include "telemetry/status.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "synthetic.h"

namespace serried::telemetry {
namespace {

class Status : public testing::Test {
 protected:
  Status() {
    for (unsigned s = 1; s <= 3; ++s) {
      fill_synthetic(snapshot_, s);
      meter_.sample(snapshot_);
    }
  }
  Snapshot snapshot_;
  Meter meter_;
  StatusFacts facts_{16.667, 16'384};
};

void expect_parts(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " is not in:\n" << text;
}

TEST_F(Status, TheLineHasEverythingAndNoEnd) {
  const std::string line = status_line(snapshot_, meter_, facts_);
  expect_parts(line, {"00:00:02", "players 1000", "sessions 1003", "in 60.0k/s 48.0Mbit/s", "out 60.5k/s 528Mbit/s",
                      "p99 7.", "of 16.67 ms", "io0 50%", "shard0 25%", "20 handshakes/s", "drops 1.25k/s",
                      "stale_input 3.70k", "bad_crc 30", "1 more reasons"});
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(Status, TheTableHasALineForEachSubject) {
  const std::string table = status_table(snapshot_, meter_, facts_);
  expect_parts(table, {"players     1000 of 16384", "in          60.0k packets/s", "out         60.5k packets/s",
                       "tick        p50", "3 late of 180", "busy        io0 50%, shard0 25%", "transmit_full 6",
                       "300 MiB resident, 200 MiB heap"});
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 8);
}

TEST_F(Status, TheFinalTableAccountsForEveryPacket) {
  const std::string table = final_table(snapshot_, meter_, facts_);
  expect_parts(table, {"2.0 s with players (at most 1000)", "180060 received = 180000 delivered + 15 host + 45 dropped",
                       "established 1010, timed_out 7", "handshakes  answered 60, accepted 60, denied_expired 3",
                       "port        rx_frames 180060,", "bad_crc", "CRC32C does not match the trailer",
                       "io0        core 0, busy 50.0%", "ns a packet", "0 allocations"});
  EXPECT_EQ(table.find("DOES NOT BALANCE"), std::string::npos) << table;
  ++snapshot_.counters[CounterId::port_rx_frames];
  EXPECT_NE(final_table(snapshot_, meter_, facts_).find("DOES NOT BALANCE"), std::string::npos);
}

TEST_F(Status, MeasurementModeIsNamedWhereverFiguresAre) {
  for (const auto& text : {status_line(snapshot_, meter_, facts_), status_table(snapshot_, meter_, facts_),
                           final_table(snapshot_, meter_, facts_)})
    EXPECT_EQ(text.find("MEASUREMENT"), std::string::npos);
  facts_.measurement = true;
  for (const auto& text : {status_line(snapshot_, meter_, facts_), status_table(snapshot_, meter_, facts_),
                           final_table(snapshot_, meter_, facts_)})
    EXPECT_NE(text.find("MEASUREMENT MODE"), std::string::npos) << text;
}

TEST(StatusText, AnEmptyServerPrintsNone) {
  const Snapshot snapshot;
  const Meter meter;
  expect_parts(status_table(snapshot, meter, {}), {"none yet", "in all none", "not measured yet"});
  expect_parts(final_table(snapshot, meter, {}), {"0.0 s with players", "handshakes  none"});
}

TEST(ShortNumber, ThreeDigitsAndAUnit) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(999.6), "1.00k");
  EXPECT_EQ(short_number(1'000), "1.00k");
  EXPECT_EQ(short_number(12'345), "12.3k");
  EXPECT_EQ(short_number(99'960), "100k");
  EXPECT_EQ(short_number(999'960), "1.00M");
  EXPECT_EQ(short_number(3.2e9), "3.20G");
}

TEST(Over, MovesUpAndClears) {
  EXPECT_EQ(over(0), "");
  EXPECT_EQ(over(8), "\x1b[8F\x1b[J");
}

}  // namespace
}  // namespace serried::telemetry
