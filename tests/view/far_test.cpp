#include "view/far.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

using view::FarProxy;
using view::FarStore;

message::FarRecord record(std::uint16_t slot, std::uint16_t x = 0, std::uint8_t generation = 0) {
  message::FarRecord out;
  out.slot = slot;
  out.x = x;
  out.generation = generation;
  return out;
}

TEST(FarStore, KeepsTheNewestUntilItExpires) {
  FarStore store(2 * second);
  EXPECT_EQ(store.find(7, 0), nullptr);
  store.note(record(7, 1), 5, 10, second);
  store.note(record(7, 2), 6, 9, second);  // an older datagram
  ASSERT_NE(store.find(7, second), nullptr);
  EXPECT_EQ(store.find(7, second)->x, 1);
  EXPECT_EQ(store.find(7, second)->cell, 5);
  EXPECT_NE(store.find(7, 3 * second), nullptr);
  EXPECT_EQ(store.find(7, 3 * second + millisecond), nullptr);
  store.note(record(7, 3), 5, 11, 4 * second);
  EXPECT_EQ(store.find(7, 4 * second)->x, 3);
}

TEST(FarStore, ForgetsOneGenerationAtOnce) {
  FarStore store(2 * second);
  store.note(record(7, 1, 2), 5, 10, second);
  store.forget(7, 1);
  EXPECT_NE(store.find(7, second), nullptr);
  store.forget(7, 2);
  EXPECT_EQ(store.find(7, second), nullptr);
}

/// Against a plain table of the same facts; slots come and expire, so entries are reused and the table is rebuilt.
TEST(FarStore, AgreesWithAPlainTable) {
  constexpr std::uint64_t seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Prng rng(seed);
  FarStore store(second);
  std::vector<Nanos> seen(65'536, 0);
  Nanos now = 10 * second;
  for (std::uint64_t i = 1; i < 60'000; ++i) {
    now += rng.below(millisecond / 10);
    now -= now % millisecond;
    now += millisecond * (rng.below(8) == 0);
    const auto slot = static_cast<std::uint16_t>(rng.below(i < 30'000 ? 300 : 65'536));
    store.note(record(slot), 1, i, now);
    seen[slot] = now;
  }
  std::size_t fresh = 0;
  for (std::uint32_t slot = 0; slot < seen.size(); ++slot) {
    const bool expected = seen[slot] != 0 && now - seen[slot] <= second;
    fresh += expected;
    EXPECT_EQ(store.find(static_cast<std::uint16_t>(slot), now) != nullptr, expected) << slot;
  }
  EXPECT_EQ(store.count(now), fresh);
  EXPECT_LE(store.memory_bytes(), 131'072 * sizeof(FarProxy));
}

}  // namespace
}  // namespace serried
