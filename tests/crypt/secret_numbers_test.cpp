#include "crypt/secret_numbers.h"

#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "crypt/support.h"

namespace serried::crypt {
namespace {

/// Entropy that is always the same key.
Entropy entropy_of(const std::array<std::uint8_t, 32>& key) {
  return {[](void* from, std::span<std::uint8_t> to) {
            std::copy_n(static_cast<const std::uint8_t*>(from), to.size(), to.begin());
          },
          const_cast<std::uint8_t*>(key.data())};
}

TEST(SecretNumbers, AreTheKeystreamOfChaCha20BehindTheNextKey) {
  // RFC 8439 A.1, test vectors 1 and 2: key and nonce are zeros, blocks 0 and 1. The first 32 bytes are the next key.
  ASSERT_TRUE(initialise());
  SecretNumbers numbers{entropy_of({})};
  std::vector<std::uint64_t> drawn(60);
  for (std::size_t i = drawn.size(); i-- > 0;) drawn[i] = numbers.next();  // the last of a block comes first
  Bytes bytes(12 * 8);
  std::memcpy(bytes.data(), drawn.data(), bytes.size());
  EXPECT_EQ(bytes, hex("da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
                       "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                       "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"));
  SecretNumbers second{
      entropy_of(array_of<32>(hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7")))};
  for (int i = 0; i < 200; ++i) ASSERT_EQ(numbers.next(), second.next()) << i;
}

TEST(SecretNumbers, DependOnTheirKeyAndDoNotRepeat) {
  std::array<std::uint8_t, 32> key{};
  SecretNumbers one{entropy_of(key)};
  key[31] = 1;
  SecretNumbers other{entropy_of(key)};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) {
    seen.insert(one.next());
    seen.insert(other.next());
  }
  EXPECT_EQ(seen.size(), 20'000U);
}

TEST(SecretNumbers, BelowStaysBelowAndReachesEverything) {
  SecretNumbers numbers{entropy_of({})};
  std::array<unsigned, 10> counts{};
  for (int i = 0; i < 10'000; ++i) ++counts.at(numbers.below(10));
  for (const unsigned count : counts) EXPECT_NEAR(count, 1'000.0, 200.0);
  EXPECT_EQ(numbers.below(0), 0U);
}

}  // namespace
}  // namespace serried::crypt
