#include "channel/fragment.h"

#include <array>

#include <gtest/gtest.h>

namespace serried::channel {
namespace {

TEST(Fragment, HeaderIsAsThePageSays) {
  std::array<std::uint8_t, fragment_header_bytes> bytes{};
  base::ByteWriter out{bytes};
  write_fragment_header(out, {0x0102, 0x0304, 0x00050607});
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 8>{2, 1, 4, 3, 7, 6, 5, 0}));
  base::ByteReader in{bytes};
  const FragmentHeader header = read_fragment_header(in);
  EXPECT_TRUE(in.complete());
  EXPECT_EQ(header.fragment_id, 0x0102);
  EXPECT_EQ(header.offset_units, 0x0304);
  EXPECT_EQ(header.total_bytes, 0x00050607U);
}

TEST(Fragment, WhatMayBeOne) {
  struct Case {
    std::uint16_t offset;
    std::uint32_t total;
    std::size_t bytes;
    bool is;
  };
  for (const Case& c : {
           Case{0, 2, 2, true},                          // the shortest
           Case{0, 1, 1, false},                         // a type alone fits everywhere
           Case{0, 0, 0, false},                         //
           Case{0, 100, 0, false},                       // none is empty
           Case{0, 100, 96, true},                       //
           Case{0, 100, 97, false},                      // not the last, and no multiple of 8
           Case{12, 100, 4, true},                       // the last may have any size
           Case{12, 100, 5, false},                      // reaches beyond the end
           Case{13, 100, 8, false},                      // begins beyond the end
           Case{0, message_bytes_max, 1136, true},       //
           Case{65'535, message_bytes_max, 8, true},     // the last unit there is
           Case{65'535, message_bytes_max, 9, false},    //
           Case{0, message_bytes_max + 1, 1136, false},  // too long for any receiver
           Case{0, 0xFFFF'FFFF, 1136, false},            //
       })
    EXPECT_EQ(is_fragment({1, c.offset, c.total}, c.bytes), c.is) << c.offset << ' ' << c.total << ' ' << c.bytes;
}

TEST(Fragment, FillsADatagramWithTheLongestAckBlock) {
  EXPECT_EQ(fragment_bytes_max % 8, 0U);
  const std::size_t rest = wire::body_bytes_max - wire::ack_block_bytes_max - 2 - fragment_header_bytes;
  EXPECT_LE(fragment_bytes_max, rest);
  EXPECT_GT(fragment_bytes_max + 8, rest);
}

}  // namespace
}  // namespace serried::channel
