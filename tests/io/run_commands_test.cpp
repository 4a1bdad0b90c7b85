#include "io/run_commands.h"

#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;

class CommandsTest : public LaneTest {
 protected:
  CommandsTest() { lane.attach(admin); }

  static guard::Prefix everybody() { return guard::prefix_of(port::ipv4_address(10, 0, 0, 2), 128); }
  static guard::Prefix somebody_else() { return guard::prefix_of(port::ipv4_address(10, 0, 0, 3), 128); }

  void give(link::AdminCommand::Kind kind, const guard::Prefix& prefix, std::uint32_t id = 1) {
    ASSERT_TRUE(admin.commands.push({kind, id, prefix, now + 60 * second}));
  }
  link::AdminReport next_report() {
    link::AdminReport report;
    for (int i = 0; i < 100 && admin.reports.pop(&report, 1) == 0; ++i) step();
    return report;
  }

  link::AdminLink admin;
};

TEST_F(CommandsTest, ABanDisconnectsTheSessionsOfItsAddress) {
  Peer& peer = play(1);
  give(link::AdminCommand::Kind::ban, everybody(), 7);
  const link::AdminReport report = next_report();
  EXPECT_EQ(report.kind, link::AdminReport::Kind::done);
  EXPECT_EQ(report.id, 7U);
  EXPECT_EQ(report.sessions, 1U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  EXPECT_NE(peer.session.end_text().find("kick"), std::string::npos) << peer.session.end_text();
}

TEST_F(CommandsTest, ABanOfAnotherAddressEndsNoSession) {
  Peer& peer = play(1);
  give(link::AdminCommand::Kind::ban, somebody_else());
  EXPECT_EQ(next_report().sessions, 0U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  EXPECT_EQ(lane.counters().drops.value(Drop::banned), 0U);
}

TEST_F(CommandsTest, ABannedAddressCannotConnectUntilTheBanIsLifted) {
  give(link::AdminCommand::Kind::ban, everybody());
  EXPECT_EQ(next_report().kind, link::AdminReport::Kind::done);
  Peer& peer = add_peer(claims_for(1));
  run(500 * millisecond);
  EXPECT_EQ(lane.counters().cookies.value(), 0U);
  EXPECT_GT(lane.counters().drops.value(Drop::banned), 0U);
  give(link::AdminCommand::Kind::lift, everybody());
  EXPECT_EQ(next_report().kind, link::AdminReport::Kind::done);
  run(3 * second);
  EXPECT_GT(lane.counters().cookies.value(), 0U);
  EXPECT_NE(peer.session.state(), peer::State::connecting);
}

TEST_F(CommandsTest, AScoreBanReportsSessionsAndEndsNone) {
  Peer& peer = play(1);
  give(link::AdminCommand::Kind::score_ban, everybody());
  EXPECT_EQ(next_report().sessions, 1U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  Peer& late = add_peer(claims_for(2));
  run(500 * millisecond);
  EXPECT_EQ(late.session.state(), peer::State::connecting);
  EXPECT_GT(lane.counters().drops.value(Drop::banned), 0U);
}

TEST_F(CommandsTest, AScoreBannedPlayerKeepsPlayingWhenItsPortOrAddressChanges) {
  Peer& peer = play(1);
  give(link::AdminCommand::Kind::score_ban, everybody(), 1);
  EXPECT_EQ(next_report().sessions, 1U);
  give(link::AdminCommand::Kind::score_ban, somebody_else(), 2);
  EXPECT_EQ(next_report().sessions, 0U);
  const auto move = [&](port::LoopPort& host, std::uint16_t port) {
    peer.host = &host;
    peer.port = port;
    const std::uint64_t moves = lane.counters().roamed.value();
    for (int i = 0; i < 20; ++i) {
      peer.session.submit({});
      run(30 * millisecond);
    }
    EXPECT_EQ(lane.counters().roamed.value(), moves + 1) << drops_text();
  };
  move(*remote, 20'500);
  move(*elsewhere, 20'500);
  EXPECT_EQ(lane.counters().drops.value(Drop::banned), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  Peer& late = add_peer(claims_for(2));
  run(500 * millisecond);
  EXPECT_EQ(late.session.state(), peer::State::connecting) << "newcomers are kept out all the same";
  discard_rows();
}

TEST_F(CommandsTest, CommandsAreCarriedOutInTheirOrder) {
  for (std::uint32_t id = 1; id <= 50; ++id)
    give(id % 2 == 1 ? link::AdminCommand::Kind::ban : link::AdminCommand::Kind::lift, everybody(), id);
  for (std::uint32_t id = 1; id <= 50; ++id) EXPECT_EQ(next_report().id, id);
  Peer& peer = play(1);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
}

TEST_F(CommandsTest, AFullTableOfBansIsReported) {
  const unsigned room = guard::AbuseGuardConfig{}.operator_bans_max;
  unsigned refused = 0;
  for (unsigned i = 0; i <= room; ++i) {
    give(link::AdminCommand::Kind::ban,
         guard::prefix_of(port::ipv4_address(11, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
                          128),
         i);
    refused += next_report().kind == link::AdminReport::Kind::refused ? 1U : 0U;
  }
  EXPECT_EQ(refused, 1U);
}

TEST_F(CommandsTest, ForgedSourcesFillTheirOwnPlacesAndTheOperatorsBansTake) {
  IoConfig config = default_config();
  config.abuse_guard.ban_score = 256;
  IoState state{config, {&link}, handshake_link, crypt::CookieJar{key.secret}, entropy()};
  link::AdminLink own;
  state.admin.link = &own;
  const auto source = [](unsigned i) {
    return port::ipv4_address(20, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 1);
  };
  link::AdminReport report;
  for (unsigned i = 0; i < 10'000; ++i) {
    for (int k = 0; k < 5; ++k) state.abuse_guard.penalize(source(i), 64, second + i);
    run_commands(state, second);
    while (own.reports.pop(&report, 1) == 1) EXPECT_EQ(report.kind, link::AdminReport::Kind::score_ban);
  }
  EXPECT_EQ(state.abuse_guard.score_bans.size(), config.abuse_guard.score_bans_max);
  EXPECT_TRUE(state.abuse_guard.score_bans.covers(source(9'999), 2 * second)) << "the newest has the most time left";
  std::uint32_t id = 0;
  for (const guard::Prefix& banned :
       {everybody(), guard::prefix_of(port::ipv4_address(198, 51, 100, 0), guard::mapped_bits + 24)}) {
    ASSERT_TRUE(own.commands.push({link::AdminCommand::Kind::ban, ++id, banned, 60 * second}));
    for (int i = 0; i < 10; ++i) run_commands(state, second);
    ASSERT_EQ(own.reports.pop(&report, 1), 1U);
    EXPECT_EQ(report.kind, link::AdminReport::Kind::done);
    EXPECT_TRUE(state.abuse_guard.operator_bans.covers(banned.address, second));
  }
}

TEST_F(CommandsTest, AnOperatorsBanTakesThePlaceOfOneThatIsOver) {
  IoConfig config = default_config();
  config.abuse_guard.operator_bans_max = 4;
  IoState state{config, {&link}, handshake_link, crypt::CookieJar{key.secret}, entropy()};
  for (std::uint8_t i = 0; i < 4; ++i)
    ASSERT_TRUE(state.abuse_guard.ban(guard::prefix_of(port::ipv4_address(10, 0, i, 1), 128), 2 * second, second));
  EXPECT_FALSE(state.abuse_guard.ban(everybody(), 9 * second, second));
  EXPECT_TRUE(state.abuse_guard.ban(everybody(), 9 * second, 2 * second));
}

TEST_F(CommandsTest, ABanByScoreIsReported) {
  IoConfig config = default_config();
  config.abuse_guard.ban_score = 256;
  IoState state{config, {&link}, handshake_link, crypt::CookieJar{key.secret}, entropy()};
  link::AdminLink own;
  state.admin.link = &own;
  for (int i = 0; i < 5; ++i) state.abuse_guard.penalize(everybody().address, 64, second);
  EXPECT_EQ(run_commands(state, second), 1U);
  link::AdminReport report;
  ASSERT_EQ(own.reports.pop(&report, 1), 1U);
  EXPECT_EQ(report.kind, link::AdminReport::Kind::score_ban);
  EXPECT_TRUE(report.prefix == everybody());
  EXPECT_EQ(report.until, second + config.abuse_guard.ban);
}

}  // namespace
}  // namespace serried::io
