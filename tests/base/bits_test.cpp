#include "base/bits.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::base {
namespace {

TEST(Bits, LowestBitComesFirst) {
  std::vector<std::uint8_t> bytes{0xFF, 0xFF, 0xFF};
  BitWriter writer(bytes);
  writer.write(0b1, 1);
  writer.write(0b010, 3);
  writer.write(0xABC, 12);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer.position(), 16U);
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{0xC5, 0xAB, 0xFF}));
  const std::vector<std::uint8_t> written(writer.written().begin(), writer.written().end());
  BitReader reader(written);
  EXPECT_TRUE(reader.read_bit());
  EXPECT_EQ(reader.read(3), 0b010U);
  EXPECT_EQ(reader.read(12), 0xABCU);
  EXPECT_TRUE(reader.complete());
}

TEST(Bits, WholeBytesAreWhatTheByteWriterWrites) {
  std::array<std::uint8_t, 15> by_bits{}, by_bytes{};
  BitWriter bits(by_bits);
  bits.write(0x0102030405060708, 64);
  bits.write(0x0A0B0C0D, 32);
  bits.write(0x0E0F, 16);
  bits.write(0x10, 8);
  ByteWriter out(by_bytes);
  out.write(std::uint64_t{0x0102030405060708});
  out.write(std::uint32_t{0x0A0B0C0D});
  out.write(std::uint16_t{0x0E0F});
  out.write(std::uint8_t{0x10});
  EXPECT_EQ(by_bits, by_bytes);
}

TEST(Bits, RandomFieldsRoundTripFromEveryPlace) {
  constexpr std::uint64_t seed = 20261121;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng random(seed);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint8_t> bytes(1 + random.below(40));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    struct Field {
      std::uint64_t value;
      unsigned bits;
    };
    std::vector<Field> fields;
    BitWriter writer(bytes);
    for (;;) {
      const auto bits = static_cast<unsigned>(random.below(65));
      const std::uint64_t value = random.next();
      const std::size_t before = writer.position();
      writer.write(value, bits);
      if (!writer.ok()) {
        ASSERT_GT(bits, writer.room());
        ASSERT_EQ(writer.position(), before) << "a field that does not fit is not begun";
        break;
      }
      ASSERT_EQ(writer.position(), before + bits);
      fields.push_back({bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1), bits});
    }
    // A copy of exactly the written bytes, so that an address sanitizer sees a read behind them.
    const std::vector<std::uint8_t> written(writer.written().begin(), writer.written().end());
    BitReader reader(written);
    for (const Field& field : fields) ASSERT_EQ(reader.read(field.bits), field.value) << field.bits;
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(reader.read(64), 0U);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bits, ReaderThatFailedStaysFailedUntilItIsRewound) {
  const std::array<std::uint8_t, 2> bytes{0x34, 0x12};
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(4), 4U);
  const std::size_t mark = reader.position();
  EXPECT_EQ(reader.read(13), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read(1), 0U);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.remaining(), 0U);
  reader.rewind(mark);
  EXPECT_EQ(reader.read(12), 0x123U);
  EXPECT_TRUE(reader.complete());
  reader.rewind(mark);
  EXPECT_EQ(reader.read(65), 0U) << "no field is that wide";
  EXPECT_FALSE(reader.ok());
}

TEST(Bits, PaddingMustBeZerosAndShorterThanAByte) {
  for (const auto& [last, complete] : {std::pair{0x07, true}, {0x0F, false}, {0x87, false}}) {
    const std::array<std::uint8_t, 1> bytes{static_cast<std::uint8_t>(last)};
    BitReader reader(bytes);
    EXPECT_EQ(reader.read(3), 7U);
    EXPECT_EQ(reader.complete(), complete) << last;
  }
  const std::array<std::uint8_t, 2> two{0x07, 0x00};
  BitReader reader(two);
  static_cast<void>(reader.read(3));
  EXPECT_FALSE(reader.complete());
}

TEST(Bits, RewoundWriterLeavesNothingStale) {
  std::array<std::uint8_t, 2> bytes{};
  BitWriter writer(bytes);
  writer.write(0b101, 3);
  const std::size_t mark = writer.position();
  writer.write(0x1FFF, 13);
  writer.write(1, 1);
  EXPECT_FALSE(writer.ok());
  writer.rewind(mark);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.written().size(), 1U);
  EXPECT_EQ(writer.written()[0], 0b101);
  writer.write_bit(true);
  EXPECT_EQ(writer.written()[0], 0b1101);
}

}  // namespace
}  // namespace serried::base
