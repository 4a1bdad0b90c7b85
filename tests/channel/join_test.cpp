#include "channel/join.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "noise.h"

namespace serried::channel {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Piece {
  std::size_t offset, bytes;
};

/// A message cut at random multiples of 8.
std::vector<Piece> cut(base::Prng& random, std::size_t bytes) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t here = std::min<std::size_t>(8 + 8 * random.below(140), bytes - at);
    pieces.push_back({at, here});
    at += here;
  }
  return pieces;
}

FragmentHeader header_of(const Piece& piece, std::size_t total) {
  return {9, static_cast<std::uint16_t>(piece.offset / 8), static_cast<std::uint32_t>(total)};
}

TEST(Join, JoinsWhateverTheOrderAndTheCuts) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    BlockPool pool{1, 1};
    const Bytes message = noise(random, 2 + random.below(seed % 20 == 0 ? message_bytes_max - 2 : 20'000));
    const auto pieces = cut(random, message.size());
    std::vector<std::size_t> order(pieces.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    const bool reliable = pieces.size() < 1024 && random.chance(0.5);
    const auto first_id = static_cast<std::uint16_t>(random.next());

    Join join;
    ASSERT_TRUE(join.begin(pool, header_of(pieces[0], message.size()), 5));
    for (const std::size_t i : order) {
      ASSERT_FALSE(join.complete());
      const auto bytes = std::span{message}.subspan(pieces[i].offset, pieces[i].bytes);
      const FragmentHeader header = header_of(pieces[i], message.size());
      ASSERT_TRUE(is_fragment(header, bytes.size()));
      ASSERT_TRUE(reliable ? join.add(pool, header, bytes, static_cast<std::uint16_t>(first_id + i), 6)
                           : join.add(pool, header, bytes));
    }
    ASSERT_TRUE(join.complete());
    EXPECT_EQ(join.touched_at(), reliable ? 6 : 5);
    if (reliable) {
      EXPECT_EQ(join.last_id(), static_cast<std::uint16_t>(first_id + pieces.size() - 1));
    }
    ASSERT_EQ(join.bytes(), message.size());
    EXPECT_TRUE(std::ranges::equal(pool.bytes(join.block()).first(message.size()), message));
    join.drop(pool);
    EXPECT_FALSE(join.active());
    EXPECT_EQ(pool.in_use_bytes(), 0U);
  }
}

class JoinOfThree : public testing::Test {
 protected:
  // 0..512 | 512..1024 | 1024..1500
  [[nodiscard]] bool add(std::size_t offset, std::size_t bytes, std::uint32_t total = 1'500) {
    return join.add(pool, {9, static_cast<std::uint16_t>(offset / 8), total}, std::span{message}.first(bytes));
  }
  [[nodiscard]] bool add_as(std::uint16_t id, std::size_t offset, std::size_t bytes) {
    return join.add(pool, {9, static_cast<std::uint16_t>(offset / 8), 1'500}, std::span{message}.first(bytes), id, 1);
  }
  void SetUp() override { ASSERT_TRUE(join.begin(pool, {9, 0, 1'500}, 0)); }
  void TearDown() override {
    join.drop(pool);
    EXPECT_EQ(pool.in_use_bytes(), 0U);
  }

  BlockPool pool{1, 0};
  Join join;
  Bytes message = Bytes(1'500, 7);
};

TEST_F(JoinOfThree, AnOverlapIsRefusedAndLeavesNoTrace) {
  ASSERT_TRUE(add(512, 512));
  EXPECT_FALSE(add(512, 512));
  EXPECT_FALSE(add(0, 520));
  EXPECT_FALSE(add(1016, 484));
  EXPECT_FALSE(add(0, 1'500));
  EXPECT_TRUE(add(0, 512));
  EXPECT_TRUE(add(1024, 476));
  EXPECT_TRUE(join.complete());
  EXPECT_FALSE(add(1496, 4));
}

TEST_F(JoinOfThree, AnotherTotalIsRefused) {
  ASSERT_TRUE(add(0, 512));
  EXPECT_FALSE(add(512, 512, 1'501));
}

TEST_F(JoinOfThree, IdsRiseWithOffsets) {
  ASSERT_TRUE(add_as(1, 512, 512));
  EXPECT_FALSE(add_as(2, 0, 512));
  EXPECT_FALSE(add_as(0, 1024, 476));
  EXPECT_TRUE(add_as(0, 0, 512));
  EXPECT_TRUE(add_as(2, 1024, 476));
  EXPECT_TRUE(join.complete());
}

TEST_F(JoinOfThree, IdsLeaveNoneOut) {
  ASSERT_TRUE(add_as(0xFFFF, 0, 512));
  ASSERT_TRUE(add_as(0, 512, 512));
  EXPECT_FALSE(add_as(2, 1024, 476));
}

TEST(Join, NeedsABlock) {
  BlockPool pool{0, 1};
  Join join;
  EXPECT_FALSE(join.begin(pool, {1, 0, 100}, 0));
  EXPECT_FALSE(join.active());
}

}  // namespace
}  // namespace serried::channel
