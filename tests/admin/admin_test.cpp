#include "admin/admin.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "port/address.h"

namespace serried::admin {
namespace {

using nlohmann::json;

struct AdminTest : testing::Test {
  link::AdminLink first, second_lane;
  std::vector<std::string> sunk;
  Admin admin{{&first, &second_lane},
              {{"memory",
                [this](const guard::Prefix& prefix) -> Result<Done> {
                  sunk.push_back(format_prefix(prefix));
                  return Done{};
                },
                [this](const guard::Prefix& prefix) { std::erase(sunk, format_prefix(prefix)); }}}};

  json ask(const json& request, Nanos now = second) { return json::parse(admin.answer(request.dump(), now)); }
  json add(const char* address, double for_s = 0) {
    return ask({{"command", "ban add"}, {"address", address}, {"for_s", for_s}, {"reason", "test"}});
  }
  json bans(Nanos now = second) { return ask({{"command", "ban list"}}, now).at("bans"); }

  /// Both lanes carry out one command, having found so many sessions.
  link::AdminCommand run_commands(std::uint32_t sessions) {
    admin.poll(second);
    link::AdminCommand command;
    for (link::AdminLink* const link : {&first, &second_lane}) {
      EXPECT_EQ(link->commands.pop(&command, 1), 1U);
      link->reports.push({link::AdminReport::Kind::done, command.id, sessions, command.prefix, command.until});
    }
    admin.poll(second);
    return command;
  }
};

TEST(ParsePrefix, TakesAddressesAndNetworksAndPrintsThemBack) {
  for (const char* text : {"192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/48", "0.0.0.0/0", "::/0"})
    EXPECT_EQ(format_prefix(parse_prefix(text).value()), text);
  EXPECT_EQ(parse_prefix("192.0.2.0/24").value().bits, 120);
  for (const char* text : {"", "nobody", "192.0.2.1/24", "192.0.2.0/33", "2001:db8::1/64", "192.0.2.0/x"})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST_F(AdminTest, ABanReachesEveryLaneAndEverySink) {
  EXPECT_EQ(add("192.0.2.0/24", 60).at("banned"), "192.0.2.0/24");
  EXPECT_EQ(sunk, std::vector<std::string>{"192.0.2.0/24"});
  EXPECT_EQ(bans().at(0).at("in_force"), false) << "no lane has said so yet";
  const link::AdminCommand command = run_commands(2);
  EXPECT_EQ(command.kind, link::AdminCommand::Kind::ban);
  EXPECT_EQ(command.until, 61 * second);
  const json ban = bans().at(0);
  EXPECT_EQ(ban.at("address"), "192.0.2.0/24");
  EXPECT_EQ(ban.at("by"), "operator");
  EXPECT_EQ(ban.at("reason"), "test");
  EXPECT_EQ(ban.at("sessions"), 4);
  EXPECT_EQ(ban.at("in_force"), true);
  EXPECT_DOUBLE_EQ(ban.at("seconds_left").get<double>(), 60);
}

TEST_F(AdminTest, BansEndByThemselves) {
  add("192.0.2.1", 60);
  admin.poll(60 * second);
  EXPECT_EQ(bans(60 * second).size(), 1U);
  admin.poll(61 * second);
  EXPECT_TRUE(bans(61 * second).empty());
  EXPECT_TRUE(sunk.empty());
}

TEST_F(AdminTest, LiftingUndoesItEverywhere) {
  add("192.0.2.1");
  EXPECT_TRUE(bans().at(0).at("seconds_left").is_null()) << "for ever";
  run_commands(0);
  EXPECT_EQ(ask({{"command", "ban lift"}, {"address", "192.0.2.1"}}).at("lifted"), "192.0.2.1");
  EXPECT_EQ(run_commands(0).kind, link::AdminCommand::Kind::lift);
  EXPECT_TRUE(bans().empty());
  EXPECT_TRUE(sunk.empty());
  EXPECT_EQ(ask({{"command", "ban lift"}, {"address", "192.0.2.1"}}).at("ok"), false);
}

TEST_F(AdminTest, AScoreBanIsSharedAndGoesBeforeTheLanesOnlyWithoutSessions) {
  const guard::Prefix penalized = parse_prefix("192.0.2.1").value(), players = parse_prefix("192.0.2.2").value();
  first.reports.push({link::AdminReport::Kind::score_ban, 0, 0, penalized, 60 * second});
  EXPECT_EQ(run_commands(0).kind, link::AdminCommand::Kind::score_ban);
  EXPECT_EQ(sunk, std::vector<std::string>{"192.0.2.1"});
  second_lane.reports.push({link::AdminReport::Kind::score_ban, 0, 0, players, 60 * second});
  EXPECT_TRUE(run_commands(1).prefix == players);
  EXPECT_EQ(sunk, std::vector<std::string>{"192.0.2.1"}) << "garbage in a player's name";
  EXPECT_EQ(bans().at(1).at("by"), "score");
  EXPECT_EQ(bans().at(1).at("before_lanes"), false);
}

TEST_F(AdminTest, CommandsWaitForRoomInARing) {
  for (unsigned i = 0; i < 1'000; ++i) {
    const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    ASSERT_EQ(add(address.c_str()).at("ok"), true);
  }
  link::AdminCommand command;
  for (std::uint32_t i = 1; i <= 1'000; ++i) {
    admin.poll(second);
    ASSERT_EQ(first.commands.pop(&command, 1), 1U);
    EXPECT_EQ(command.id, i) << "in their command, none lost";
  }
}

TEST_F(AdminTest, TheRecordIsBounded) {
  link::AdminCommand command;
  for (unsigned i = 0; i < Admin::bans_max; ++i) {
    const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    ASSERT_EQ(add(address.c_str()).at("ok"), true);
    while (first.commands.pop(&command, 1) + second_lane.commands.pop(&command, 1) != 0) {
    }
  }
  EXPECT_EQ(add("11.0.0.1").at("ok"), false);
  EXPECT_EQ(add("10.0.0.1").at("ok"), true) << "one that is there may change";
}

TEST_F(AdminTest, WhatCannotBeIsASentence) {
  for (const char* request :
       {"", "{", "[]", "{}", R"({"command":1})", R"({"command":"halt"})", R"({"command":"ban add"})",
        R"({"command":"ban add","address":"nobody"})", R"({"command":"ban add","address":"192.0.2.1","for_s":-1})",
        R"({"command":"ban add","address":"192.0.2.1","for_s":"x"})",
        R"({"command":"ban add","address":"192.0.2.1","for_s":null})",
        R"({"command":"ban add","address":"192.0.2.1","reason":7})"}) {
    const json answer = json::parse(admin.answer(request, second));
    EXPECT_EQ(answer.at("ok"), false) << request;
    EXPECT_GT(answer.at("error").get<std::string>().size(), 10U);
  }
  EXPECT_TRUE(bans().empty());
}

TEST_F(AdminTest, StatusIsWhatWasPublished) {
  EXPECT_TRUE(ask({{"command", "status"}}).at("status").is_null());
  admin.publish(R"({"rx_packets": 7})");
  EXPECT_EQ(ask({{"command", "status"}}).at("status").at("rx_packets"), 7);
}

}  // namespace
}  // namespace serried::admin
