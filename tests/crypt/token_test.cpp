#include "crypt/token.h"

#include <limits>
#include <utility>

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypt/support.h"
#include "crypt/token_layout.h"

namespace serried::crypt {
namespace {

constexpr std::int64_t now = 1'700'000'000;

class TokenTest : public testing::Test {
 protected:
  TokenTest() : seeded(1) {
    key.key_id = 3;
    key.protocol_id = 0x3164656972726573;
    key.server_id = 12;
    key.secret = secret_of(rising(7, 32));
    claims.id = array_of<16>(rising(100, 16));
    claims.secret = secret_of(rising(50, 32));
    claims.player_id = 0x7EDCBA9876543210;
    claims.issued = now;
    claims.not_before = now - 5;
    claims.expiry = now + 600;
    claims.audience = 12;
    claims.permissions = 0x80000001;
    claims.name = "Zo\xc3\xab";
  }
  void SetUp() override { ASSERT_TRUE(initialise()); }
  Bytes issue() {
    auto token = issue_token(key, claims, seeded.entropy());
    EXPECT_TRUE(token);
    return token ? std::move(token).value() : Bytes{};
  }
  /// A token as an issuer makes it that does not know the range of player ids.
  Bytes sealed_for(std::uint64_t player_id) {
    const std::uint64_t known = std::exchange(claims.player_id, 0);
    Bytes token = issue();
    claims.player_id = known;
    constexpr std::size_t prefix = token_layout::prefix_bytes;
    const auto associated = token_layout::associated_data(key);
    Bytes plain(token.size() - prefix - token_layout::seal_tag_bytes);
    EXPECT_EQ(crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, token.data() + prefix,
                                                         token.size() - prefix, associated.data(), associated.size(),
                                                         token.data() + 4, key.secret.data()),
              0);
    base::store(plain.data() + 16 + 32, player_id);
    crypto_aead_xchacha20poly1305_ietf_encrypt(token.data() + prefix, nullptr, plain.data(), plain.size(),
                                               associated.data(), associated.size(), nullptr, token.data() + 4,
                                               key.secret.data());
    return token;
  }
  TokenFault open(const Bytes& token, std::int64_t at = now) { return open_token(key, token, at, opened); }

  SeededEntropy seeded;
  TokenKey key;
  TokenClaims claims, opened;
};

TEST_F(TokenTest, OpensWhatWasIssued) {
  const Bytes token = issue();
  EXPECT_LE(token.size(), token_bytes_max);
  ASSERT_EQ(open(token), TokenFault::none);
  EXPECT_EQ(opened.id, claims.id);
  EXPECT_EQ(opened.secret, claims.secret);
  EXPECT_EQ(opened.player_id, claims.player_id);
  EXPECT_EQ(opened.issued, claims.issued);
  EXPECT_EQ(opened.not_before, claims.not_before);
  EXPECT_EQ(opened.expiry, claims.expiry);
  EXPECT_EQ(opened.audience, claims.audience);
  EXPECT_EQ(opened.permissions, claims.permissions);
  EXPECT_EQ(opened.name, claims.name);
  EXPECT_EQ(opened.name.view(), "Zo\xc3\xab");
}

/// A player's entity has the player's id with the highest bit set.
TEST_F(TokenTest, NoPlayerIdHasTheBitOfEntities) {
  claims.player_id = player_id_max;
  EXPECT_EQ(open(issue()), TokenFault::none);
  for (const std::uint64_t player : {player_id_max + 1, player_id_max + 8, ~std::uint64_t{0}}) {
    claims.player_id = player;
    const auto token = issue_token(key, claims, seeded.entropy());
    ASSERT_FALSE(token) << player;
    EXPECT_EQ(token.error().message,
              "player id " + std::to_string(player) + " is too large: at most 9223372036854775807");
    EXPECT_EQ(open(sealed_for(player)), TokenFault::bad_player) << "by another issuer";
    EXPECT_EQ(opened.player_id, player) << "still authentic";
  }
}

TEST_F(TokenTest, NoTwoAreAlikeAndNoSecretShows) {
  const Bytes a = issue(), b = issue();
  EXPECT_NE(a, b);
  const Bytes secret = bytes_of(claims.secret);
  EXPECT_EQ(std::search(a.begin(), a.end(), secret.begin(), secret.end()), a.end());
}

TEST_F(TokenTest, NamesUpTo32Bytes) {
  for (const std::size_t length : {0, 1, 31, 32}) {
    claims.name = std::string(length, 'x');
    EXPECT_EQ(open(issue()), TokenFault::none);
    EXPECT_EQ(opened.name.string(), std::string(length, 'x'));
  }
  claims.name = std::string(33, 'x');
  const auto refused = issue_token(key, claims, seeded.entropy());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("too long"), std::string::npos);
}

TEST_F(TokenTest, NamesThatCannotBeShownAreNotIssued) {
  for (const char* name : {"a\nb", "\x1b[31m", "\xff", "\xc3", "\xed\xa0\x80"}) {
    claims.name = name;
    EXPECT_FALSE(issue_token(key, claims, seeded.entropy())) << name;
  }
}

TEST_F(TokenTest, ExpiryBeforeBeginningIsNotIssued) {
  claims.expiry = claims.not_before;
  EXPECT_FALSE(issue_token(key, claims, seeded.entropy()));
}

TEST_F(TokenTest, TimesWithThirtySecondsOfTolerance) {
  const Bytes token = issue();
  EXPECT_EQ(open(token, claims.not_before - 30), TokenFault::none);
  EXPECT_EQ(open(token, claims.not_before - 31), TokenFault::not_yet);
  EXPECT_EQ(opened.player_id, claims.player_id) << "still authentic";
  EXPECT_EQ(open(token, claims.expiry + 29), TokenFault::none);
  EXPECT_EQ(open(token, claims.expiry + 30), TokenFault::expired);
}

TEST_F(TokenTest, ExtremeTimesDoNotOverflow) {
  claims.not_before = std::numeric_limits<std::int64_t>::min();
  claims.expiry = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(open(issue()), TokenFault::none);
  claims.expiry = claims.not_before + 1;
  EXPECT_EQ(open(issue()), TokenFault::expired);
  claims.expiry = std::numeric_limits<std::int64_t>::max();
  claims.not_before = claims.expiry - 1;
  EXPECT_EQ(open(issue()), TokenFault::not_yet);
}

TEST_F(TokenTest, OtherServersAndKeys) {
  claims.audience = 13;
  EXPECT_EQ(open(issue()), TokenFault::wrong_server);
  claims.audience = 12;
  const Bytes token = issue();
  key.key_id = 4;
  EXPECT_EQ(open(token), TokenFault::unknown_key);
  key.key_id = 3;
  key.protocol_id ^= 1;
  EXPECT_EQ(open(token), TokenFault::forged) << "the protocol id is authenticated";
  key.protocol_id ^= 1;
  key.secret.bytes()[31] ^= 1;
  EXPECT_EQ(open(token), TokenFault::forged);
  key.secret.bytes()[31] ^= 1;
  EXPECT_EQ(open(token), TokenFault::none);
}

// draft-irtf-cfrg-xchacha-03 A.3.1, whose associated data are as long as ours. Its text holds no claims, so that
// opening it gets as far as reading them, and the first of them are there.
TEST_F(TokenTest, OpensTheSealOfTheXChaChaDraft) {
  TokenKey drafts;
  drafts.key_id = 0x53525150;
  drafts.protocol_id = 0xc7c6c5c4c3c2c1c0;
  drafts.secret = secret_of(rising(0x80, 32));
  Bytes token = hex("50515253");
  for (const Bytes& part :
       {rising(0x40, 24),
        hex("bd6d179d3e83d43b9576579493c0e939 572a1700252bfaccbed2902c21396cbb 731c7f1b0b4aa6440bf3a82f4eda7e39"
            "ae64c6708c54c216cb96b72e1213b452 2f8c9ba40db5d945b11b69b982c1bb9e 3f3fac2bc369488f76b2383565d3fff9"
            "21f9664c97637da9768812f615c68b13 b52e c0875924c1c7987947deafd8780acf49")})
    token.insert(token.end(), part.begin(), part.end());
  EXPECT_EQ(open_token(drafts, token, now, opened), TokenFault::malformed);
  EXPECT_EQ(bytes_of(opened.id), bytes_of("Ladies and Gentl"));
  EXPECT_EQ(bytes_of(opened.secret), bytes_of("emen of the class of '99: If I c"));
  for (std::size_t at = 4; at < token.size(); ++at) {
    Bytes flipped = token;
    flipped[at] ^= 0x10;
    ASSERT_EQ(open_token(drafts, flipped, now, opened), TokenFault::forged) << at;
  }
  drafts.protocol_id ^= 1;
  EXPECT_EQ(open_token(drafts, token, now, opened), TokenFault::forged);
}

TEST_F(TokenTest, EverySingleBitFlipIsRefused) {
  const Bytes token = issue();
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    Bytes flipped = token;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_EQ(open(flipped), bit < 32 ? TokenFault::unknown_key : TokenFault::forged) << bit;
  }
}

TEST_F(TokenTest, EveryOtherLengthIsRefused) {
  const Bytes token = issue();
  for (std::size_t length = 0; length < token.size(); ++length) {
    const TokenFault fault = open({token.begin(), token.begin() + static_cast<std::ptrdiff_t>(length)});
    ASSERT_TRUE(fault == TokenFault::malformed || fault == TokenFault::forged) << length;
  }
  for (std::size_t length = token.size() + 1; length < 300; ++length) {
    Bytes longer = token;
    longer.resize(length);
    ASSERT_EQ(open(longer), length <= token_bytes_max ? TokenFault::forged : TokenFault::malformed) << length;
  }
}

TEST_F(TokenTest, EveryFaultHasItsText) {
  for (const auto fault : {TokenFault::none, TokenFault::malformed, TokenFault::unknown_key, TokenFault::forged,
                           TokenFault::not_yet, TokenFault::expired, TokenFault::wrong_server})
    EXPECT_NE(token_fault_text(fault), "unknown");
}

}  // namespace
}  // namespace serried::crypt
