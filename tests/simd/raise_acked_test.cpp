#include "simd/raise_acked.h"

#include <array>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::simd {
namespace {

class RaiseAckedTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

TEST_F(RaiseAckedTest, RaisesNamedLiveRowsAndReportsTheOthers) {
  unsigned raised = 0, kept = 0, reported = 0;
  for (const Isa isa : {Isa::scalar, detected_isa()}) {
    use_isa(isa);
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
      SCOPED_TRACE(testing::Message() << isa_name(isa) << ", seed " << seed);
      base::Prng random(seed);
      std::array<std::uint16_t, raise_acked_rows> acked;
      std::array<std::uint8_t, raise_acked_rows> status;
      const auto tick = static_cast<std::uint16_t>(random.next());
      for (unsigned row = 0; row < raise_acked_rows; ++row) {
        const std::uint64_t around = tick + 20 - random.below(40);
        acked[row] = static_cast<std::uint16_t>(random.chance(0.2) ? random.next() : around);
        status[row] = static_cast<std::uint8_t>((random.next() & 0xFC) | (random.chance(0.8) ? 2 : random.below(4)));
      }
      const auto before = acked;
      const std::uint64_t rows[2] = {random.next(), random.next() & random.next()};
      std::uint64_t others[2] = {~std::uint64_t{0}, ~std::uint64_t{0}};
      raise_acked(acked.data(), status.data(), rows, tick, others);
      for (unsigned row = 0; row < raise_acked_rows; ++row) {
        const bool named = (rows[row / 64] >> row % 64 & 1) != 0, live = (status[row] & 3) == 2;
        const bool newer = static_cast<std::int16_t>(static_cast<std::uint16_t>(tick - before[row])) > 0;
        ASSERT_EQ(acked[row], named && live && newer ? tick : before[row]) << row;
        ASSERT_EQ((others[row / 64] >> row % 64 & 1) != 0, named && !live) << row;
        raised += named && live && newer ? 1 : 0;
        kept += named && live && !newer ? 1 : 0;
        reported += named && !live ? 1 : 0;
      }
    }
  }
  EXPECT_GT(raised, 10'000U);
  EXPECT_GT(kept, 10'000U);
  EXPECT_GT(reported, 1'000U);
}

}  // namespace
}  // namespace serried::simd
