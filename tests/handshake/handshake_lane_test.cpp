#include "handshake/handshake_lane.h"

#include <limits>

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
    config = {key, unix_start, 2, 4, random.entropy()};
  }

  link::HandshakeJob& confirm(HandshakeLane& lane, std::uint64_t player, std::uint8_t token, std::uint32_t connection,
                              std::int64_t expiry = unix_start + 100) {
    link::HandshakeJob& job = link.jobs[0];
    job.kind = link::HandshakeJob::Kind::confirm;
    job.player_id = player;
    job.token_id = {token};
    job.token_expiry = expiry;
    job.connection_id = connection;
    EXPECT_TRUE(link.requests.push(0));
    EXPECT_EQ(lane.poll(0, unix_start), 1U);
    std::uint32_t index = 9;
    EXPECT_EQ(link.results.pop(&index, 1), 1U);
    EXPECT_EQ(index, 0U);
    return job;
  }
};

TEST_F(HandshakeLaneTest, ATokenIsConfirmedOnce) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  const link::HandshakeJob& again = confirm(lane, 1, 1, 12);
  EXPECT_TRUE(again.denied);
  EXPECT_EQ(again.reason, message::DenyReason::token_used);
  EXPECT_EQ(lane.counters().denied_used.value(), 1U);
}

TEST_F(HandshakeLaneTest, ConfirmationsAreDeniedWhenTheTableOfSpentTokensIsFull) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  EXPECT_FALSE(confirm(lane, 2, 2, 12).denied);
  EXPECT_EQ(confirm(lane, 3, 3, 13).reason, message::DenyReason::full);
  EXPECT_EQ(lane.counters().denied_full.value(), 1U);
  for (Nanos i = 1; i <= 64; ++i) lane.poll(i * millisecond, unix_start + 1'000);  // the two expire
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

TEST_F(HandshakeLaneTest, SpentTokensStaySpentWhenTheClockIsSetBack) {
  HandshakeLane lane{config, {&link}};
  EXPECT_FALSE(confirm(lane, 1, 1, 11).denied);
  for (Nanos i = 1; i <= 64; ++i) lane.poll(i * millisecond, unix_start + 1'000);  // it expires, and is forgotten
  EXPECT_TRUE(confirm(lane, 1, 1, 12).denied) << "valid again by the clock";
  EXPECT_FALSE(confirm(lane, 1, 2, 13, unix_start + 500).denied) << "a later one was never forgotten";
}

TEST_F(HandshakeLaneTest, ATokenThatNeverExpiresStaysSpent) {
  HandshakeLane lane{config, {&link}};
  constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(confirm(lane, 1, 1, 11, for_ever).denied);
  for (Nanos i = 1; i <= 64; ++i) lane.poll(i * millisecond, unix_start + 1);
  EXPECT_TRUE(confirm(lane, 1, 1, 12, for_ever).denied) << "and is still remembered as spent";
}

}  // namespace
}  // namespace serried::handshake
