#include "channel/block_pool.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace serried::channel {
namespace {

TEST(BlockPool, SmallRequestsNeverTakeALargeBlock) {
  BlockPool pool{2, 1};
  EXPECT_EQ(pool.capacity_bytes(), 2U * BlockPool::small_bytes + BlockPool::large_bytes);
  const auto a = pool.acquire(2), b = pool.acquire(BlockPool::small_bytes);
  EXPECT_NE(a, BlockPool::none);
  EXPECT_NE(b, BlockPool::none);
  EXPECT_EQ(pool.acquire(1), BlockPool::none);
  const auto c = pool.acquire(BlockPool::small_bytes + 1);
  ASSERT_NE(c, BlockPool::none);
  EXPECT_EQ(pool.acquire(BlockPool::large_bytes), BlockPool::none);
  EXPECT_EQ((std::set{a, b, c}.size()), 3U);
  EXPECT_EQ(pool.in_use_bytes(), pool.capacity_bytes());
  pool.release(a);
  EXPECT_EQ(pool.acquire(BlockPool::large_bytes), BlockPool::none);
  EXPECT_EQ(pool.acquire(1), a);
  for (const auto block : {a, b, c}) pool.release(block);
  EXPECT_EQ(pool.in_use_bytes(), 0U);
}

TEST(BlockPool, RequestsAboveALargeBlockAreRefused) {
  BlockPool pool{1, 1};
  EXPECT_EQ(pool.acquire(BlockPool::large_bytes + 1), BlockPool::none);
  EXPECT_EQ(pool.in_use_bytes(), 0U);
}

TEST(BlockPool, BlocksDoNotOverlap) {
  BlockPool pool{3, 2};
  std::vector<std::uint16_t> blocks;
  for (const std::uint32_t bytes : {1U, 1U, 1U, message_bytes_max, message_bytes_max}) {
    blocks.push_back(pool.acquire(bytes));
    ASSERT_NE(blocks.back(), BlockPool::none);
    EXPECT_EQ(pool.bytes(blocks.back()).size(), bytes == 1 ? BlockPool::small_bytes : BlockPool::large_bytes);
    EXPECT_EQ(pool.units(blocks.back()).size() * 64 * BlockPool::unit_bytes, pool.bytes(blocks.back()).size());
    std::ranges::fill(pool.bytes(blocks.back()), static_cast<std::uint8_t>(blocks.size()));
    std::ranges::fill(pool.units(blocks.back()), blocks.size());
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(std::ranges::all_of(pool.bytes(blocks[i]), [&](auto byte) { return byte == i + 1; }));
    EXPECT_TRUE(std::ranges::all_of(pool.units(blocks[i]), [&](auto word) { return word == i + 1; }));
  }
}

TEST(BlockPool, UnitsAreZeroWhenABlockIsUsedAgain) {
  BlockPool pool{1, 1};
  for (const std::uint32_t bytes : {BlockPool::small_bytes, BlockPool::large_bytes}) {
    const auto block = pool.acquire(bytes);
    std::ranges::fill(pool.units(block), ~std::uint64_t{0});
    pool.release(block);
    const auto again = pool.acquire(bytes - 1);
    ASSERT_EQ(again, block);
    EXPECT_TRUE(std::ranges::all_of(pool.units(again), [](auto word) { return word == 0; }));
    pool.release(again);
  }
}

TEST(BlockPool, AQuarterIsKeptForWhatGoesOut) {
  BlockPool pool{0, 8};
  for (int i = 0; i < 6; ++i) EXPECT_NE(pool.acquire_received(BlockPool::large_bytes, 0), BlockPool::none);
  EXPECT_EQ(pool.acquire_received(BlockPool::large_bytes, 0), BlockPool::none);
  EXPECT_EQ(pool.acquire_for_join(BlockPool::large_bytes, 3'600 * second).block, BlockPool::none) << "none is slow";
  for (int i = 0; i < 2; ++i) EXPECT_NE(pool.acquire(BlockPool::large_bytes), BlockPool::none);
  EXPECT_EQ(pool.acquire(BlockPool::large_bytes), BlockPool::none);
}

TEST(BlockPool, ANewcomerGetsTheBlockThatIsFilledSlowest) {
  BlockPool pool{0, 4};
  constexpr std::uint32_t bytes = BlockPool::large_bytes;
  const auto a = pool.acquire_for_join(bytes, 0), b = pool.acquire_for_join(bytes, 0),
             c = pool.acquire_for_join(bytes, 0);
  pool.note_progress(a, 5'000);
  pool.note_progress(b, 4'000);
  pool.note_progress(c, 3 * BlockPool::safe_bytes_per_second);
  EXPECT_EQ(pool.acquire_for_join(bytes, BlockPool::grace - 1).block, BlockPool::none) << "they may yet speed up";
  const auto d = pool.acquire_for_join(bytes, 2 * BlockPool::grace - second);
  EXPECT_EQ(d.block, b.block);
  EXPECT_FALSE(pool.is_held(b));
  EXPECT_TRUE(pool.is_held(a) && pool.is_held(c) && pool.is_held(d));
  pool.keep(a);
  EXPECT_EQ(pool.acquire_for_join(bytes, 3 * second + 1).block, BlockPool::none) << "kept, fast enough, and new";
  EXPECT_EQ(pool.take_evictions(), 1U);
  for (const auto block : {a.block, c.block, d.block}) pool.release(block);
  EXPECT_EQ(pool.in_use_bytes(), 0U);
}

TEST(BlockPool, WhatWaitsForItsReceiverGivesWayLast) {
  BlockPool pool{0, 4};
  constexpr std::uint32_t bytes = BlockPool::large_bytes;
  const auto a = pool.acquire_for_join(bytes, 0), b = pool.acquire_for_join(bytes, 0),
             c = pool.acquire_for_join(bytes, 0);
  pool.note_progress(a, 1'000);
  pool.note_waits(a);
  pool.note_progress(b, 5'000);
  pool.note_progress(c, 4'000);
  for (const auto& next : {c, b, a}) {
    EXPECT_TRUE(pool.is_held(next));
    EXPECT_EQ(pool.acquire_for_join(bytes, BlockPool::grace).block, next.block);
    EXPECT_FALSE(pool.is_held(next));
  }
  for (const auto& one : {a, b, c}) pool.release(one.block);
}

TEST(BlockPool, WhatCameInWholeGetsTheSlowestBlockForGood) {
  BlockPool pool{4, 0};
  for (int i = 0; i < 2; ++i) EXPECT_NE(pool.acquire_received(1, 0), BlockPool::none);
  const auto slow = pool.acquire_for_join(1, 0);
  EXPECT_EQ(pool.acquire_received(1, BlockPool::grace - 1), BlockPool::none);
  const Nanos later = 2 * BlockPool::grace;
  EXPECT_EQ(pool.acquire_received(1, later), slow.block);
  EXPECT_FALSE(pool.is_held(slow));
  EXPECT_EQ(pool.take_evictions(), 1U);
  EXPECT_EQ(pool.acquire_received(1, 2 * later), BlockPool::none) << "it is whole: nobody takes it away";
}

TEST(BlockPool, MayHaveNoBlocksOfASize) {
  BlockPool pool{0, 1};
  EXPECT_EQ(pool.acquire(1), BlockPool::none);
  EXPECT_EQ(pool.acquire(BlockPool::large_bytes), 0U);
}

}  // namespace
}  // namespace serried::channel
