#include "guard/bans.h"

#include <gtest/gtest.h>

#include "guard/addresses.h"

namespace serried::guard {
namespace {

TEST(Prefix, KeepsItsBitsAndClearsTheRest) {
  Address ones;
  ones.fill(0xFF);
  for (unsigned bits = 0; bits <= 128; ++bits) {
    const Prefix prefix = prefix_of(ones, bits);
    for (unsigned bit = 0; bit < 128; ++bit)
      EXPECT_EQ(prefix.address[bit / 8] >> (7 - bit % 8) & 1, bit < bits ? 1 : 0) << bits << " " << bit;
  }
}

TEST(Prefix, ContainsItsOwnAndNothingElse) {
  const Prefix network = prefix_of(v4(192, 0, 2, 77), mapped_bits + 24);
  EXPECT_TRUE(contains(network, v4(192, 0, 2, 1)));
  EXPECT_FALSE(contains(network, v4(192, 0, 3, 1)));
  EXPECT_TRUE(contains(prefix_of({}, 0), v4(1, 2, 3, 4)));
}

TEST(BanTable, CoversAddressesAndNetworksUntilTheirEnd) {
  BanTable bans{16, 7};
  EXPECT_FALSE(bans.any());
  ASSERT_TRUE(bans.add(prefix_of(v4(10, 0, 0, 1), 128), 100));
  ASSERT_TRUE(bans.add(prefix_of(v4(192, 0, 2, 0), mapped_bits + 24), BanTable::for_ever));
  EXPECT_TRUE(bans.covers(v4(10, 0, 0, 1), 99));
  EXPECT_FALSE(bans.covers(v4(10, 0, 0, 1), 100));
  EXPECT_FALSE(bans.covers(v4(10, 0, 0, 2), 99));
  EXPECT_TRUE(bans.covers(v4(192, 0, 2, 200), ~Nanos{0} - 1));
  EXPECT_FALSE(bans.covers(v4(192, 0, 3, 200), 0));
}

TEST(BanTable, ASecondBanMovesTheEndAndTakesNoRoom) {
  BanTable bans{1, 7};
  const Prefix prefix = prefix_of(v4(10, 0, 0, 1), 128);
  ASSERT_TRUE(bans.add(prefix, 100));
  ASSERT_TRUE(bans.add(prefix, 50));
  EXPECT_EQ(bans.size(), 1U);
  EXPECT_FALSE(bans.covers(v4(10, 0, 0, 1), 60));
  EXPECT_FALSE(bans.add(prefix_of(v4(10, 0, 0, 2), 128), 100)) << "full";
}

TEST(BanTable, AFullTableGivesUpTheBanWithTheLeastTimeLeft) {
  BanTable bans{16, 7};
  for (unsigned i = 0; i < 16; ++i) ASSERT_TRUE(bans.press_in(prefix_of(v4(10, 0, i, 1), 128), 100 + (i * 7) % 16));
  EXPECT_FALSE(bans.press_in(prefix_of(v4(10, 1, 0, 1), 128), 100)) << "it would be the next to go";
  EXPECT_EQ(bans.size(), 16U);
  EXPECT_TRUE(bans.press_in(prefix_of(v4(10, 1, 0, 1), 128), 101));
  EXPECT_FALSE(bans.covers(v4(10, 0, 0, 1), 50)) << "had the least";
  for (unsigned i = 1; i < 16; ++i) EXPECT_TRUE(bans.covers(v4(10, 0, i, 1), 50)) << i;
  EXPECT_TRUE(bans.press_in(prefix_of(v4(10, 0, 5, 1), 128), 90)) << "one that is there needs no room";
  EXPECT_EQ(bans.size(), 16U);
}

TEST(BanTable, ANetworkTakesThePlacesOfWhatLiesWithin) {
  BanTable bans{64, 7};
  for (unsigned i = 0; i < 32; ++i) {
    ASSERT_TRUE(bans.press_in(prefix_of(v4(10, 0, 0, i), 128), 100));
    ASSERT_TRUE(bans.press_in(prefix_of(v4(10, 0, 1, i), 128), 100));
  }
  ASSERT_TRUE(bans.press_in(prefix_of(v4(10, 0, 0, 0), mapped_bits + 24), 90));
  EXPECT_EQ(bans.size(), 33U);
  EXPECT_TRUE(bans.covers(v4(10, 0, 0, 200), 50));
  EXPECT_FALSE(bans.covers(v4(10, 0, 0, 1), 95));
  for (unsigned i = 0; i < 32; ++i) EXPECT_TRUE(bans.covers(v4(10, 0, 1, i), 95));
  ASSERT_TRUE(bans.press_in(prefix_of(v4(10, 0, 0, 0), mapped_bits + 16), 100));
  EXPECT_EQ(bans.size(), 1U);
}

TEST(BanTable, LiftingLeavesTheOthers) {
  BanTable bans{64, 7};
  for (std::uint8_t i = 1; i <= 30; ++i) ASSERT_TRUE(bans.add(prefix_of(v4(10, 0, i, 0), mapped_bits + i), 100));
  for (std::uint8_t i = 1; i <= 30; i += 2) EXPECT_TRUE(bans.lift(prefix_of(v4(10, 0, i, 0), mapped_bits + i)));
  EXPECT_FALSE(bans.lift(prefix_of(v4(10, 0, 1, 0), mapped_bits + 1)));
  EXPECT_EQ(bans.size(), 15U);
  EXPECT_TRUE(bans.covers(v4(10, 0, 30, 0), 0));
  for (std::uint8_t i = 2; i <= 30; i += 2) EXPECT_TRUE(bans.lift(prefix_of(v4(10, 0, i, 0), mapped_bits + i)));
  EXPECT_FALSE(bans.any());
  EXPECT_FALSE(bans.covers(v4(10, 0, 30, 0), 0));
}

TEST(BanTable, SweepsRemoveExpiredBans) {
  BanTable bans{1'000, 7};
  for (unsigned i = 0; i < 1'000; ++i)
    ASSERT_TRUE(bans.add(prefix_of(v4(10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 128),
                         i % 2 == 0 ? 100 : 200));
  for (unsigned i = 0; i < 1'024; ++i) bans.sweep(4, 150);
  EXPECT_EQ(bans.size(), 500U);
  for (unsigned i = 0; i < 1'024; ++i) bans.sweep(4, 250);
  EXPECT_FALSE(bans.any());
  ASSERT_TRUE(bans.add(prefix_of(v4(1, 1, 1, 1), 128), 300)) << "the lengths in use were kept right";
  EXPECT_TRUE(bans.covers(v4(1, 1, 1, 1), 250));
}

}  // namespace
}  // namespace serried::guard
