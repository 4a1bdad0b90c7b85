#include "admin/admin.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "port/address.h"
#include "port/flow_rules.h"
#include "port/xdp_filter.h"

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
  for (unsigned i = 0; i < Admin::operator_bans_max; ++i) {
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
        R"({"command":"ban add","address":"192.0.2.1","reason":7})",
        R"({"command":"ban add","address":"192.0.2.1","reason":"one\n192.0.2.9  by operator"})"}) {
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

/// Something before the lanes with so many places, as the XDP program's map and a NIC's rules have them.
struct Places {
  std::size_t most;
  std::set<std::string> held;
  unsigned refused = 0;

  BanSink sink(const char* name, std::size_t score_bans_max) {
    return {name,
            [this](const guard::Prefix& prefix) -> Result<Done> {
              if (held.size() == most && !held.contains(format_prefix(prefix))) {
                ++refused;
                return Error{"full"};
              }
              held.insert(format_prefix(prefix));
              return Done{};
            },
            [this](const guard::Prefix& prefix) { held.erase(format_prefix(prefix)); }, score_bans_max};
  }
};

/// Forged sources: each is reported by a lane as banned for its score, and no lane has a session from there.
struct ForgedSources : testing::Test {
  link::AdminLink lane;
  Places map{port::XdpFilter::bans_max, {}}, rules{port::FlowRules::ban_rules_max, {}};
  Admin admin{{&lane},
              {map.sink("xdp", Admin::score_bans_max), rules.sink("rte_flow", port::FlowRules::score_rules_max)}};
  std::vector<link::AdminCommand> commands;  ///< that the lane has got

  void poll(Nanos now = second) {
    admin.poll(now);
    for (link::AdminCommand command; lane.commands.pop(&command, 1) == 1;) {
      commands.push_back(command);
      ASSERT_TRUE(lane.reports.push({link::AdminReport::Kind::done, command.id, 0, command.prefix, command.until}));
    }
    admin.poll(now);
  }
  void report(const guard::Prefix& source, Nanos until) {
    ASSERT_TRUE(lane.reports.push({link::AdminReport::Kind::score_ban, 0, 0, source, until}));
  }
  static guard::Prefix source(unsigned i) {
    return parse_prefix("20." + std::to_string(i >> 8 & 0xFF) + "." + std::to_string(i & 0xFF) + ".1").value();
  }
  void flood(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      report(source(i), (60 + i % 240) * second);
      poll();
    }
  }
  json add(const char* address) {
    return json::parse(admin.answer(json{{"command", "ban add"}, {"address", address}}.dump(), second));
  }
  json bans() { return json::parse(admin.answer(json{{"command", "ban list"}}.dump(), second)).at("bans"); }
};

TEST_F(ForgedSources, AnOperatorsBanOfAnAddressAndOfANetworkTakesEverywhere) {
  flood(10'000);
  for (const char* address : {"203.0.113.7", "198.51.100.0/24", "2001:db8::/48"}) {
    const json answer = add(address);
    EXPECT_EQ(answer.at("ok"), true) << answer;
    EXPECT_FALSE(answer.contains("note")) << answer;
    EXPECT_TRUE(map.held.contains(address));
    EXPECT_TRUE(rules.held.contains(address));
  }
  commands.clear();
  poll();
  ASSERT_GE(commands.size(), 3U);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(commands[i].kind, link::AdminCommand::Kind::ban);
}

TEST_F(ForgedSources, ALongerBanTakesThePlaceOfAShorterOne) {
  const guard::Prefix address = parse_prefix("203.0.113.7").value();
  const auto seconds_left = [&](const char* of) {
    std::vector<double> left;
    for (const json& ban : bans())
      if (ban.at("address") == of) left.push_back(ban.at("seconds_left").get<double>());
    return left;
  };
  const auto given = [&] {
    poll();
    return std::exchange(commands, {});
  };
  report(address, 61 * second);
  ASSERT_EQ(given().size(), 1U);
  report(address, 31 * second);
  EXPECT_TRUE(given().empty()) << "there is a longer one";
  report(address, 121 * second);
  const auto longer = given();
  ASSERT_EQ(longer.size(), 1U) << "the other lanes get it";
  EXPECT_EQ(longer[0].until, 121 * second);
  EXPECT_EQ(seconds_left("203.0.113.7"), std::vector<double>{120});
  EXPECT_TRUE(map.held.contains("203.0.113.7"));
  EXPECT_EQ(map.held.size(), 1U);

  for (unsigned host = 100; host < 116; ++host) {  // their network is banned, for 120 s at most
    report(parse_prefix("203.0.113." + std::to_string(host)).value(), 61 * second);
    poll();
  }
  commands.clear();
  EXPECT_EQ(seconds_left("203.0.113.0/24"), std::vector<double>{120});
  report(address, 241 * second);
  EXPECT_EQ(given().size(), 1U) << "longer than its network's";
  EXPECT_EQ(seconds_left("203.0.113.7"), std::vector<double>{240});
  report(parse_prefix("203.0.113.9").value(), 121 * second);
  EXPECT_TRUE(given().empty()) << "no longer than its network's";

  ASSERT_EQ(add("203.0.113.7").at("ok"), true);
  given();
  report(address, 400 * second);
  EXPECT_TRUE(given().empty()) << "an operator's holds whatever a score says";
}

TEST_F(ForgedSources, HaveNoMorePlacesThanTheirOwn) {
  flood(10'000);
  EXPECT_EQ(bans().size(), Admin::score_bans_max);
  EXPECT_EQ(map.held.size(), Admin::score_bans_max);
  EXPECT_EQ(rules.held.size(), port::FlowRules::score_rules_max);
  EXPECT_EQ(map.refused + rules.refused, 0U);
  double least = 1'000;
  for (const json& ban : bans()) least = std::min(least, ban.at("seconds_left").get<double>());
  report(source(20'000), second + static_cast<Nanos>(least * second) - second);
  poll();
  EXPECT_FALSE(map.held.contains(format_prefix(source(20'000)))) << "it would have the least time left";
  report(source(20'001), 1'000 * second);
  poll();
  EXPECT_TRUE(map.held.contains(format_prefix(source(20'001))));
  EXPECT_TRUE(rules.held.contains(format_prefix(source(20'001))));
  EXPECT_EQ(bans().size(), Admin::score_bans_max);
}

TEST_F(ForgedSources, ASinkWithLessRoomThanItSaysGivesUpTheirsForAnOperators) {
  rules.most = 100;
  flood(500);
  EXPECT_EQ(rules.held.size(), 100U);
  for (int i = 0; i < 100; ++i) {
    const std::string address = "203.0.113." + std::to_string(i);
    EXPECT_FALSE(add(address.c_str()).contains("note")) << i;
  }
  EXPECT_EQ(rules.held.size(), 100U);
  EXPECT_NE(add("203.0.113.100").at("note").get<std::string>().find("rte_flow"), std::string::npos)
      << "all places are the operator's";
}

TEST_F(ForgedSources, ManyOfOneNetworkBecomeItsBan) {
  const auto network_of = [&](const char* head, unsigned count, const char* tail, unsigned bits) {
    for (unsigned i = 0; i < count; ++i) {
      char address[64];
      std::snprintf(address, sizeof address, "%s%x%s", head, i, tail);
      report(guard::prefix_of(port::parse_local_address(address).value().address, bits), (60 + i) * second);
      poll();
    }
  };
  network_of("192.0.2.", 10, "", 128);
  for (unsigned i = 10; i < 15; ++i) {
    report(parse_prefix("192.0.2." + std::to_string(i)).value(), 60 * second);
    poll();
  }
  EXPECT_EQ(map.held.size(), 15U);
  commands.clear();
  report(parse_prefix("192.0.2.15").value(), 90 * second);
  poll();
  poll();
  EXPECT_EQ(map.held, std::set<std::string>{"192.0.2.0/24"});
  EXPECT_EQ(rules.held, std::set<std::string>{"192.0.2.0/24"});
  ASSERT_EQ(bans().size(), 1U);
  EXPECT_DOUBLE_EQ(bans().at(0).at("seconds_left").get<double>(), 89.0) << "no longer than the longest";
  ASSERT_FALSE(commands.empty());
  EXPECT_TRUE(commands.back().prefix == parse_prefix("192.0.2.0/24").value());
  report(parse_prefix("192.0.2.77").value(), 90 * second);
  poll();
  EXPECT_EQ(bans().size(), 1U) << "it is banned with its network";

  // Of IPv6 a /64 is what is banned at first; sixteen of a /56 are the /56, sixteen /56 the /48.
  for (unsigned fifty_six = 0; fifty_six < 16; ++fifty_six)
    for (unsigned sixty_four = 0; sixty_four < 16; ++sixty_four) {
      char address[64];
      std::snprintf(address, sizeof address, "2001:db8:1:%02x%02x::", fifty_six, sixty_four);
      report(guard::prefix_of(port::parse_local_address(address).value().address, 64), 60 * second);
      poll();
      poll();
    }
  EXPECT_EQ(map.held, (std::set<std::string>{"192.0.2.0/24", "2001:db8:1::/48"}));
}

TEST_F(ForgedSources, ANetworkWithPlayersIsNotDroppedBeforeTheLanes) {
  for (unsigned i = 0; i < 16; ++i) {
    report(parse_prefix("192.0.2." + std::to_string(i)).value(), 60 * second);
    admin.poll(second);
    for (link::AdminCommand command; lane.commands.pop(&command, 1) == 1;) {
      const std::uint32_t sessions = command.prefix.bits == 120 ? 1 : 0;
      ASSERT_TRUE(
          lane.reports.push({link::AdminReport::Kind::done, command.id, sessions, command.prefix, command.until}));
    }
    admin.poll(second);
  }
  poll();
  EXPECT_EQ(map.held.size(), 16U) << "the addresses, none of which is the player's";
  EXPECT_EQ(bans().size(), 17U);
}

TEST_F(ForgedSources, AnOperatorsCommandDoesNotWaitBehindThem) {
  for (unsigned i = 0; i < 1'000; ++i) {
    report(source(i), 60 * second);
    if (i % 200 == 199) admin.poll(second);  // the lane takes nothing meanwhile
  }
  EXPECT_EQ(add("203.0.113.7").at("ok"), true);
  link::AdminCommand command;
  unsigned before = 0;
  for (; before < 1'000; ++before) {
    admin.poll(second);
    ASSERT_EQ(lane.commands.pop(&command, 1), 1U);
    if (command.kind == link::AdminCommand::Kind::ban) break;
  }
  EXPECT_LE(before, 8U);
}

}  // namespace
}  // namespace serried::admin
