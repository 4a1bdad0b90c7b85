#include "handshake/handshake_lane.h"

#include <algorithm>
#include <array>
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
  job.begin<link::HandshakeJob::Connect>().keys.next = secret;
  EXPECT_EQ(secrets(), 1U);
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
