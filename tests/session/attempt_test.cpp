#include "session/attempt.h"

#include <set>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(AttemptKey, EveryInputMatters) {
  const std::array<std::uint8_t, 16> salt{1};
  const crypt::PublicKey ephemeral{2};
  const crypt::Hash token{3};
  const AttemptKey key = attempt_key(salt, guard::path_of(1, 1000), ephemeral, token);
  EXPECT_TRUE(key == attempt_key(salt, guard::path_of(1, 1000), ephemeral, token));
  EXPECT_FALSE(key == attempt_key({9}, guard::path_of(1, 1000), ephemeral, token));
  EXPECT_FALSE(key == attempt_key(salt, guard::path_of(2, 1000), ephemeral, token));
  EXPECT_FALSE(key == attempt_key(salt, guard::path_of(1, 1001), ephemeral, token));
  EXPECT_FALSE(key == attempt_key(salt, guard::path_of(1, 1000), {9}, token));
  EXPECT_FALSE(key == attempt_key(salt, guard::path_of(1, 1000), ephemeral, {9}));
}

TEST(Attempt, HalfOpenTenSecondsThenRememberedTenMore) {
  Attempt attempt;
  attempt.state = Attempt::State::half_open;
  attempt.since = 5 * second;
  EXPECT_FALSE(attempt.expired(15 * second - 1));
  EXPECT_TRUE(attempt.expired(15 * second));
  attempt.state = Attempt::State::established;
  attempt.since = 14 * second;
  EXPECT_FALSE(attempt.expired(24 * second - 1));
  EXPECT_TRUE(attempt.expired(24 * second));
}

}  // namespace
}  // namespace serried::session
