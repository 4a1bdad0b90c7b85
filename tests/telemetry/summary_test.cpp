#include "telemetry/summary.h"

#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "synthetic.h"

namespace serried::telemetry {
namespace {

nlohmann::json summary(const Snapshot& snapshot, const Meter& meter) {
  config::ServerConfig config;
  config.udp_port = 4'321;
  return nlohmann::json::parse(summary_json(snapshot, meter, {16.667, 16'384}, config));
}

TEST(SummaryJson, HasEveryKeyThatScriptsRead) {
  Snapshot snapshot;
  Meter meter;
  for (unsigned s = 1; s <= 3; ++s) {
    fill_synthetic(snapshot, s);
    meter.sample(snapshot);
  }
  const auto json = summary(snapshot, meter);
  EXPECT_EQ(json["version"], SERRIED_VERSION);
  EXPECT_EQ(json["measurement"], false);
  config::ServerConfig measured;
  measured.measurement_seed = 7;
  const auto other = nlohmann::json::parse(summary_json(snapshot, meter, {16.667, 16'384, true}, measured));
  EXPECT_EQ(other["measurement"], true);
  EXPECT_EQ(other["config"]["run.measurement"], "7");
  EXPECT_DOUBLE_EQ(json["seconds"], 2);
  EXPECT_EQ(json["players_peak"], 1'000);
  EXPECT_EQ(json["sessions"]["established"], 1'010);
  EXPECT_EQ(json["sessions"]["ended"], 0) << "zeros are figures too";
  EXPECT_DOUBLE_EQ(json["rx_pps"], 60'000);
  EXPECT_DOUBLE_EQ(json["tx_pps"], 60'500);
  EXPECT_EQ(json["port"]["rx_packets"], 180'000);
  EXPECT_EQ(json["port"]["tx_packets"], 181'500);
  EXPECT_EQ(json["port"]["rx_bytes"], 18'000'000);
  EXPECT_EQ(json["port"]["tx_bytes"], 198'000'000);
  EXPECT_NEAR(json["tick_ms"]["p50"], 4, 1.1);
  EXPECT_NEAR(json["tick_ms"]["max"], 7, 0.2);
  EXPECT_DOUBLE_EQ(json["tick_ms"]["budget"], 16.667);
  EXPECT_GE(json["tick_ms"]["p999"], json["tick_ms"]["p99"]);
  EXPECT_EQ(json["ticks"], 120);
  EXPECT_EQ(json["ticks_late"], 2);
  EXPECT_EQ(json["world"]["ticks_late"], 3) << "of the whole run";
  EXPECT_EQ(json["replication"]["interval_ticks"], 1);
  ASSERT_EQ(json["lanes"].size(), 3U);
  EXPECT_EQ(json["lanes"][0]["name"], "io0");
  EXPECT_EQ(json["lanes"][1]["core"], 1);
  EXPECT_EQ(json["lanes"][1]["cpu"], 2);
  EXPECT_EQ(json["lanes"][1]["node"], 1);
  EXPECT_DOUBLE_EQ(json["lanes"][0]["busy"], 0.5);
  EXPECT_NEAR(json["lanes"][0]["ns_per_packet"], 0.5e9 / 120'500, 1);
  EXPECT_EQ(json["lanes"][1]["longest_poll_ns"], 9'000'000);
  EXPECT_FALSE(json["lanes"][1].contains("ns_per_packet"));
  ASSERT_EQ(json["cores"].size(), 2U);
  EXPECT_EQ(json["cores"][0]["cpu_ns"], 1'500'000'000);
  EXPECT_EQ(json["cores"][0]["awake_ns"], 2'400'000'000);
  EXPECT_DOUBLE_EQ(json["cores"][0]["cpu"], 0.625) << "of the time that it did not sleep";
  EXPECT_EQ(json["cores"][1]["core"], 1);
  EXPECT_DOUBLE_EQ(json["cores"][1]["cpu"], 1);
  EXPECT_EQ(json["drops"],
            nlohmann::json::parse(R"({"foreign_port":15,"bad_crc":30,"stale_input":3702,"transmit_full":6})"));
  EXPECT_EQ(json["accounting"],
            nlohmann::json::parse(R"({"received":180060,"delivered":180000,"host":15,"dropped":45,"balanced":true})"));
  EXPECT_EQ(json["world_hash"], "fedcba9876543210");
  EXPECT_EQ(json["handshakes"]["denied_expired"], 3);
  EXPECT_EQ(json["memory"]["rss_bytes"], 300U << 20);
  EXPECT_EQ(json["memory"]["lane_allocations"], 0);
  EXPECT_EQ(json["config"]["network.udp_port"], "4321");
}

TEST(SummaryJson, SaysWhatEachPortDoesBeforeTheLanes) {
  Snapshot snapshot;
  EXPECT_EQ(summary(snapshot, Meter{})["rules"], nlohmann::json::array());
  snapshot.rules.push_back({"0000:18:00.0", 4, 4, "", {"IPv4 addresses"}, "no networks", 3});
  snapshot.rules.push_back({"sockets", 2, 0, "refused", {}, "", 0});
  EXPECT_EQ(summary(snapshot, Meter{})["rules"], nlohmann::json::parse(R"([
    {"port": "0000:18:00.0", "lanes": 4, "lanes_steered": 4, "not_steered": "",
     "bans": ["IPv4 addresses"], "not_banned": "no networks", "ban_rules": 3},
    {"port": "sockets", "lanes": 2, "lanes_steered": 0, "not_steered": "refused",
     "bans": [], "not_banned": "", "ban_rules": 0}])"));
}

TEST(SummaryJson, HasEveryCounterOfTheListUnderItsGroupAndName) {
  Snapshot snapshot;
  LaneFigures lane;
  CoreFigures core;
  std::uint64_t next = 0;
  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    (info.group == "cores" ? core.counters : lane.counters)[id] = ++next;
  });
  snapshot.add(lane);
  snapshot.add(core);
  const auto json = summary(snapshot, Meter{});
  std::uint64_t expected = 0;
  metrics::for_each_counter([&](CounterId, const metrics::CounterInfo& info) {
    const auto& group = info.listed() ? json[std::string{info.group}].at(0) : json[std::string{info.group}];
    EXPECT_EQ(group.at(std::string{info.name}), ++expected) << info.group << "." << info.name;
  });
  EXPECT_EQ(expected, metrics::counter_count);
}

TEST(SummaryJson, SaysWhereTheMemoryOfLanesLies) {
  Snapshot snapshot;
  snapshot.placed = {{"io0", "lane", 0, 1'000, 0}, {"io0", "buffers of 0000:41:00.0", 1, 512, 3}};
  const auto json = summary(snapshot, Meter{});
  EXPECT_EQ(json["memory"]["placed"], nlohmann::json::parse(R"([
    {"lane":"io0","part":"lane","node":0,"pages_there":1000,"pages_elsewhere":0},
    {"lane":"io0","part":"buffers of 0000:41:00.0","node":1,"pages_there":512,"pages_elsewhere":3}])"));
  EXPECT_EQ(summary(Snapshot{}, Meter{})["memory"]["placed"], nlohmann::json::array());
}

/// Names of `json` as the page writes them: a.b of an object, a[].b of a list of objects.
void add_names(const nlohmann::json& json, const std::string& path, std::set<std::string>& names) {
  if (json.is_array() && !json.empty()) return add_names(json[0], path + "[]", names);
  if (!json.is_object()) {
    names.insert(path);
    return;
  }
  for (const auto& [key, value] : json.items())
    if (const std::string name = path.empty() ? key : path + "." + key; name == "drops" || name == "config")
      names.insert(name);  // they have tables of their own
    else
      add_names(value, name, names);
}

TEST(SummaryJson, ThePageHasEveryKeyAndNoOther) {
  Snapshot snapshot;
  Meter meter;
  fill_synthetic(snapshot, 1);
  snapshot.placed = {{"io0", "lane", 0, 1'000, 0}};
  snapshot.rules = {{"sockets", 1, 1, "", {}, "", 0}};
  std::set<std::string> names;
  add_names(summary(snapshot, meter), "", names);
  metrics::for_each_counter([&](CounterId, const metrics::CounterInfo& info) {
    names.erase(std::string{info.group} + (info.listed() ? "[]." : ".") + std::string{info.name});
  });

  const std::string text = base::read_file(std::string{SERRIED_SOURCE_ROOT} + "/docs/running.md").value_or("");
  const std::size_t begin = text.find("## The JSON summary\n");
  ASSERT_NE(begin, std::string::npos);
  std::istringstream section{text.substr(begin, text.find("\n## ", begin) - begin)};
  std::set<std::string> written;
  const std::regex quoted{"`([^`]+)`"};
  for (std::string line; std::getline(section, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find(" | ", 2));
    for (std::sregex_iterator found{cell.begin(), cell.end(), quoted}; found != std::sregex_iterator{}; ++found)
      written.insert((*found)[1]);
  }
  EXPECT_EQ(written, names);
}

TEST(SummaryJson, ARunWithoutPlayersDividesByNothing) {
  const auto json = summary(Snapshot{}, Meter{});
  EXPECT_EQ(json["rx_pps"], 0.0);
  EXPECT_EQ(json["tick_ms"]["p99"], 0.0);
  EXPECT_TRUE(json["drops"].is_object());
  EXPECT_TRUE(json["accounting"]["balanced"]);
}

}  // namespace
}  // namespace serried::telemetry
