#include "wire/verify.h"

#include <gtest/gtest.h>

#include "simd/isa.h"
#include "support/isas.h"
#include "wire/burst.h"
#include "wire/stamp.h"

namespace serried::wire {
namespace {

using metrics::Drop;

/// Runs once for every instruction set that this CPU has.
class VerifyTest : public testing::TestWithParam<simd::Isa> {
 protected:
  void SetUp() override {
    if (simd::use_isa(GetParam()) != GetParam()) GTEST_SKIP() << "this CPU has no " << simd::isa_name(GetParam());
  }
  void TearDown() override { simd::use_isa(simd::detected_isa()); }
};
INSTANTIATE_TEST_SUITE_P(Isa, VerifyTest, testing::ValuesIn(test::isas));

const CrcSeed seed(test_protocol_id);

TEST_P(VerifyTest, AcceptsWhatStampWrote) {
  constexpr std::uint64_t number = 99;
  SCOPED_TRACE(testing::Message() << "seed " << number);
  base::Prng random(number);
  for (int round = 0; round < 50; ++round) {
    Burst burst;
    const auto rows = static_cast<unsigned>(1 + random.below(Batch::capacity));
    for (unsigned i = 0; i < rows; ++i)
      burst.randomise(burst.add(datagram_bytes_min + random.below(datagram_bytes_max - datagram_bytes_min + 1)),
                      random);
    stamp(burst.batch, seed);
    verify(burst.batch, seed, burst.drops);
    ASSERT_EQ(burst.batch.live_rows, rows);
    for (unsigned row = 0; row < rows; ++row) ASSERT_TRUE(verify_one(burst.bytes(row), seed));
  }
}

TEST_P(VerifyTest, RefusesEverySingleBitFlip) {
  base::Prng random(1);
  Burst burst;
  const unsigned row = burst.add(82);
  burst.randomise(row, random);
  stamp(burst.batch, seed);
  for (std::size_t bit = 0; bit < 82 * 8; ++bit) {
    auto& byte = burst.bytes(row)[bit / 8];
    byte = static_cast<std::uint8_t>(byte ^ 1u << bit % 8);
    burst.batch.live_rows = 1;
    verify(burst.batch, seed, burst.drops);
    ASSERT_EQ(burst.batch.live_rows, 0u) << "bit " << bit;
    ASSERT_EQ(burst.batch.verdict[row], Drop::bad_crc);
    ASSERT_FALSE(verify_one(burst.bytes(row), seed));
    byte = static_cast<std::uint8_t>(byte ^ 1u << bit % 8);
  }
  EXPECT_EQ(burst.drops.value(Drop::bad_crc), 82u * 8);
}

TEST_P(VerifyTest, RefusesAnotherProtocol) {
  Burst burst;
  burst.add(sealed_header, 100);
  stamp(burst.batch, CrcSeed(test_protocol_id + 1));
  verify(burst.batch, seed, burst.drops);
  EXPECT_EQ(burst.drops.value(Drop::bad_crc), 1u);
}

TEST_P(VerifyTest, JudgesEachRowByItself) {
  Burst burst;
  for (unsigned i = 0; i < Batch::capacity; ++i) burst.add(sealed_header, 40 + 17 * i);
  stamp(burst.batch, seed);
  for (unsigned row = 0; row < Batch::capacity; row += 3) burst.bytes(row)[20] ^= 4;
  // A row that left before is neither looked at nor counted again.
  burst.batch.live_rows = 0;
  for (unsigned row = 0; row < Batch::capacity; ++row)
    if (row != 5) burst.batch.live[burst.batch.live_rows++] = static_cast<std::uint8_t>(row);
  verify(burst.batch, seed, burst.drops);
  unsigned at = 0;
  for (unsigned row = 0; row < Batch::capacity; ++row) {
    EXPECT_EQ(burst.batch.verdict[row], row % 3 == 0 ? Drop::bad_crc : Drop::none) << row;
    if (row % 3 != 0 && row != 5) {
      ASSERT_LT(at, burst.batch.live_rows);
      EXPECT_EQ(burst.batch.live[at++], row);
    }
  }
  EXPECT_EQ(at, burst.batch.live_rows);
}

TEST(Verify, TooShortForATrailerIsRefused) {
  const std::vector<std::uint8_t> bytes(crc_bytes - 1);
  for (std::size_t length = 0; length < crc_bytes; ++length)
    EXPECT_FALSE(verify_one(std::span(bytes).first(length), seed));
}

}  // namespace
}  // namespace serried::wire
