#include "simd/crc32c.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "support/isas.h"
#include "support/random.h"

namespace serried::simd {
namespace {

using Bytes = std::vector<std::uint8_t>;
using test::random_bytes;

// The definition, a bit at a time: what every implementation is held to.
std::uint32_t naive_update(std::uint32_t state, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78u : 0u);
  }
  return state;
}

/// Runs once for every instruction set that this CPU has.
class Crc32cTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (use_isa(GetParam()) != GetParam()) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
  }
  void TearDown() override { use_isa(detected_isa()); }
};
INSTANTIATE_TEST_SUITE_P(Isa, Crc32cTest, testing::ValuesIn(test::isas));

TEST_P(Crc32cTest, Rfc3720AppendixB4) {
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8A9136AAu);
  EXPECT_EQ(crc32c(Bytes(32, 0xFF)), 0x62A8AB43u);
  Bytes rising(32);
  std::iota(rising.begin(), rising.end(), std::uint8_t{0});
  EXPECT_EQ(crc32c(rising), 0x46DD794Eu);
  EXPECT_EQ(crc32c(Bytes(rising.rbegin(), rising.rend())), 0x113FDB5Cu);
  const Bytes read_command{0x01, 0xC0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
                           0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0,    0};
  ASSERT_EQ(read_command.size(), 48u);
  EXPECT_EQ(crc32c(read_command), 0xD9963A56u);
}

TEST_P(Crc32cTest, CheckValueOfTheCatalogue) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc32c(Bytes(digits.begin(), digits.end())), 0xE3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST_P(Crc32cTest, EveryLengthAndAlignmentAgreesWithTheDefinition) {
  constexpr std::uint64_t seed = 3720;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Prng random(seed);
  const Bytes bytes = random_bytes(random, 300);
  for (std::size_t offset = 0; offset < 9; ++offset)
    for (std::size_t length = 0; length + offset <= 200; ++length) {
      const auto state = static_cast<std::uint32_t>(random.next());
      const std::span<const std::uint8_t> part{bytes.data() + offset, length};
      ASSERT_EQ(crc32c_update(state, part), naive_update(state, part)) << offset << " " << length;
    }
}

TEST_P(Crc32cTest, UpdatesJoin) {
  base::Prng random(4);
  const Bytes bytes = random_bytes(random, 100);
  const std::span<const std::uint8_t> all(bytes);
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    ASSERT_EQ(crc32c_update(crc32c_update(77, all.first(cut)), all.subspan(cut)), crc32c_update(77, all));
}

TEST_P(Crc32cTest, BatchAgreesWithTheDefinitionForEveryCountAndMixOfLengths) {
  constexpr std::uint64_t seed = 12;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Prng random(seed);
  for (std::size_t count = 0; count <= 64; ++count) {
    std::vector<Bytes> rows(count);
    std::vector<const std::uint8_t*> data(count);
    std::vector<std::uint16_t> length(count);
    for (std::size_t i = 0; i < count; ++i) {
      // Also empty and tiny ones, which end a stream at once.
      rows[i] = random_bytes(random, random.below(random.chance(0.5) ? 20 : 1200));
      data[i] = rows[i].data();
      length[i] = static_cast<std::uint16_t>(rows[i].size());
    }
    const auto start = static_cast<std::uint32_t>(random.next());
    std::vector<std::uint32_t> out(count + 1, 0xABABABAB);
    crc32c_batch(start, data.data(), length.data(), out.data(), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], naive_update(start, rows[i])) << count << " " << i;
    EXPECT_EQ(out[count], 0xABABABABu) << "wrote behind the end";
  }
}

}  // namespace
}  // namespace serried::simd
