#include "base/bytes.h"

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::base {
namespace {

TEST(Bytes, IntegersAreLittleEndian) {
  std::array<std::uint8_t, 8> bytes{};
  store(bytes.data(), std::uint32_t{0x04030201});
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 8>{1, 2, 3, 4, 0, 0, 0, 0}));
  EXPECT_EQ(load<std::uint16_t>(bytes.data() + 1), 0x0302);
}

TEST(Bytes, SwapsToNetworkOrder) {
  EXPECT_EQ(byte_swapped(std::uint8_t{0x12}), 0x12);
  EXPECT_EQ(byte_swapped(std::uint16_t{0x1234}), 0x3412);
  EXPECT_EQ(byte_swapped(std::uint32_t{0x12345678}), 0x78563412u);
  EXPECT_EQ(byte_swapped(std::uint64_t{0x0102030405060708}), 0x0807060504030201u);
}

TEST(Bytes, ZigzagKeepsSmallNumbersSmall) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  for (const std::int64_t value : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-77}, std::int64_t{0},
                                   std::int64_t{12345678901}, std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(unzigzag(zigzag(value)), value);
}

TEST(Bytes, VarintRoundTripsAtEveryLength) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    const std::uint64_t top = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
    for (const std::uint64_t value : {top, top / 2 + 1}) {
      std::array<std::uint8_t, varint_bytes_max> bytes{};
      ByteWriter writer(bytes);
      writer.write_varint(value);
      ASSERT_TRUE(writer.ok());
      EXPECT_EQ(writer.size(), varint_bytes(value)) << value;
      ByteReader reader(writer.written());
      EXPECT_EQ(reader.read_varint(), value);
      EXPECT_TRUE(reader.complete());
    }
  }
}

TEST(Bytes, VarintOfMoreThan64BitsFails) {
  // The tenth byte may carry one bit only.
  const std::vector<std::uint8_t> most{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
  ByteReader good(most);
  EXPECT_EQ(good.read_varint(), ~std::uint64_t{0});
  EXPECT_TRUE(good.complete());
  for (const int last : {0x02, 0x7F, 0x81, 0xFF}) {
    std::vector<std::uint8_t> bytes = most;
    bytes.back() = static_cast<std::uint8_t>(last);
    bytes.push_back(0);
    ByteReader reader(bytes);
    EXPECT_EQ(reader.read_varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bytes, VarintThatIsCutShortFails) {
  const std::vector<std::uint8_t> bytes{0x80, 0x80};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read_varint(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, ReaderThatFailedStaysFailed) {
  const std::array<std::uint8_t, 3> bytes{1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read<std::uint32_t>(), 0u);
  EXPECT_EQ(reader.read<std::uint8_t>(), 0u) << "a byte would have been there";
  EXPECT_TRUE(reader.read_bytes(1).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Bytes, ReaderKnowsWhatIsLeft) {
  const std::array<std::uint8_t, 5> bytes{1, 2, 3, 4, 5};
  ByteReader reader(bytes);
  reader.skip(1);
  std::array<std::uint8_t, 2> two{};
  reader.read_into(two);
  EXPECT_EQ(two, (std::array<std::uint8_t, 2>{2, 3}));
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.read_rest().size(), 2u);
  EXPECT_TRUE(reader.complete());
}

TEST(Bytes, ReaderComesBackToAPlaceItHasLeft) {
  const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
  ByteReader reader(bytes);
  reader.skip(1);
  const auto* const mark = reader.position();
  EXPECT_EQ(reader.read<std::uint64_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  reader.rewind(mark);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 3u);
  EXPECT_EQ(reader.read<std::uint16_t>(), 0x0302);
  reader.rewind(mark);
  EXPECT_EQ(reader.read_rest().size(), 3u);
  EXPECT_TRUE(reader.complete());
}

TEST(Bytes, TextAndBytesAreTheSameMemory) {
  const std::array<std::uint8_t, 3> bytes{'a', 0, 0xFF};
  const std::string_view text = as_text(bytes);
  EXPECT_EQ(text, std::string_view("a\0\xFF", 3));
  EXPECT_EQ(as_bytes(text).data(), bytes.data());
  EXPECT_EQ(as_bytes(text).size(), 3u);
}

TEST(Bytes, WriterRefusesWhatDoesNotFitAndWritesNothingOfIt) {
  std::array<std::uint8_t, 4> bytes{9, 9, 9, 9};
  ByteWriter writer(std::span<std::uint8_t>(bytes).first(3));
  writer.write(std::uint8_t{1});
  auto* const mark = writer.position();
  writer.write(std::uint32_t{0});
  EXPECT_FALSE(writer.ok());
  writer.rewind(mark);
  writer.write_varint(1 << 20);
  EXPECT_FALSE(writer.ok());
  writer.rewind(mark);
  writer.write_bytes(std::array<std::uint8_t, 3>{});
  EXPECT_FALSE(writer.ok());
  writer.rewind(mark);
  writer.write_zeros(3);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{1, 9, 9, 9}));
  writer.rewind(mark);
  writer.write_zeros(2);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{1, 0, 0, 9}));
}

TEST(Bytes, RandomReadsNeverLeaveTheSpan) {
  constexpr std::uint64_t seed = 20240601;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint8_t> bytes(random.below(24));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    ByteReader reader(bytes);
    std::size_t left = bytes.size();
    while (reader.ok() && left != 0) {
      switch (random.below(4)) {
        case 0:
          static_cast<void>(reader.read_varint());
          break;
        case 1:
          static_cast<void>(reader.read<std::uint64_t>());
          break;
        case 2:
          static_cast<void>(reader.read_zigzag());
          break;
        default:
          reader.skip(random.below(6));
      }
      ASSERT_LE(reader.remaining(), left);
      left = reader.remaining();
    }
    ASSERT_EQ(reader.position() + reader.remaining(), bytes.data() + bytes.size());
  }
}

}  // namespace
}  // namespace serried::base
