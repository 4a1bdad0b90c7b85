#include "handshake/handshake_lane.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "support/entropy.h"

namespace serried::handshake {
namespace {

constexpr std::int64_t unix_start = 1'700'000'000;

using test::SeededEntropy;

struct HandshakeLaneTest : testing::Test {
  SeededEntropy random{3};
  link::HandshakeLink link{8, 8};
  crypt::TokenKey key;
  HandshakeConfig config;

  HandshakeLaneTest() {
    key.protocol_id = 0x7465'7374;
    key.server_id = 5;
    random.entropy().fill(key.secret.bytes());
    config = {key, 0, 2, 4, random.entropy()};
  }

  link::HandshakeJob::Confirm confirm(HandshakeLane& lane, std::uint64_t player, std::uint8_t token,
                                      std::uint32_t connection, std::int64_t expiry = unix_start + 100) {
    link::HandshakeJob& job = link.jobs[0];
    job.connection_id = connection;
    auto& work = job.begin<link::HandshakeJob::Confirm>();
    work.player_id = player;
    work.token_id = {token};
    work.token_expiry = expiry;
    EXPECT_TRUE(link.requests.push(0));
    EXPECT_EQ(lane.poll(0, unix_start), 1U);
    std::uint32_t index = 9;
    EXPECT_EQ(link.results.pop(&index, 1), 1U);
    EXPECT_EQ(index, 0U);
    return work;
  }
};

TEST_F(HandshakeLaneTest, ATokenIsConfirmedOnce) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  EXPECT_EQ(confirm(lane, 1, 1, 12).denied, message::DenyReason::token_used);
  EXPECT_EQ(lane.counters().denied_used.value(), 1U);
}

TEST_F(HandshakeLaneTest, ConfirmationsAreDeniedWhenTheTableOfSpentTokensIsFull) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  EXPECT_FALSE(confirm(lane, 2, 2, 12).denied);
  EXPECT_EQ(confirm(lane, 3, 3, 13).denied, message::DenyReason::full);
  EXPECT_EQ(lane.counters().denied_full.value(), 1U);
  for (Nanos i = 1; i <= 64; ++i) lane.poll(160 * second + i * millisecond, unix_start + 1'000);  // one is forgotten
  EXPECT_FALSE(confirm(lane, 3, 3, 13, unix_start + 2'000).denied);
}

TEST_F(HandshakeLaneTest, TheNewestSessionOfAPlayerSupersedesTheOlder) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  EXPECT_FALSE(confirm(lane, 1, 2, 12).denied);
  link::Superseded old;
  ASSERT_EQ(link.superseded.pop(&old, 1), 1U);
  EXPECT_EQ(old.connection_id, 11U);
  // The end of the old session must not take the new one off the active sessions.
  ASSERT_TRUE(link.ended.push({1, 11, 0}));
  lane.poll(0, unix_start);
  EXPECT_EQ(lane.counters().superseded.value(), 1U);
}

TEST_F(HandshakeLaneTest, ATokenThatNeverExpiresStaysSpent) {
  HandshakeLane lane{config, {&link}};
  constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(confirm(lane, 1, 1, 11, for_ever).denied);
  for (Nanos i = 1; i <= 64; ++i) lane.poll(i * millisecond, unix_start + 1);
  EXPECT_TRUE(confirm(lane, 1, 1, 12, for_ever).denied) << "and is still remembered as spent";
}

/// A server and its login service, each with a wall clock that an operator may set. Times are seconds since the server
/// started; what the clocks show is by how much they are ahead of the truth.
struct WallClockTest : HandshakeLaneTest {
  static constexpr std::int64_t life_s = 300;
  std::int64_t server_ahead_s = 0, login_ahead_s = 0;
  Nanos now = uptime;
  std::uint32_t connections = 10;
  std::uint32_t retry_after_ms = 0;  ///< of the last denial
  link::HandshakeLink other_link{8, 8};
  link::HandshakeLink* via = &link;  ///< the io lane that players come to
  link::HandshakeJob::Room room = link::HandshakeJob::Room::for_all;
  std::unique_ptr<HandshakeLane> lane;

  struct Ticket {
    crypt::TokenClaims claims;
    std::vector<std::uint8_t> bytes;
  };

  WallClockTest() { config.players_max = 64; }
  [[nodiscard]] std::int64_t truth() const { return unix_start + static_cast<std::int64_t>((now - uptime) / second); }
  void start(std::uint32_t tokens_remembered = 64) {
    config.started_at = now;
    config.tokens_remembered = tokens_remembered;
    lane = std::make_unique<HandshakeLane>(config, std::vector{&link, &other_link});
    lane->poll(now, truth() + server_ahead_s);
  }
  /// The lane is polled all the while, as it is by its core.
  void run(std::int64_t seconds) {
    for (const Nanos end = now + static_cast<Nanos>(seconds) * second; now < end;) {
      now += 100 * millisecond;
      lane->poll(now, truth() + server_ahead_s);
    }
  }
  void set_server_clock(std::int64_t ahead_s) {
    server_ahead_s = ahead_s;
    run(1);
  }
  [[nodiscard]] Ticket issue(std::uint64_t player) {
    Ticket ticket;
    crypt::TokenClaims& claims = ticket.claims;
    config.entropy.fill(claims.id);
    config.entropy.fill(claims.secret.bytes());
    claims.player_id = player;
    claims.issued = claims.not_before = truth() + login_ahead_s;
    claims.expiry = claims.issued + life_s;
    claims.audience = key.server_id;
    ticket.bytes = crypt::issue_token(key, claims, config.entropy).value();
    return ticket;
  }
  /// Connect; none: the client has keys, and has yet to prove them.
  std::optional<message::DenyReason> begin(const Ticket& ticket) {
    const std::uint32_t connection = ++connections;
    const crypt::KeyPair client = crypt::make_key_pair(config.entropy);
    link::HandshakeJob& job = via->jobs[0];
    job.connection_id = connection;
    auto& work = job.begin<link::HandshakeJob::Connect>();
    work.room = room;
    work.client_ephemeral = client.public_key;
    work.proof = crypt::make_proof(ticket.claims.secret, message::protocol_version, client.public_key, work.cookie,
                                   ticket.bytes);
    work.token_bytes = static_cast<std::uint16_t>(ticket.bytes.size());
    std::copy(ticket.bytes.begin(), ticket.bytes.end(), work.token.begin());
    work_off();
    retry_after_ms = work.retry_after_ms;
    return work.denied;
  }
  /// Connect and, when that is granted, CryptoTest; none: the player is in.
  std::optional<message::DenyReason> log_in(const Ticket& ticket) {
    if (const auto denied = begin(ticket)) return denied;
    return prove(ticket);
  }
  std::optional<message::DenyReason> prove(const Ticket& ticket) {
    link::HandshakeJob& job = via->jobs[0];
    auto& proof = job.begin<link::HandshakeJob::Confirm>();
    proof.player_id = ticket.claims.player_id;
    proof.token_id = ticket.claims.id;
    proof.token_expiry = ticket.claims.expiry;
    work_off();
    return proof.denied;
  }

 private:
  static constexpr Nanos uptime = 1'000 * second;  ///< of the host when the server starts

  void work_off() {
    EXPECT_TRUE(via->requests.push(0));
    EXPECT_EQ(lane->poll(now, truth() + server_ahead_s), 1U);
    std::uint32_t index = 9;
    EXPECT_EQ(via->results.pop(&index, 1), 1U);
  }
};

constexpr std::optional<message::DenyReason> let_in;

TEST_F(WallClockTest, AnOlderSessionGivesWayOnlyWhereThereIsAPlaceForTheNewOne) {
  using Room = link::HandshakeJob::Room;
  start();
  ASSERT_EQ(log_in(issue(1)), let_in);
  const auto ended = [&] {
    link::Superseded old;
    unsigned count = 0;
    while (link.superseded.pop(&old, 1) == 1) ++count;
    return count;
  };
  for (link::HandshakeLink* const to : {&link, &other_link}) {
    via = to;
    room = Room::for_none;
    EXPECT_EQ(log_in(issue(1)), message::DenyReason::full);
    room = Room::for_returning;
    EXPECT_EQ(log_in(issue(2)), message::DenyReason::full) << "has none to give up";
  }
  room = Room::for_returning_here;
  EXPECT_EQ(log_in(issue(1)), message::DenyReason::full) << "gives up one of another lane";
  EXPECT_EQ(ended(), 0U);
  via = &link;
  EXPECT_EQ(log_in(issue(1)), let_in);
  EXPECT_EQ(ended(), 1U);
  via = &other_link;
  room = Room::for_returning;
  EXPECT_EQ(log_in(issue(1)), let_in);
  EXPECT_EQ(ended(), 1U);
}

TEST_F(WallClockTest, PlayersComeInWhileTheClocksDifferByThePromisedTolerance) {
  for (const std::int64_t ahead : {-30, -20, 0, 20, 30}) {
    SCOPED_TRACE(ahead);
    login_ahead_s = ahead;
    start();
    EXPECT_EQ(log_in(issue(1)), let_in) << "at once";
    run(5);
    EXPECT_EQ(log_in(issue(2)), let_in) << "and later";
  }
}

TEST_F(WallClockTest, AServerThatWasStartedFastTakesTokensOnceItsClockIsRight) {
  server_ahead_s = 7'200;
  start();
  run(60);
  EXPECT_EQ(log_in(issue(1)), message::DenyReason::token_expired) << "by the clock as it is";
  set_server_clock(0);
  EXPECT_EQ(log_in(issue(2)), let_in);
  EXPECT_EQ(lane->counters().clock_set_back.value(), 1U);
  EXPECT_EQ(lane->counters().clock_set_forward.value(), 0U);
}

TEST_F(WallClockTest, AHostThatWasFastAsAWholeTakesTokensOnceItsClockIsRight) {
  server_ahead_s = login_ahead_s = 7'200;
  start();
  const Ticket before = issue(1);
  EXPECT_EQ(log_in(before), let_in);
  run(2 * life_s);  // it expires, and is forgotten
  login_ahead_s = 0;
  set_server_clock(0);
  EXPECT_EQ(log_in(issue(2)), let_in);
  login_ahead_s = -20;
  EXPECT_EQ(log_in(issue(3)), let_in);
  EXPECT_EQ(log_in(before), message::DenyReason::token_expired) << "not valid yet";
  run(7'200 - 2 * life_s + 60);
  EXPECT_EQ(log_in(before), message::DenyReason::token_used) << "valid once more by the clock";
}

TEST_F(WallClockTest, WhatWasForgottenForWantOfRoomStaysSpentWhenTheClockIsSetBack) {
  server_ahead_s = 200;
  start(4);
  run(200);
  std::vector<Ticket> spent;
  for (std::uint64_t player = 1; player <= 3; ++player) EXPECT_EQ(log_in(spent.emplace_back(issue(player))), let_in);
  run(200);
  set_server_clock(0);
  for (const Ticket& ticket : spent) EXPECT_NE(log_in(ticket), let_in) << "valid once more by the clock";
  EXPECT_GE(lane->counters().denied_expired.value(), 1U) << "of one the lane knows no more than that it is doubtful";
  for (const std::int64_t ahead : {-30, 0, 30}) {
    login_ahead_s = ahead;
    EXPECT_EQ(log_in(issue(4)), let_in);
    run(life_s);
    run(100);
  }
}

TEST_F(WallClockTest, AMomentOfAClockFarAheadForgetsNoToken) {
  start();
  const Ticket spent = issue(1);
  EXPECT_EQ(log_in(spent), let_in);
  const Ticket held = issue(2);
  server_ahead_s = 2 * 86'400;
  run(2);
  EXPECT_EQ(log_in(held), message::DenyReason::token_expired) << "by the clock as it is";
  set_server_clock(0);
  EXPECT_EQ(log_in(held), let_in) << "issued before, and good again";
  EXPECT_EQ(log_in(issue(3)), let_in);
  EXPECT_EQ(log_in(spent), message::DenyReason::token_used);
  EXPECT_EQ(lane->counters().clock_set_forward.value(), 1U);
  EXPECT_EQ(lane->counters().clock_set_back.value(), 1U);
}

TEST_F(WallClockTest, AHostThatBeginsIn1970TakesTokensOnceItKnowsTheTime) {
  server_ahead_s = -unix_start;
  start();
  const Ticket early = issue(1);
  EXPECT_EQ(log_in(early), message::DenyReason::token_expired) << "not valid yet";
  run(20);
  set_server_clock(0);
  EXPECT_EQ(log_in(early), let_in);
  EXPECT_EQ(log_in(early), message::DenyReason::token_used);
}

TEST_F(WallClockTest, AClockThatIsSetFarBackAndHealsRefusesNobodyAfterwards) {
  start();
  const Ticket spent = issue(1);
  EXPECT_EQ(log_in(spent), let_in);
  run(2 * life_s);
  server_ahead_s = -86'400;
  run(10);
  EXPECT_EQ(log_in(issue(2)), message::DenyReason::token_expired) << "not valid yet, by the clock as it is";
  set_server_clock(0);
  EXPECT_EQ(log_in(issue(3)), let_in);
  EXPECT_EQ(log_in(spent), message::DenyReason::token_expired);
}

TEST_F(WallClockTest, TokensOfBeforeTheStartAreRefusedWhateverTheClockWasThen) {
  for (const std::int64_t ahead : {0L, 7'200L, -7'200L, -unix_start}) {
    SCOPED_TRACE(ahead);
    const Ticket earlier = issue(1);  // spent, perhaps, in an earlier run
    now += 61 * second;
    server_ahead_s = ahead;
    start();
    set_server_clock(0);
    EXPECT_EQ(log_in(earlier), message::DenyReason::token_used);
    EXPECT_EQ(log_in(issue(1)), let_in);
  }
}

TEST_F(WallClockTest, AConnectForWhichThereIsNoRoomIsDeniedBeforeItsClientHasKeys) {
  config.players_max = 2;
  start(4);
  EXPECT_EQ(log_in(issue(1)), let_in);
  EXPECT_EQ(log_in(issue(2)), let_in);
  EXPECT_EQ(log_in(issue(3)), message::DenyReason::full);
  EXPECT_EQ(lane->counters().accepted.value(), 2U) << "as many players as there can be";
  EXPECT_EQ(log_in(issue(2)), let_in) << "who is in gives the place to nobody else";
  EXPECT_EQ(log_in(issue(2)), let_in);
  EXPECT_EQ(log_in(issue(2)), message::DenyReason::full);
  EXPECT_EQ(lane->counters().accepted.value(), 4U) << "as many spent tokens as can be remembered";
  EXPECT_GT(retry_after_ms, 0U);
}

TEST_F(WallClockTest, ThoseThatComeAtOnceAreNotLetInBeyondTheRoomToBeRefusedLater) {
  config.players_max = 2;
  start();
  const Ticket first = issue(1), second_one = issue(2);
  EXPECT_EQ(begin(first), let_in);
  EXPECT_EQ(begin(second_one), let_in);
  EXPECT_EQ(begin(issue(3)), message::DenyReason::full);
  EXPECT_GT(retry_after_ms, 0U);
  EXPECT_EQ(begin(first), let_in) << "its own place";
  EXPECT_EQ(prove(first), let_in);
  EXPECT_EQ(begin(issue(3)), message::DenyReason::full) << "one is in, and one has a place for its proof";
  run(12);
  const Ticket third = issue(3);
  EXPECT_EQ(begin(third), let_in) << "a place without a proof is kept as long as a half-open session";
  EXPECT_EQ(prove(third), let_in);
  EXPECT_EQ(log_in(issue(4)), message::DenyReason::full);
}

TEST_F(WallClockTest, LeapSecondsAreNoSteps) {
  start();
  const Ticket spent = issue(1);
  EXPECT_EQ(log_in(spent), let_in);
  for (const std::int64_t ahead : {-1, 0, 1, 0}) {
    set_server_clock(ahead);
    EXPECT_EQ(log_in(issue(2)), let_in);
    EXPECT_EQ(log_in(spent), message::DenyReason::token_used);
  }
  EXPECT_EQ(lane->counters().clock_set_back.value() + lane->counters().clock_set_forward.value(), 0U);
}

TEST(HandshakeJob, NoSecretIsLeftAfterItsEnd) {
  std::array<std::uint8_t, crypt::key_bytes> pattern;
  pattern.fill(0xA5);
  const crypt::Secret secret{pattern};
  link::HandshakeJob job;
  const auto secrets = [&] {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&job);
    unsigned found = 0;
    for (std::size_t at = 0; at + crypt::key_bytes <= sizeof job; ++at)
      found += std::equal(pattern.begin(), pattern.end(), bytes + at) ? 1U : 0U;
    return found;
  };
  for (crypt::Secret link::HandshakeJob::Connect::*of :
       {&link::HandshakeJob::Connect::token_secret, &link::HandshakeJob::Connect::shared}) {
    job.begin<link::HandshakeJob::Connect>().*of = secret;
    EXPECT_EQ(secrets(), 1U);
  }
  job.end();
  EXPECT_EQ(secrets(), 0U);
  auto& work = job.begin<link::HandshakeJob::ComputeRekey>();
  work.ephemeral.secret = work.next = work.keys.client_to_server = secret;
  EXPECT_EQ(secrets(), 3U);
  job.end();
  EXPECT_EQ(secrets(), 0U);
  EXPECT_EQ(job.kind(), link::HandshakeJob::Kind::none);
}

}  // namespace
}  // namespace serried::handshake
