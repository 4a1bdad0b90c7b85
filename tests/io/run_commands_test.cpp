#include "io/run_commands.h"

#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;

class OrdersTest : public LaneTest {
 protected:
  OrdersTest() { lane.attach(orders); }

  static guard::Prefix everybody() { return guard::prefix_of(port::ipv4_address(10, 0, 0, 2), 128); }
  static guard::Prefix somebody_else() { return guard::prefix_of(port::ipv4_address(10, 0, 0, 3), 128); }

  void give(AdminCommand::Kind kind, const guard::Prefix& prefix, std::uint32_t id = 1) {
    ASSERT_TRUE(orders.orders.push({kind, id, prefix, now + 60 * second}));
  }
  AdminReport next_report() {
    AdminReport report;
    for (int i = 0; i < 100 && orders.reports.pop(&report, 1) == 0; ++i) step();
    return report;
  }

  AdminLink orders;
};

TEST_F(OrdersTest, ABanDisconnectsTheSessionsOfItsAddress) {
  Peer& peer = play(1);
  give(AdminCommand::Kind::ban, everybody(), 7);
  const AdminReport report = next_report();
  EXPECT_EQ(report.kind, AdminReport::Kind::done);
  EXPECT_EQ(report.id, 7U);
  EXPECT_EQ(report.sessions, 1U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  EXPECT_NE(peer.session.end_text().find("kick"), std::string::npos) << peer.session.end_text();
}

TEST_F(OrdersTest, ABanOfAnotherAddressEndsNoSession) {
  Peer& peer = play(1);
  give(AdminCommand::Kind::ban, somebody_else());
  EXPECT_EQ(next_report().sessions, 0U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  EXPECT_EQ(lane.counters().drops.value(Drop::banned), 0U);
}

TEST_F(OrdersTest, ABannedAddressCannotConnectUntilTheBanIsLifted) {
  give(AdminCommand::Kind::ban, everybody());
  EXPECT_EQ(next_report().kind, AdminReport::Kind::done);
  Peer& peer = add_peer(claims_for(1));
  run(500 * millisecond);
  EXPECT_EQ(lane.counters().cookies.value(), 0U);
  EXPECT_GT(lane.counters().drops.value(Drop::banned), 0U);
  give(AdminCommand::Kind::lift, everybody());
  EXPECT_EQ(next_report().kind, AdminReport::Kind::done);
  run(3 * second);
  EXPECT_GT(lane.counters().cookies.value(), 0U);
  EXPECT_NE(peer.session.state(), peer::State::connecting);
}

TEST_F(OrdersTest, AScoreBanReportsSessionsAndEndsNone) {
  Peer& peer = play(1);
  give(AdminCommand::Kind::score_ban, everybody());
  EXPECT_EQ(next_report().sessions, 1U);
  run(second);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  Peer& late = add_peer(claims_for(2));
  run(500 * millisecond);
  EXPECT_EQ(late.session.state(), peer::State::connecting);
  EXPECT_GT(lane.counters().drops.value(Drop::banned), 0U);
}

TEST_F(OrdersTest, OrdersAreCarriedOutInTheirOrder) {
  for (std::uint32_t id = 1; id <= 50; ++id) give(id % 2 == 1 ? AdminCommand::Kind::ban : AdminCommand::Kind::lift, everybody(), id);
  for (std::uint32_t id = 1; id <= 50; ++id) EXPECT_EQ(next_report().id, id);
  Peer& peer = play(1);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
}

TEST_F(OrdersTest, AFullTableOfBansIsReported) {
  const unsigned room = guard::AbuseGuardConfig{}.bans_max;
  unsigned refused = 0;
  for (unsigned i = 0; i <= room; ++i) {
    give(AdminCommand::Kind::ban,
         guard::prefix_of(port::ipv4_address(11, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
                            128),
         i);
    refused += next_report().kind == AdminReport::Kind::refused ? 1U : 0U;
  }
  EXPECT_EQ(refused, 1U);
}

TEST_F(OrdersTest, ABanByScoreIsReported) {
  IoConfig config = default_config();
  config.abuse_guard.ban_score = 256;
  IoState state{config, {&link}, handshake_link, crypt::CookieJar{key.secret}, entropy()};
  AdminLink own;
  state.orders.link = &own;
  for (int i = 0; i < 5; ++i) state.abuse_guard.penalize(everybody().address, 64, second);
  EXPECT_EQ(run_commands(state, second), 1U);
  AdminReport report;
  ASSERT_EQ(own.reports.pop(&report, 1), 1U);
  EXPECT_EQ(report.kind, AdminReport::Kind::score_ban);
  EXPECT_TRUE(report.prefix == everybody());
  EXPECT_EQ(report.until, second + config.abuse_guard.ban);
}

}  // namespace
}  // namespace serried::io
