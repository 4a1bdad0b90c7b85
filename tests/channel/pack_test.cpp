#include "channel/pack.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "noise.h"

namespace serried::channel {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t chosen_seed() {
  const char* given = std::getenv("SERRIED_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::cout << "SERRIED_SEED=" << seed << '\n';
  return seed;
}

/// As a game without a schema of its own speaks: the same words, other numbers.
Bytes text(base::Prng& random, std::size_t bytes) {
  static constexpr const char* words[] = {"component.health", "component.mana", "position", "velocity", "inventory"};
  std::string made;
  while (made.size() < bytes) {
    made += words[random.below(5)];
    made += '=' + std::to_string(random.below(10'000)) + ';';
  }
  return {made.begin(), made.begin() + static_cast<std::ptrdiff_t>(bytes)};
}
Dictionary dictionary_of(Bytes bytes, std::uint32_t id = 77) {
  return std::move(Dictionary::make(id, std::move(bytes))).value();
}

Bytes packed(Packer& packer, const Bytes& rest, const Dictionary* dictionary, std::size_t room = 8192) {
  Bytes to(room);
  to.resize(packer.pack(rest, to, dictionary));
  return to;
}
Bytes unpacked(const Bytes& bytes, const Dictionary* dictionary) {
  Bytes to(unpacked_bytes_max);
  to.resize(unpack(bytes, to, dictionary));
  return to;
}

TEST(Pack, RoundTripOfEveryKindOfBodyWithAndWithoutDictionary) {
  base::Prng random(chosen_seed());
  Packer packer;
  const Dictionary dictionary = dictionary_of(text(random, 16'000));
  unsigned smaller = 0, both = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t size = 513 + random.below(unpacked_bytes_max - 512);
    Bytes rest = text(random, size);
    if (round % 3 == 1) {
      for (auto& byte : rest) byte = static_cast<std::uint8_t>(byte & random.next());
    }
    if (round % 3 == 2) rest = noise(random, size);
    Bytes plain, with;
    // In any order: nothing of one body may remain for the next.
    if (random.chance(0.5)) plain = packed(packer, rest, nullptr);
    with = packed(packer, rest, &dictionary);
    if (plain.empty()) plain = packed(packer, rest, nullptr);
    if (!plain.empty()) {
      ASSERT_LT(plain.size(), rest.size());
      ASSERT_EQ(base::load<std::uint16_t>(plain.data()), size);
      ASSERT_EQ(unpacked(plain, nullptr), rest);
      ASSERT_EQ(unpacked(plain, &dictionary), rest) << "a dictionary in hand is not one that was used";
    }
    if (!with.empty()) {
      ASSERT_EQ(base::load<std::uint16_t>(with.data()), size | 0x8000);
      ASSERT_EQ(unpacked(with, &dictionary), rest);
      ASSERT_TRUE(unpacked(with, nullptr).empty());
    }
    if (round % 3 == 0) {
      ASSERT_FALSE(plain.empty());
      ASSERT_FALSE(with.empty());
      ++both;
      smaller += with.size() < plain.size() ? 1 : 0;
    }
    if (round % 3 == 2) {
      ASSERT_TRUE(plain.empty() && with.empty()) << "noise";
    }
  }
  EXPECT_GT(smaller, both * 9 / 10) << "a dictionary of the same words helps";
}

TEST(Pack, OneBodyAlwaysPacksToTheSameBytes) {
  base::Prng random(1);
  const Bytes rest = text(random, 1100);
  Packer fresh, used;
  for (int i = 0; i < 20; ++i) static_cast<void>(packed(used, text(random, 2000), nullptr));
  const Dictionary dictionary = dictionary_of(text(random, 4000));
  static_cast<void>(packed(used, rest, &dictionary));
  EXPECT_EQ(packed(fresh, rest, nullptr), packed(used, rest, nullptr));
  EXPECT_EQ(packed(fresh, rest, &dictionary), packed(used, rest, &dictionary));
}

TEST(Pack, OnlyWhatIsLongEnoughAndNotTooLong) {
  Packer packer;
  EXPECT_TRUE(packed(packer, Bytes(512), nullptr).empty());
  EXPECT_FALSE(packed(packer, Bytes(513), nullptr).empty());
  EXPECT_FALSE(packed(packer, Bytes(8192), nullptr).empty());
  EXPECT_TRUE(packed(packer, Bytes(8193), nullptr).empty());
  EXPECT_TRUE(packed(packer, {}, nullptr).empty());
}

TEST(Pack, NeverWritesBeyondItsRoomAndSaysSoWhenThatIsTooLittle) {
  base::Prng random(2);
  Packer packer;
  const Bytes rest = text(random, 1500);
  const Bytes whole = packed(packer, rest, nullptr);
  ASSERT_FALSE(whole.empty());
  for (std::size_t room = 0; room < whole.size(); ++room) ASSERT_TRUE(packed(packer, rest, nullptr, room).empty());
  // After so many that gave up it works as before.
  EXPECT_EQ(packed(packer, rest, nullptr), whole);
}

TEST(Pack, ABodyThatLz4DoesNotShrinkIsLeftPlain) {
  // Sixteen values, so that the estimate lets it pass; but hardly any four in a row come twice.
  base::Prng random(3);
  Bytes rest(600);
  for (auto& byte : rest) byte = static_cast<std::uint8_t>(random.below(16));
  ASSERT_TRUE(promises_gain(rest));
  Packer packer;
  EXPECT_TRUE(packed(packer, rest, nullptr).empty());
}

TEST(PromisesGain, TellsNoiseFromTextAndRecords) {
  base::Prng random(chosen_seed());
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = 513 + random.below(7000);
    EXPECT_FALSE(promises_gain(noise(random, size)));
    EXPECT_TRUE(promises_gain(text(random, size)));
    EXPECT_TRUE(promises_gain(Bytes(size)));
    Bytes records = noise(random, size);  // of 16 bytes, half of them zeros
    for (std::size_t i = 0; i < size; ++i)
      if (i % 16 < 8) records[i] = 0;
    EXPECT_TRUE(promises_gain(records));
    Bytes letters = noise(random, size);  // as base64 has it: six bits a byte are no gain for LZ4
    for (auto& byte : letters) byte &= 0x3F;
    EXPECT_FALSE(promises_gain(letters));
  }
  for (std::size_t size = 0; size < 128; ++size) EXPECT_FALSE(promises_gain(Bytes(size)));
}

TEST(Unpack, SizesAndReservedBitsAreLookedAtFirst) {
  Packer packer;
  Bytes good = packed(packer, Bytes(1000, 7), nullptr);
  ASSERT_EQ(unpacked(good, nullptr).size(), 1000U);
  const Dictionary dictionary = dictionary_of(Bytes(100, 7));
  for (unsigned head = 0; head <= 0xFFFF; ++head) {
    base::store(good.data(), static_cast<std::uint16_t>(head));
    ASSERT_EQ(!unpacked(good, nullptr).empty(), head == 1000) << head;
    ASSERT_EQ(!unpacked(good, &dictionary).empty(), (head & 0x7FFF) == 1000) << head;
  }
}

TEST(Unpack, WhatIsCutShortOrLongerIsMalformed) {
  base::Prng random(4);
  Packer packer;
  const Bytes good = packed(packer, text(random, 1200), nullptr);
  ASSERT_FALSE(good.empty());
  for (std::size_t length = 0; length < good.size(); ++length)
    ASSERT_TRUE(unpacked({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}, nullptr).empty());
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(unpacked(longer, nullptr).empty());
}

TEST(Unpack, RoomThatIsTooSmallIsNotWrittenTo) {
  Packer packer;
  const Bytes good = packed(packer, Bytes(1000, 7), nullptr);
  Bytes to(999, 0xEE);
  EXPECT_EQ(unpack(good, to, nullptr), 0U);
  EXPECT_EQ(to, Bytes(999, 0xEE));
}

TEST(Unpack, FlippedBytesNeverLeaveTheRoom) {
  base::Prng random(chosen_seed());
  Packer packer;
  const Dictionary dictionary = dictionary_of(text(random, 3000));
  for (int round = 0; round < 2000; ++round) {
    const Bytes rest = text(random, 600 + random.below(600));
    const Dictionary* with = random.chance(0.5) ? &dictionary : nullptr;
    Bytes bytes = packed(packer, rest, with);
    ASSERT_FALSE(bytes.empty());
    for (std::uint64_t flips = 1 + random.below(4); flips-- > 0;)
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
    // As large as it says: an address sanitizer sees what goes beyond.
    const std::size_t claimed = base::load<std::uint16_t>(bytes.data()) & 0x3FFFU;
    Bytes to(std::min(claimed, unpacked_bytes_max));
    const std::size_t got = unpack(bytes, to, with);
    ASSERT_TRUE(got == 0 || got == claimed);
  }
}

}  // namespace
}  // namespace serried::channel
