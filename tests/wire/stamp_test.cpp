#include "wire/stamp.h"

#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "simd/crc32c.h"
#include "wire/burst.h"

namespace serried::wire {
namespace {

TEST(Stamp, CoversProtocolIdAndEverythingButTheTrailer) {
  Burst burst;
  base::Prng random(3);
  const unsigned row = burst.add(60);
  burst.randomise(row, random);
  std::vector<std::uint8_t> whole(8);
  base::store(whole.data(), test_protocol_id);
  EXPECT_EQ(std::string(whole.begin(), whole.end()), "serried1");
  whole.insert(whole.end(), burst.bytes(row).begin(), burst.bytes(row).end() - crc_bytes);
  stamp(burst.batch, CrcSeed(test_protocol_id));
  EXPECT_EQ(base::load<std::uint32_t>(burst.bytes(row).data() + 56), simd::crc32c(whole));
}

TEST(Stamp, BurstAndSingleAgreeAndTouchNothingElse) {
  const CrcSeed seed(77);
  base::Prng random(4);
  Burst burst;
  std::vector<std::vector<std::uint8_t>> expected;
  for (unsigned i = 0; i < Batch::capacity; ++i) {
    const unsigned row = burst.add(datagram_bytes_min + 18 * i);
    burst.randomise(row, random);
    expected.push_back(burst.bytes(row));
    if (row != 7) stamp_one(expected.back(), seed);
  }
  burst.batch.live[7] = burst.batch.live[--burst.batch.live_rows];  // row 7 is not live
  stamp(burst.batch, seed);
  for (unsigned row = 0; row < Batch::capacity; ++row) EXPECT_EQ(burst.bytes(row), expected[row]) << row;
}

TEST(Stamp, ADatagramTooShortForATrailerIsUnchanged) {
  std::vector<std::uint8_t> bytes(crc_bytes - 1, 9);
  stamp_one(bytes, CrcSeed(1));
  EXPECT_EQ(bytes, std::vector<std::uint8_t>(crc_bytes - 1, 9));
}

}  // namespace
}  // namespace serried::wire
