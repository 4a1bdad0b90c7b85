#include "link/spsc.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

namespace serried::link {
namespace {

struct Row {
  std::uint64_t number;
  std::uint64_t check;
};

TEST(Spsc, KeepsOrderAndRefusesWhatDoesNotFit) {
  Spsc<Row> ring{7};
  std::array<Row, 16> rows{};
  for (std::uint64_t i = 0; i < rows.size(); ++i) rows[i] = {i, ~i};
  EXPECT_EQ(ring.push(rows.data(), 16), 7U);
  EXPECT_EQ(ring.size(), 7U);
  EXPECT_EQ(ring.free(), 0U);
  EXPECT_FALSE(ring.push(rows[8]));
  std::array<Row, 16> out{};
  EXPECT_EQ(ring.pop(out.data(), 4), 4U);
  EXPECT_EQ(ring.pop(out.data() + 4, 16), 3U);
  for (std::uint64_t i = 0; i < 7; ++i) EXPECT_EQ(out[i].number, i);
  EXPECT_EQ(ring.pop(out.data(), 1), 0U);
}

TEST(Spsc, RowsAreWrittenAndReadInPlace) {
  Spsc<Row> ring{7};
  std::uint64_t written = 0, read = 0;
  for (int round = 0; round < 50; ++round) {
    const auto room = ring.reserve(5);
    ASSERT_EQ(room.count, 5U);
    for (unsigned i = 0; i < room.count; ++i) room[i] = {written + i, ~(written + i)};
    ring.commit(4);  // one of them was not needed after all
    written += 4;
    EXPECT_EQ(ring.size(), 4U);
    for (unsigned wanted : {3U, 16U}) {
      const auto rows = ring.peek(wanted);
      ASSERT_EQ(rows.count, wanted == 3 ? 3U : 1U);
      for (unsigned i = 0; i < rows.count; ++i) {
        ASSERT_EQ(rows[i].number, read + i);
        ASSERT_EQ(rows[i].check, ~rows[i].number);
      }
      EXPECT_EQ(ring.free(), 7 - (written - read)) << "rows keep their places until consume";
      ring.consume(rows.count);
      read += rows.count;
    }
    EXPECT_EQ(ring.peek(1).count, 0U);
  }
  EXPECT_EQ(ring.reserve(9).count, 7U);
}

/// The same across threads: nothing is read before it is written whole, nor overwritten before it is read.
TEST(Spsc, PlacesPassBetweenThreads) {
  constexpr std::uint64_t total = 200'000;
  Spsc<Row> ring{255};
  std::thread producer{[&] {
    for (std::uint64_t next = 0; next < total;) {
      const auto room = ring.reserve(static_cast<unsigned>(std::min<std::uint64_t>(32, total - next)));
      for (unsigned i = 0; i < room.count; ++i) room[i] = {next + i, ~(next + i)};
      if (room.count == 0)
        std::this_thread::yield();
      else
        ring.commit(room.count);
      next += room.count;
    }
  }};
  std::uint64_t expected = 0;
  bool whole = true;
  while (expected < total) {
    const auto rows = ring.peek(32);
    for (unsigned i = 0; i < rows.count; ++i, ++expected) {
      whole = whole && rows[i].number == expected && rows[i].check == ~expected;
      rows[i] = {};
    }
    if (rows.count == 0)
      std::this_thread::yield();
    else
      ring.consume(rows.count);
  }
  producer.join();
  EXPECT_TRUE(whole);
}

/// Receive every row once and in order across threads. Expect whole rows, never torn ones.
TEST(Spsc, CarriesRowsBetweenThreads) {
  constexpr std::uint64_t total = 200'000;
  Spsc<Row> ring{255};
  std::thread producer{[&] {
    for (std::uint64_t next = 0; next < total;) {
      std::array<Row, 32> burst{};
      unsigned count = 0;
      for (; count < burst.size() && next + count < total; ++count) burst[count] = {next + count, ~(next + count)};
      const unsigned pushed = ring.push(burst.data(), count);
      next += pushed;
      if (pushed == 0) std::this_thread::yield();
    }
  }};
  std::uint64_t expected = 0;
  bool whole = true;
  while (expected < total) {
    std::array<Row, 32> burst{};
    const unsigned count = ring.pop(burst.data(), 32);
    for (unsigned i = 0; i < count; ++i, ++expected)
      whole = whole && burst[i].number == expected && burst[i].check == ~expected;
    if (count == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace serried::link
