#include "peer/key_ring.h"

#include <gtest/gtest.h>

#include "mini_server.h"

namespace serried {
namespace {

using peer::KeyRing;
constexpr std::uint8_t odd = wire::flag::sealed | wire::flag::key_phase, even = wire::flag::sealed;
constexpr std::uint32_t connection = 77;

struct Rekeying {
  test::SeededEntropy random{5};
  KeyRing ring;
  crypt::SessionKeys keys;
  std::uint8_t epoch = 0;

  Rekeying() {
    EXPECT_TRUE(crypt::initialise());
    for (crypt::Secret* secret : {&keys.client_to_server, &keys.server_to_client, &keys.next, &keys.exporter})
      random.entropy().fill(secret->bytes());
    ring.begin(keys);
  }
  /// One whole change, but for the datagram that opens under the new key. False: the client refuses.
  bool change() {
    const crypt::KeyPair own = crypt::make_key_pair(random.entropy());
    const auto next = static_cast<std::uint8_t>(epoch + 1);
    message::Rekey response;
    if (!ring.answer({next, own.public_key}, connection, random.entropy(), response)) return false;
    EXPECT_EQ(response.epoch, next);
    crypt::Secret shared;
    EXPECT_TRUE(crypt::shared_secret(own.secret, response.ephemeral, shared));
    keys = crypt::derive_next_keys({connection, next, own.public_key, response.ephemeral}, keys, shared);
    epoch = next;
    return true;
  }
  static bool is(const std::uint8_t* key, const crypt::Secret& secret) {
    return key != nullptr && std::equal(secret.bytes().begin(), secret.bytes().end(), key);
  }
};

TEST(KeyRing, HasNoKeyForAPhaseWithoutRekey) {
  Rekeying side;
  EXPECT_TRUE(Rekeying::is(side.ring.opening_key(even), side.keys.server_to_client));
  EXPECT_EQ(side.ring.opening_key(odd), nullptr);
  EXPECT_EQ(side.ring.sealing_flag(), 0);
  side.ring.wipe();
  EXPECT_FALSE(side.ring.any());
  EXPECT_EQ(side.ring.opening_key(even), nullptr);
}

TEST(KeyRing, SealsUnderTheNewKeyOnlyWhenSomethingOpenedUnderIt) {
  Rekeying side;
  const crypt::Secret old_open = side.keys.server_to_client, old_seal = side.keys.client_to_server;
  ASSERT_TRUE(side.change());
  EXPECT_TRUE(Rekeying::is(side.ring.opening_key(even), old_open));
  EXPECT_TRUE(Rekeying::is(side.ring.opening_key(odd), side.keys.server_to_client));
  EXPECT_FALSE(side.ring.note_opened(even, 0, second));  // a straggler
  EXPECT_TRUE(Rekeying::is(side.ring.sealing_key(), old_seal));
  EXPECT_EQ(side.ring.sealing_flag(), 0);
  EXPECT_TRUE(side.ring.note_opened(odd, 0, second));
  EXPECT_FALSE(side.ring.note_opened(odd, 0, second));
  EXPECT_TRUE(Rekeying::is(side.ring.sealing_key(), side.keys.client_to_server));
  EXPECT_EQ(side.ring.sealing_flag(), wire::flag::key_phase);
}

TEST(KeyRing, WipesTheOldKeyAfterThreeRoundTripsOrASecond) {
  for (const Nanos round_trip : {10 * millisecond, 500 * millisecond}) {
    Rekeying side;
    ASSERT_TRUE(side.change());
    EXPECT_EQ(side.ring.retire_at(), ~Nanos{0});
    side.ring.note_opened(odd, round_trip, 5 * second);
    const Nanos end = 5 * second + std::max(second, 3 * round_trip);
    EXPECT_EQ(side.ring.retire_at(), end);
    side.ring.poll(end - 1);
    EXPECT_NE(side.ring.opening_key(even), nullptr);
    side.ring.poll(end);
    EXPECT_EQ(side.ring.opening_key(even), nullptr);
    EXPECT_NE(side.ring.opening_key(odd), nullptr);
    EXPECT_EQ(side.ring.retire_at(), ~Nanos{0});
  }
}

TEST(KeyRing, RefusesEpochsOutOfOrderAndZeroPoints) {
  Rekeying side;
  message::Rekey response;
  const crypt::KeyPair own = crypt::make_key_pair(side.random.entropy());
  EXPECT_FALSE(side.ring.answer({0, own.public_key}, connection, side.random.entropy(), response));
  EXPECT_FALSE(side.ring.answer({2, own.public_key}, connection, side.random.entropy(), response));
  EXPECT_FALSE(side.ring.answer({1, {}}, connection, side.random.entropy(), response));  // all zero
  EXPECT_EQ(side.ring.opening_key(odd), nullptr);
  ASSERT_TRUE(side.change());
  EXPECT_FALSE(side.change());  // nothing has opened under the last one
}

TEST(KeyRing, GoesThroughAllEpochsAndAround) {
  Rekeying side;
  const crypt::Secret exporter = side.keys.exporter;
  for (unsigned i = 1; i <= 600; ++i) {
    ASSERT_TRUE(side.change()) << i;
    ASSERT_TRUE(side.ring.note_opened((i & 1) != 0 ? odd : even, 0, i * second));
    ASSERT_EQ(side.ring.epoch(), i % 256);
    ASSERT_TRUE(Rekeying::is(side.ring.sealing_key(), side.keys.client_to_server));
    ASSERT_EQ(side.ring.exporter(), exporter);
  }
}

}  // namespace
}  // namespace serried
