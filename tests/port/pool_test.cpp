#include "port/pool.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::port {
namespace {

TEST(BufferPool, GivesOutEverySlotOnceAndThenNone) {
  BufferPool pool(37);
  EXPECT_EQ(pool.capacity(), 37U);
  std::set<void*> owners;
  for (unsigned i = 0; i < 37; ++i) {
    const wire::Buffer buffer = pool.take();
    ASSERT_NE(buffer.owner, nullptr);
    EXPECT_TRUE(owners.insert(buffer.owner).second);
    EXPECT_EQ(pool.outstanding(), i + 1);
  }
  const wire::Buffer none = pool.take();
  EXPECT_EQ(none.owner, nullptr);
  EXPECT_EQ(none.data, nullptr);
  EXPECT_EQ(pool.outstanding(), 37U);
  for (void* owner : owners) pool.give(owner);
  EXPECT_EQ(pool.outstanding(), 0U);
}

/// Headroom before the data, as every composer needs it, and room behind it; no slot reaches into another (a sanitizer
/// sees the ends of the memory).
TEST(BufferPool, SlotsHaveTheirRoomToThemselves) {
  constexpr unsigned count = 16;
  BufferPool pool(count);
  std::vector<wire::Buffer> buffers(count);
  ASSERT_EQ(pool.take(buffers), count);
  for (unsigned i = 0; i < count; ++i) {
    const auto* const slot = static_cast<std::uint8_t*>(buffers[i].owner);
    EXPECT_EQ(buffers[i].data - slot, static_cast<std::ptrdiff_t>(BufferPool::slot_headroom_bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffers[i].data) % 64, 0U);
    std::memset(buffers[i].data - BufferPool::slot_headroom_bytes, static_cast<int>(i + 1), BufferPool::slot_bytes);
  }
  for (unsigned i = 0; i < count; ++i) {
    const std::uint8_t* const first = buffers[i].data - BufferPool::slot_headroom_bytes;
    EXPECT_TRUE(std::all_of(first, first + BufferPool::slot_bytes, [&](std::uint8_t byte) { return byte == i + 1; }))
        << i;
  }
  EXPECT_GT(BufferPool::data_bytes_max, 1500U);
}

TEST(BufferPool, TheLastOneBackIsTheNextOneOut) {
  BufferPool pool(8);
  const wire::Buffer first = pool.take(), second = pool.take();
  pool.give(first.owner);
  pool.give(second.owner);
  EXPECT_EQ(pool.take().owner, second.owner);
  EXPECT_EQ(pool.take().owner, first.owner);
}

TEST(BufferPool, TakesAsManyAsThereAre) {
  BufferPool pool(10);
  std::vector<wire::Buffer> buffers(16);
  EXPECT_EQ(pool.take(std::span(buffers).first(4)), 4U);
  EXPECT_EQ(pool.take(std::span(buffers).subspan(4)), 6U);
  EXPECT_NE(buffers[9].owner, nullptr);
  EXPECT_EQ(buffers[10].owner, nullptr);
  EXPECT_EQ(pool.take(std::span(buffers).first(1)), 0U);
  EXPECT_EQ(pool.take(std::span<wire::Buffer>{}), 0U);
}

/// What a lane sent on is no longer in its batch: those rows have no owner.
TEST(BufferPool, TakesBackABatchButForWhatHasNoOwner) {
  BufferPool pool(8);
  wire::Batch batch;
  batch.clear();
  for (int i = 0; i < 6; ++i) {
    const wire::Buffer buffer = pool.take();
    batch.append(buffer.data, 10, buffer.owner, {});
  }
  void* const kept = batch.owner[3];
  batch.owner[3] = nullptr;
  batch.live_rows = 2;  // live or dropped, a row's buffer comes home
  pool.give(batch);
  EXPECT_EQ(batch.rows, 0U);
  EXPECT_EQ(batch.live_rows, 0U);
  EXPECT_EQ(pool.outstanding(), 1U);
  pool.give(nullptr);
  EXPECT_EQ(pool.outstanding(), 1U);
  pool.give(kept);
  EXPECT_EQ(pool.outstanding(), 0U);
}

TEST(BufferPool, LosesNoneInAnyOrder) {
  const std::uint64_t seed = 4711;
  SCOPED_TRACE(seed);
  base::Prng rng(seed);
  BufferPool pool(64);
  std::vector<void*> held;
  for (int i = 0; i < 20000; ++i) {
    if (rng.chance(0.5)) {
      const wire::Buffer buffer = pool.take();
      ASSERT_EQ(buffer.owner == nullptr, held.size() == 64);
      if (buffer.owner != nullptr) held.push_back(buffer.owner);
    } else if (!held.empty()) {
      std::swap(held[rng.below(held.size())], held.back());
      pool.give(held.back());
      held.pop_back();
    }
    ASSERT_EQ(pool.outstanding(), held.size());
  }
  EXPECT_EQ(std::set<void*>(held.begin(), held.end()).size(), held.size());
}

TEST(BufferPoolDeathTest, RefusesToBeEmpty) { EXPECT_DEATH(BufferPool(0), "count > 0"); }

#ifndef NDEBUG
TEST(BufferPoolDeathTest, NoticesASlotThatComesTwiceOrFromElsewhere) {
  BufferPool pool(4), other(4);
  const wire::Buffer buffer = pool.take(), foreign = other.take();
  pool.give(buffer.owner);
  EXPECT_DEATH(pool.give(buffer.owner), "mark");
  EXPECT_DEATH(pool.give(foreign.owner), "mark");
  EXPECT_DEATH(pool.give(buffer.data), "mark");
}
#endif

}  // namespace
}  // namespace serried::port
