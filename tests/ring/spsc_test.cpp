#include "ring/spsc.h"

#include <array>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

namespace serried::ring {
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
}  // namespace serried::ring
