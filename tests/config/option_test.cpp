#include "config/option.h"

#include <set>

#include <gtest/gtest.h>

namespace serried::config {
namespace {

using Texts = std::vector<std::string>;

const Option& option(const std::string& name) {
  for (const Option& row : options())
    if (row.name == name) return row;
  ADD_FAILURE() << "no option " << name;
  return options().front();
}

TEST(Options, NamesAndKeysAreTheirOwn) {
  std::set<std::string> names, keys;
  for (const Option& row : options()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(keys.insert(std::string{row.section} + "." + row.key).second) << row.name;
    EXPECT_FALSE(std::string{row.unit}.empty()) << row.name;
    EXPECT_FALSE(std::string{row.help}.empty()) << row.name;
  }
}

TEST(Options, EachHasAPlaceOfItsOwn) {
  for (const Option& row : options()) {
    if (row.most == 0) continue;
    ServerConfig config;
    const std::string before = option_text(row, config);
    const auto most = row.most < 1e18 ? static_cast<std::uint64_t>(row.most) : 77;
    ASSERT_EQ(set_option(row, Texts{std::to_string(most)}, config), "");
    for (const Option& other : options()) {
      if (&other == &row) continue;
      EXPECT_EQ(option_text(other, config), option_text(other, ServerConfig{})) << row.name << ", " << other.name;
    }
    EXPECT_EQ(option_text(row, config), std::to_string(most));
  }
}

TEST(SetOption, EveryNumberIsHeldToItsRange) {
  for (const Option& row : options()) {
    if (row.most == 0) continue;
    const auto least = static_cast<std::uint64_t>(row.least);
    const std::string name = std::string{"--"} + row.name;
    const auto at_fault = [&](const std::string& value) {
      ServerConfig config;
      return !set_option(row, Texts{value}, config).empty();
    };
    EXPECT_FALSE(at_fault(std::to_string(least))) << name;
    if (least > 0) {
      EXPECT_TRUE(at_fault(std::to_string(least - 1))) << name;
    }
    if (row.most < 1e18) {
      const auto most = static_cast<std::uint64_t>(row.most);
      EXPECT_FALSE(at_fault(std::to_string(most))) << name;
      EXPECT_TRUE(at_fault(std::to_string(most + 1))) << name;
    }
    for (const char* text : {"-1", "1.5", "", "1x", "99999999999999999999999", " 1"})
      EXPECT_TRUE(at_fault(text)) << name << text;
    ServerConfig defaults;
    EXPECT_EQ(set_option(row, Texts{option_text(row, defaults)}, defaults), "") << name << ": its own default";
  }
}

TEST(SetOption, EnumsGoByTheirNames) {
  ServerConfig config;
  EXPECT_EQ(set_option(option("driver"), Texts{"socket"}, config), "");
  EXPECT_EQ(config.driver, Driver::socket);
  EXPECT_EQ(set_option(option("isa"), Texts{"sse42"}, config), "");
  EXPECT_EQ(config.isa, IsaChoice::sse42);
  EXPECT_EQ(set_option(option("status"), Texts{"none"}, config), "");
  EXPECT_EQ(config.status, StatusMode::none);
  EXPECT_EQ(set_option(option("log-level"), Texts{"error"}, config), "");
  EXPECT_EQ(config.log_level, LogLevel::error);
  EXPECT_EQ(set_option(option("log-level"), Texts{"loud"}, config), "must be one of debug|info|warn|error");
}

TEST(SetOption, NextHops) {
  ServerConfig config;
  for (const char* good : {"learn", "arp", "02:00:00:00:00:01", "aA:bB:cC:dD:eE:fF"})
    EXPECT_EQ(set_option(option("next-hop"), Texts{good}, config), "") << good;
  for (const char* bad :
       {"", "static", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:011"})
    EXPECT_NE(set_option(option("next-hop"), Texts{bad}, config), "") << bad;
}

TEST(SetOption, Addresses) {
  ServerConfig config;
  for (const char* good : {"10.0.0.1", "10.0.0.1/24", "fd00::1", "fd00::1/64", "fd00::1/64@0000:03:00.0"})
    EXPECT_EQ(set_option(option("address"), Texts{good}, config), "") << good;
  for (const char* bad : {"", "10.0.0", "10.0.0.256", "10.0.0.1/33", "fd00::1/129", "localhost", "10.0.0.1@"})
    EXPECT_NE(set_option(option("address"), Texts{bad}, config), "") << bad;
}

TEST(SetOption, IdleSleepMayBeLeftToTheServer) {
  ServerConfig config;
  EXPECT_EQ(set_option(option("idle-sleep-us"), Texts{"0"}, config), "");
  EXPECT_EQ(config.idle_sleep_us, 0U);
  EXPECT_EQ(set_option(option("idle-sleep-us"), Texts{"auto"}, config), "");
  EXPECT_FALSE(config.idle_sleep_us.has_value());
  EXPECT_EQ(set_option(option("idle-sleep-us"), Texts{"20001"}, config),
            "must be a whole number of 0 to 20000 (us|auto) or auto");
}

/// What holds of every entry: the old name is free, the present one is there, and no name is listed twice.
void expect_sound(std::span<const RenamedOption> entries) {
  std::set<std::string> names, keys;
  for (const RenamedOption& entry : entries) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
    const Option* const now = renamed_from_name(entries, entry.name);
    ASSERT_NE(now, nullptr) << entry.name << " is now --" << entry.now << ", which is not there";
    EXPECT_EQ(now, renamed_from_key(entries, entry.key));
    EXPECT_STREQ(now->name, entry.now);
    for (const Option& option : options()) EXPECT_STRNE(option.name, entry.name);
  }
}

TEST(RenamedOptions, AreSound) { expect_sound(renamed_options()); }

TEST(RenamedOptions, AreFoundByNameAndByKey) {
  constexpr RenamedOption entries[] = {{"listen-port", "network.listen_port", "udp-port"},
                                       {"frequency", "simulation.frequency", "tick-rate"}};
  expect_sound(entries);
  EXPECT_STREQ(renamed_from_name(entries, "frequency")->name, "tick-rate");
  EXPECT_STREQ(renamed_from_key(entries, "simulation.frequency")->key, "tick_rate");
  EXPECT_EQ(renamed_from_name(entries, "udp-port"), nullptr);
  EXPECT_EQ(renamed_from_name(entries, "simulation.frequency"), nullptr);
  EXPECT_EQ(renamed_from_key(entries, "world.frequency"), nullptr);
}

TEST(OptionToml, QuotesTextAndOnlyText) {
  ServerConfig config;
  config.addresses = {"10.0.0.1", "fd00::1"};
  config.token_key = "a \"quoted\" \\ name";
  EXPECT_EQ(option_toml(option("address"), config), "[\"10.0.0.1\", \"fd00::1\"]");
  EXPECT_EQ(option_toml(option("token-key"), config), "\"a \\\"quoted\\\" \\\\ name\"");
  EXPECT_EQ(option_toml(option("udp-port"), config), "40000");
  EXPECT_EQ(option_toml(option("verify-udp-checksum"), config), "true");
  EXPECT_EQ(option_toml(option("port"), config), "[\"0\"]") << "a name that looks like a number stays a name";
}

}  // namespace
}  // namespace serried::config
