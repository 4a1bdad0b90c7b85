#include "wire/compose.h"

#include <array>

#include <gtest/gtest.h>

#include "wire/burst.h"

namespace serried::wire {
namespace {

TEST(Compose, LayoutToTheByte) {
  std::array<std::uint8_t, header_bytes + 1> bytes;
  bytes.fill(0xEE);
  compose_header(bytes.data(), {.connection_id = 0x04030201, .channel = 5, .flags = 6, .sequence = 0x0E0D0C0B0A090807});
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 15>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xEE}));
  const Header header = read_header(bytes.data());
  EXPECT_EQ(header.connection_id, 0x04030201u);
  EXPECT_EQ(header.channel, 5);
  EXPECT_EQ(header.flags, 6);
  EXPECT_EQ(header.sequence, 0x0E0D0C0B0A090807u);
}

TEST(Compose, WritesTheHeadersOfLiveRowsAndNothingElse) {
  Burst burst;
  for (int i = 0; i < 3; ++i) {
    const unsigned row = burst.add(40, 0xCC);
    burst.batch.connection_id[row] = row + 1;
    burst.batch.channel[row] = 0;
    burst.batch.flags[row] = flag::sealed;
    burst.batch.sequence[row] = 100 + row;
  }
  burst.batch.live[1] = 2;
  burst.batch.live_rows = 2;  // rows 0 and 2
  compose(burst.batch);
  EXPECT_EQ(burst.bytes(1), std::vector<std::uint8_t>(40, 0xCC));
  for (const unsigned row : {0u, 2u}) {
    const Header header = read_header(burst.batch.data[row]);
    EXPECT_EQ(header.connection_id, row + 1);
    EXPECT_EQ(header.sequence, 100 + row);
    for (std::size_t i = header_bytes; i < 40; ++i) EXPECT_EQ(burst.bytes(row)[i], 0xCC);
  }
}

}  // namespace
}  // namespace serried::wire
