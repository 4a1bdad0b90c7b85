#include "crypt/sha256.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "base/prng.h"
#include "crypt/support.h"
#include "simd/isa.h"
#include "support/random.h"

namespace serried::crypt {
namespace {

using simd::Isa;
using test::random_bytes;

/// Give all of it, in pieces of random lengths.
template <class Hashing>
void update_in_pieces(Hashing& hashing, std::span<const std::uint8_t> bytes, base::Prng& random) {
  while (!bytes.empty()) {
    const std::size_t piece = random.below(bytes.size() + 1);
    hashing.update(bytes.first(piece));
    bytes = bytes.subspan(piece);
  }
}

class Sha256PiecesTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    const bool by_instruction = GetParam() != Isa::scalar;
    simd::use_isa(GetParam());
    if (simd::uses_sha_instructions() != by_instruction) GTEST_SKIP() << "this CPU has no instructions for SHA-256";
  }
  void TearDown() override { simd::use_isa(simd::detected_isa()); }
};
INSTANTIATE_TEST_SUITE_P(Isa, Sha256PiecesTest, testing::Values(Isa::scalar, Isa::sse42));

TEST_P(Sha256PiecesTest, EveryLengthAgreesWithTheReference) {
  base::Prng random(1804);
  for (std::size_t length = 0; length <= 300; ++length) {
    const Bytes bytes = random_bytes(random, length);
    Hash expected, pieces;
    crypto_hash_sha256(expected.data(), bytes.data(), bytes.size());
    Sha256 hashing;
    update_in_pieces(hashing, bytes, random);
    hashing.finish(pieces);
    ASSERT_EQ(pieces, expected) << length;
    ASSERT_EQ(sha256(bytes), expected) << length;
  }
}

TEST_P(Sha256PiecesTest, HmacOfEveryLengthOfKeyAgreesWithTheReference) {
  base::Prng random(2104);
  for (std::size_t key_length = 0; key_length <= 140; ++key_length) {
    const Bytes key = random_bytes(random, key_length), bytes = random_bytes(random, random.below(200));
    crypto_auth_hmacsha256_state reference;
    Hash expected;
    crypto_auth_hmacsha256_init(&reference, key.empty() ? expected.data() : key.data(), key.size());
    crypto_auth_hmacsha256_update(&reference, bytes.data(), bytes.size());
    crypto_auth_hmacsha256_final(&reference, expected.data());
    ASSERT_EQ(hmac_sha256(key, bytes), expected) << key_length;
    const HmacKey ready(key);
    for (unsigned use = 0; use < 2; ++use) {
      Hmac hmac(ready);
      update_in_pieces(hmac, bytes, random);
      Hash mac;
      hmac.finish(mac);
      ASSERT_EQ(mac, expected) << key_length << ", use " << use;
    }
  }
}

TEST(Sha256, WhatItHeldIsWiped) {
  alignas(Sha256) std::uint8_t place[sizeof(Sha256)];
  auto* const hashing = new (place) Sha256;
  hashing->update(Bytes(100, 0xA5));
  hashing->~Sha256();
  EXPECT_EQ(Bytes(std::begin(place), std::end(place)), Bytes(sizeof place, 0));
}

}  // namespace
}  // namespace serried::crypt
