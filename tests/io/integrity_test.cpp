/// Clients that are asked what only an unchanged build knows.
#include "crypt/integrity.h"

#include "io/fixture.h"

namespace serried::io {
namespace {

struct Builds {
  crypt::IntegrityVersion version;
  crypt::IntegrityTables tables;
  Builds() {
    version.version = 7;
    version.entries = 16;
    version.secret.bytes()[0] = 42;
    tables = crypt::IntegrityTables::make({version}).value();
  }
};

class IntegrityTest : private Builds, public LaneTest {
 protected:
  explicit IntegrityTest(bool required = false) : LaneTest(asking(tables, required)) {}
  static IoConfig asking(const crypt::IntegrityTables& tables, bool required) {
    IoConfig config = default_config();
    config.integrity = &tables;
    config.integrity_period = 2 * second;
    config.refuse_unknown_builds = required;
    return config;
  }
  Peer& play_with(const crypt::IntegrityTable* table) {
    prepare = [table](peer::SessionOptions& options) { options.integrity = table; };
    return play(1);
  }
  crypt::IntegrityTable good() { return crypt::make_integrity_table(version); }
};

TEST_F(IntegrityTest, ARightAnswerIsChallengedAgainEachPeriod) {
  const crypt::IntegrityTable table = good();
  Peer& peer = play_with(&table);
  run(30 * second);
  EXPECT_GE(lane.counters().integrity_challenges.value(), 10U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

/// Chat faster than a session may speak: its answers come behind 100 lines of it.
TEST_F(IntegrityTest, ATalkativeClientIsNotKicked) {
  const crypt::IntegrityTable table = good();
  Peer& peer = play_with(&table);
  run(200 * millisecond);
  static constexpr std::array<std::uint8_t, 10> line{1, 0, 0, 0, 0, 0, 0, 0, 0, 'a'};
  for (int i = 0; i < 90'000; ++i) {
    for (int more = i < 10'000 ? 3 : 0; more != 0; --more)
      static_cast<void>(peer.session.send_message(wire::Channel::reliable_ordered, message::Type::chat, line,
                                                  channel::Urgency::bundled, now));
    step();
    static_cast<void>(collect());
    discard_rows();
  }
  EXPECT_GE(lane.counters().integrity_challenges.value(), 30U);
  EXPECT_GT(drops(metrics::Drop::message_rate), 100U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(IntegrityTest, AWrongAnswerEndsTheSession) {
  crypt::IntegrityTable table = good();
  for (auto& entry : table.entries) entry.bytes()[5] ^= 1;
  Peer& peer = play_with(&table);
  run(4 * second);
  EXPECT_EQ(lane.counters().integrity_challenges.value(), 1U);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_NE(peer.session.end_text().find("kicked"), std::string::npos) << peer.session.end_text();
}

TEST_F(IntegrityTest, AMissingAnswerEndsTheSession) {
  crypt::IntegrityTable table = good();
  table.entries.clear();  // takes the question, has nothing to say
  Peer& peer = play_with(&table);
  run(25 * second);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  run(15 * second);
  EXPECT_EQ(peer.session.state(), peer::State::closed);
  EXPECT_NE(peer.session.end_text().find("kicked"), std::string::npos) << peer.session.end_text();
}

TEST_F(IntegrityTest, ClientsWithoutAKnownBuildAreNotChallenged) {
  crypt::IntegrityTable table = good();
  table.version = 8;
  Peer& peer = play_with(&table);
  Peer& silent = [&]() -> Peer& {
    prepare = nullptr;
    return play(2);
  }();
  run(20 * second);
  EXPECT_EQ(lane.counters().integrity_challenges.value(), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  EXPECT_EQ(silent.session.state(), peer::State::playing);
}

struct RequiredIntegrity : IntegrityTest {
  RequiredIntegrity() : IntegrityTest(true) {}
  /// Until the server lets the client in, or ends its session.
  Peer& try_with(const crypt::IntegrityTable* table) {
    prepare = [table](peer::SessionOptions& options) { options.integrity = table; };
    Peer& peer = add_peer(claims_for(++players));
    run(500 * millisecond);
    return peer;
  }
  std::uint64_t players = 0;
};

TEST_F(RequiredIntegrity, OnlyClientsOfAKnownBuildPlay) {
  crypt::IntegrityTable table = good();
  EXPECT_EQ(try_with(&table).session.state(), peer::State::entering);
  EXPECT_EQ(lane.counters().joined.value(), 1U);
  crypt::IntegrityTable other = good();
  other.version = 8;
  for (const crypt::IntegrityTable* unknown : std::array<const crypt::IntegrityTable*, 2>{nullptr, &other}) {
    const Peer& peer = try_with(unknown);
    EXPECT_EQ(peer.session.state(), peer::State::closed);
    EXPECT_NE(peer.session.end_text().find("kicked"), std::string::npos) << peer.session.end_text();
  }
  EXPECT_EQ(lane.counters().joined.value(), 1U);
}

TEST_F(IntegrityTest, AnUnrequestedAnswerIsDroppedAndTheSessionStays) {
  const crypt::IntegrityTable table = good();
  Peer& peer = play_with(&table);
  take_over(peer);
  std::vector<std::uint8_t> answer(23);
  answer[0] = 0x0C;
  send(peer, {.channel = 1, .body = reliable_body(0, {answer})});
  run(10 * millisecond);
  EXPECT_EQ(drops(metrics::Drop::unexpected_message), 1U);
  EXPECT_EQ(lane.counters().sessions.value(), 1U);
}

}  // namespace
}  // namespace serried::io
