#include "crypt/cookie.h"

#include <gtest/gtest.h>

#include "crypt/support.h"

namespace serried::crypt {
namespace {

/// Who asked, and for what.
struct Asked {
  wire::Path source;
  PublicKey ephemeral = array_of<32>(rising(0, 32));
  Hash token_hash = array_of<32>(rising(80, 32));

  Asked() {
    source.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
    source.port = 5555;
  }
};

class CookieTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(initialise()); }
  Cookie make(CookieJar& from, Nanos now) {
    return from.make(0x0102030405060708, asked.source, asked.ephemeral, asked.token_hash, now);
  }
  bool check(CookieJar& with, const Cookie& cookie, Nanos now) { return check(with, cookie, asked, now); }
  static bool check(CookieJar& with, const Cookie& cookie, const Asked& who, Nanos now) {
    return with.check(cookie, who.source, who.ephemeral, who.token_hash, now);
  }

  Asked asked;
  CookieJar jar{secret_of(rising(1, 32))};
};

TEST_F(CookieTest, LayoutToTheByte) {
  // Computed from the page of the wire format by another implementation of HMAC and SHA-256.
  const Cookie cookie = make(jar, 123 * second + 900 * millisecond);
  EXPECT_EQ(bytes_of(cookie), hex("0807060504030201 7b00000000000000"
                                  "3a7c2e709b80b29d66e308816e2453b47267b8836b657bac1826dae754274e30"));
}

TEST_F(CookieTest, IsValidForTenSeconds) {
  const Nanos born = 100 * second;
  const Cookie cookie = make(jar, born);
  EXPECT_TRUE(check(jar, cookie, born));
  EXPECT_TRUE(check(jar, cookie, born + CookieJar::lifetime));
  EXPECT_FALSE(check(jar, cookie, born + CookieJar::lifetime + 1));
  EXPECT_FALSE(check(jar, cookie, born + 3600 * second));
}

TEST_F(CookieTest, IsNeverFromTheFuture) {
  const Cookie cookie = make(jar, 100 * second);
  EXPECT_FALSE(check(jar, cookie, 100 * second - 1));
  EXPECT_FALSE(check(jar, cookie, 0));
}

TEST_F(CookieTest, TimesThatNoClockShowsAreRefused) {
  Cookie cookie = make(jar, 100 * second);
  for (const std::uint64_t time : {~std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0} / second + 1}) {
    for (unsigned i = 0; i < 8; ++i) cookie[8 + i] = static_cast<std::uint8_t>(time >> 8 * i);
    EXPECT_FALSE(check(jar, cookie, 100 * second)) << time;
    EXPECT_FALSE(check(jar, cookie, ~Nanos{0})) << time;
  }
}

TEST_F(CookieTest, BelongsToAddressPortEphemeralAndToken) {
  const Cookie cookie = make(jar, second);
  std::vector<Asked> others(4);
  others[0].source.address[15] ^= 1;
  others[1].source.port ^= 1;
  others[2].ephemeral[0] ^= 1;
  others[3].token_hash[31] ^= 1;
  for (const Asked& other : others) EXPECT_FALSE(check(jar, cookie, other, second));
  Asked same;
  same.source.link = {1, 2, 3, 4, 5, 6};  // the way may change, the end point may not
  same.source.vlan = 7;
  EXPECT_TRUE(check(jar, cookie, same, second));
}

TEST_F(CookieTest, EverySingleBitFlipIsRefused) {
  const Nanos now = 100 * second;
  const Cookie cookie = make(jar, now);
  for (std::size_t bit = 0; bit < cookie_bytes * 8; ++bit) {
    Cookie flipped = cookie;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(check(jar, flipped, now)) << bit;
  }
  EXPECT_FALSE(check(jar, Cookie{}, now));
}

TEST_F(CookieTest, SecretsRotateAndOverlap) {
  const Nanos last = CookieJar::rotation - second;  // a second before the secret changes
  const Cookie old = make(jar, last);
  const Cookie fresh = make(jar, CookieJar::rotation);
  EXPECT_TRUE(check(jar, fresh, CookieJar::rotation + second));
  EXPECT_TRUE(check(jar, old, CookieJar::rotation + second)) << "the secret before is still known";
  EXPECT_TRUE(check(jar, fresh, CookieJar::rotation + 2 * second));
  EXPECT_FALSE(check(jar, old, last + CookieJar::lifetime + second));
  // A cookie whose time was moved into the next epoch is judged by that epoch's secret.
  Cookie moved = old;
  ++moved[8];
  EXPECT_FALSE(check(jar, moved, CookieJar::rotation + second));
}

TEST_F(CookieTest, ManyEpochsInAnyOrderOfUse) {
  // The jar keeps two secrets; going back and forth between epochs must derive the right one again.
  for (const Nanos epoch : {0, 1, 2, 1, 7, 6, 0, 100, 99, 100}) {
    const Nanos now = epoch * CookieJar::rotation + 5 * second;
    CookieJar another{secret_of(rising(1, 32))};
    const Cookie cookie = make(jar, now);
    EXPECT_EQ(cookie, make(another, now)) << epoch;
    EXPECT_TRUE(check(jar, cookie, now)) << epoch;
  }
}

TEST_F(CookieTest, LanesThatShareTheRootAcceptEachOthers) {
  CookieJar same{secret_of(rising(1, 32))}, other{secret_of(rising(2, 32))};
  const Cookie cookie = make(jar, 61 * second);
  EXPECT_TRUE(check(same, cookie, 62 * second));
  EXPECT_FALSE(check(other, cookie, 62 * second));
}

TEST_F(CookieTest, WhoNeverReceivedOneIsToldApartByTheNonce) {
  const auto knows = [&](const Cookie& cookie, const Asked& who, Nanos now) {
    return jar.knows(cookie, who.source, who.ephemeral, now);
  };
  const Nanos born = 59 * second;
  Cookie cookie = jar.make(asked.source, asked.ephemeral, asked.token_hash, born);
  EXPECT_TRUE(check(jar, cookie, born));
  EXPECT_TRUE(knows(cookie, asked, born));
  EXPECT_TRUE(knows(cookie, asked, born + CookieJar::lifetime)) << "under the secret before";
  EXPECT_FALSE(knows(cookie, asked, born + CookieJar::lifetime + 1));
  EXPECT_FALSE(knows(cookie, asked, born - 1));
  std::vector<Asked> others(3);
  others[0].source.address[15] ^= 1;
  others[1].source.port ^= 1;
  others[2].ephemeral[0] ^= 1;
  for (const Asked& other : others) EXPECT_FALSE(knows(cookie, other, born));
  for (std::size_t bit = 0; bit < 16 * 8; ++bit) {
    Cookie flipped = cookie;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_FALSE(knows(flipped, asked, born)) << bit;
  }
  EXPECT_FALSE(knows(Cookie{}, asked, born));
  cookie[16] ^= 1;
  EXPECT_TRUE(knows(cookie, asked, born)) << "the rest is for check()";
  EXPECT_FALSE(check(jar, cookie, born));
  CookieJar other{secret_of(rising(2, 32))};
  EXPECT_NE(other.make(asked.source, asked.ephemeral, asked.token_hash, born),
            jar.make(asked.source, asked.ephemeral, asked.token_hash, born));
}

TEST_F(CookieTest, ProofToTheByte) {
  const Cookie cookie = make(jar, 123 * second);
  EXPECT_EQ(bytes_of(make_proof(secret_of(rising(112, 32)), 1, asked.ephemeral, cookie, bytes_of("token bytes"))),
            hex("b2fbd491147357cf0e6d273576f1bdb6"));
}

TEST_F(CookieTest, ProofDependsOnEverything) {
  const Secret secret = secret_of(rising(112, 32));
  const Bytes token = rising(0, 100);
  Cookie cookie = make(jar, second);
  const Proof proof = make_proof(secret, 1, asked.ephemeral, cookie, token);
  EXPECT_NE(make_proof(secret_of(rising(113, 32)), 1, asked.ephemeral, cookie, token), proof);
  EXPECT_NE(make_proof(secret, 2, asked.ephemeral, cookie, token), proof);
  EXPECT_NE(make_proof(secret, 1, array_of<32>(rising(1, 32)), cookie, token), proof);
  EXPECT_NE(make_proof(secret, 1, asked.ephemeral, cookie, rising(0, 101)), proof);
  cookie[47] ^= 0x80;
  EXPECT_NE(make_proof(secret, 1, asked.ephemeral, cookie, token), proof);
}

}  // namespace
}  // namespace serried::crypt
