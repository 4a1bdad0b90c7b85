#include "kernel/records.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"

namespace serried::kernel {
namespace {

constexpr unsigned rows = 128, entities = 200;

struct Field {
  std::size_t first, count;
};
// Where a line has what the mask's bits name: position, yaw, anim, flags, velocity.
constexpr std::array<Field, 5> fields{{{6, 6}, {12, 2}, {20, 1}, {21, 4}, {14, 6}}};

struct Lines {
  explicit Lines(std::uint64_t seed) : random(seed), tick(static_cast<std::uint32_t>(70'000 + random.below(200'000))) {
    for (Line& line : lines) {
      for (unsigned i = 0; i < 25; ++i) line.bytes[i] = static_cast<std::uint8_t>(random.next());
      for (unsigned version = 0; version < 6; ++version)
        base::store(&line.bytes[32 + 4 * version], static_cast<std::uint32_t>(tick - (version < 5 ? random.below(40)
                                                                                      : random.chance(0.01) ? 0
                                                                                                            : 3'500)));
      line.bytes[56] = static_cast<std::uint8_t>(random.below(4));
      line.bytes[59] = static_cast<std::uint8_t>(random.below(64));
    }
    for (unsigned row = 0; row < rows; ++row) {
      slot[row] = static_cast<std::uint16_t>(random.below(entities));
      acked[row] = static_cast<std::uint16_t>(tick - 1 - random.below(random.chance(0.1) ? 3'000 : 40));
      sent[row] = static_cast<std::uint16_t>(tick - 1);
    }
  }

  /// The record of a row, a field after the other; empty when it is none of the usual.
  [[nodiscard]] std::vector<std::uint8_t> expected(unsigned row) const {
    const std::uint8_t* line = lines[slot[row]].bytes;
    unsigned mask = 0;
    for (unsigned bit = 0; bit < 6; ++bit) {
      const auto since = static_cast<std::int64_t>(tick) - static_cast<std::uint16_t>(tick - acked[row]);
      mask |= base::load<std::uint32_t>(line + 32 + 4 * bit) > since ? 1U << bit : 0;
    }
    if (mask == 0 || mask >= 32) return {};
    std::vector<std::uint8_t> out{static_cast<std::uint8_t>(slot[row]), static_cast<std::uint8_t>(slot[row] >> 8),
                                  static_cast<std::uint8_t>(mask | line[56] << 6U)};
    if ((mask & 1) != 0) out.push_back(line[59]);
    for (unsigned bit = 0; bit < fields.size(); ++bit)
      if ((mask >> bit & 1) != 0)
        out.insert(out.end(), line + fields[bit].first, line + fields[bit].first + fields[bit].count);
    return out;
  }
  [[nodiscard]] RecordSource source() { return {lines[0].bytes, slot.data(), acked.data(), sent.data(), tick}; }

  struct alignas(64) Line {
    std::uint8_t bytes[record_line_bytes]{};
  };
  base::Prng random;
  std::uint32_t tick;
  std::vector<Line> lines = std::vector<Line>(entities);
  std::array<std::uint16_t, rows> slot, acked, sent;
};

class RecordsTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

TEST_F(RecordsTest, RecordsAreWhatTheWireFormatSaysUntilOneIsUnusualOrDoesNotFit) {
  if (detected_isa() < Isa::avx2) GTEST_SKIP() << "the CPU has no AVX2";
  use_isa(detected_isa());
  unsigned written = 0, stopped_by_room = 0, stopped_by_row = 0;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lines lines(seed);
    std::uint64_t wanted[2] = {lines.random.next(), lines.random.next() & lines.random.next()};
    std::uint64_t left[2] = {wanted[0], wanted[1]};
    std::vector<std::uint8_t> body(64 + lines.random.below(2'000), 0xEE);
    const std::size_t hard = body.size() - lines.random.below(32), soft = hard - lines.random.below(40);
    const std::uint8_t* const end =
        write_records(lines.source(), left, body.data(), body.data() + soft, body.data() + hard);

    std::vector<std::uint8_t> said;
    for (unsigned row = 0; row < rows; ++row) {
      const bool asked = (wanted[row / 64] >> row % 64 & 1) != 0, kept = (left[row / 64] >> row % 64 & 1) != 0;
      if (!asked) {
        ASSERT_FALSE(kept);
        continue;
      }
      const std::vector<std::uint8_t> record = lines.expected(row);
      if (kept) {
        const bool room = said.size() + record.size() <= soft && said.size() + record_room <= hard;
        ASSERT_TRUE(record.empty() || !room) << "row " << row << " could have been written";
        (record.empty() ? stopped_by_row : stopped_by_room) += 1;
        break;
      }
      ASSERT_FALSE(record.empty());
      ASSERT_EQ(lines.sent[row], static_cast<std::uint16_t>(lines.tick));
      said.insert(said.end(), record.begin(), record.end());
      ++written;
    }
    ASSERT_EQ(static_cast<std::size_t>(end - body.data()), said.size());
    ASSERT_TRUE(std::equal(said.begin(), said.end(), body.begin()));
    for (std::size_t at = hard; at < body.size(); ++at) ASSERT_EQ(body[at], 0xEE);
  }
  EXPECT_GT(written, 5'000U);
  EXPECT_GT(stopped_by_room, 40U);
  EXPECT_GT(stopped_by_row, 100U);
}

TEST_F(RecordsTest, RowsBehindTheFirstLeftAreLeftToo) {
  Lines lines(1);
  std::uint64_t left[2] = {~std::uint64_t{0}, ~std::uint64_t{0}};
  std::vector<std::uint8_t> body(200);
  static_cast<void>(write_records(lines.source(), left, body.data(), body.data() + 100, body.data() + 200));
  const int first = left[0] != 0 ? __builtin_ctzll(left[0]) : 64 + __builtin_ctzll(left[1]);
  for (unsigned row = 0; row < rows; ++row)
    EXPECT_EQ((left[row / 64] >> row % 64 & 1) != 0, row >= static_cast<unsigned>(first));
}

TEST_F(RecordsTest, WithoutTheInstructionsAllIsLeftToTheCaller) {
  use_isa(Isa::scalar);
  Lines lines(2);
  std::uint64_t left[2] = {5, 6};
  std::vector<std::uint8_t> body(200);
  EXPECT_EQ(write_records(lines.source(), left, body.data(), body.data() + 200, body.data() + 200), body.data());
  EXPECT_EQ(left[0], 5U);
  EXPECT_EQ(left[1], 6U);
}

}  // namespace
}  // namespace serried::kernel
