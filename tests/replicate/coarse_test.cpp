#include "replicate/coarse.h"

#include <set>

#include <gtest/gtest.h>

#include "replicate/config.h"

namespace serried::replicate {
namespace {

TEST(CoarseFractions, NoneAndAllAreOnlyWhatTheyAre) {
  for (unsigned steps = 2; steps <= 255; ++steps) {
    const CoarseFractions coarse(steps);
    EXPECT_EQ(coarse.of(0), 0);
    EXPECT_EQ(coarse.of(255), 255);
    for (unsigned value = 1; value < 255; ++value) {
      const std::uint8_t told = coarse.of(static_cast<std::uint8_t>(value));
      EXPECT_NE(told, 0) << value << " in " << steps;
      EXPECT_NE(told, 255) << value << " in " << steps;
    }
  }
}

TEST(CoarseFractions, AreSteppedRisingAndNearAndStayAsTheyAre) {
  for (unsigned steps = 2; steps <= 255; ++steps) {
    const CoarseFractions coarse(steps);
    std::set<unsigned> told;
    unsigned before = 0;
    for (unsigned value = 0; value <= 255; ++value) {
      const unsigned now = coarse.of(static_cast<std::uint8_t>(value));
      EXPECT_GE(now, before);
      EXPECT_EQ(coarse.of(static_cast<std::uint8_t>(now)), now);
      // Half a step; a whole one next to none and all, which are kept for themselves.
      EXPECT_LE(std::abs(static_cast<double>(now) - value), 255.0 / steps + 1);
      told.insert(before = now);
    }
    EXPECT_EQ(told.size(), steps + 1) << steps;
  }
}

TEST(CoarseFractions, TwoHundredAndFiftyFiveStepsAreAllValues) {
  const CoarseFractions coarse(255);
  for (unsigned value = 0; value <= 255; ++value) EXPECT_EQ(coarse.of(static_cast<std::uint8_t>(value)), value);
}

TEST(CoarseFractions, OfARecordOnlyHealthAndManaChange) {
  const CoarseFractions coarse(Config{}.foe_steps);
  message::EntityState state;
  state.health = 130;
  state.mana = 77;
  for (unsigned fields = 1; fields < 64; ++fields) {
    std::array<std::uint8_t, message::record_bytes_max + 8> exact{}, told{};
    message::write_record(exact.data(), 9, static_cast<std::uint8_t>(fields), state);
    message::EntityState known = state;
    if ((fields & message::delta::flags) != 0) coarse.apply(known);
    message::write_record(told.data(), 9, static_cast<std::uint8_t>(fields), known);
    coarse.apply(exact.data());
    const std::size_t bytes = message::detail::record_layout[fields].bytes;
    EXPECT_TRUE(std::equal(exact.begin(), exact.begin() + static_cast<std::ptrdiff_t>(bytes), told.begin())) << fields;
  }
}

}  // namespace
}  // namespace serried::replicate
