#include "simd/within_radius.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::simd {
namespace {

class WithinRadiusTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

TEST_F(WithinRadiusTest, EveryInstructionSetFindsTheSame) {
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    base::Prng random(seed);
    const auto count = static_cast<unsigned>(random.below(within_radius_max + 1));
    // Exactly `count` long, so that a look beyond the end is one that the sanitizers see.
    std::vector<float> x(count), y(count), z(count);
    for (unsigned i = 0; i < count; ++i) {
      x[i] = static_cast<float>(random.unit()) * 100;
      y[i] = static_cast<float>(random.unit()) * 100;
      z[i] = static_cast<float>(random.below(3));
    }
    const float limit2 = random.chance(0.1) ? 3e38F : static_cast<float>(random.below(6'000));
    std::array<std::uint64_t, within_radius_max / 64> expected{}, bits{};
    use_isa(Isa::scalar);
    within_radius({x.data(), y.data(), z.data()}, count, 50, 40, 1, limit2, expected.data());
    for (const Isa isa : {Isa::sse42, Isa::avx2, Isa::avx512}) {
      use_isa(isa);
      bits.fill(0);
      within_radius({x.data(), y.data(), z.data()}, count, 50, 40, 1, limit2, bits.data());
      ASSERT_EQ(bits, expected) << "seed " << seed << " isa " << isa_name(isa);
    }
    for (const std::uint64_t word : expected) found += static_cast<unsigned>(__builtin_popcountll(word));
  }
  EXPECT_GT(found, 10'000U);
}

TEST_F(WithinRadiusTest, TheLimitItselfIsTooFar) {
  for (const Isa isa : {Isa::scalar, Isa::avx2}) {
    use_isa(isa);
    const std::array<float, 9> x{3, 3, 3, 3, 3, 3, 3, 3, 3}, y{4, 4, 4, 4, 4, 4, 4, 4, 3}, z{};
    std::uint64_t bits = ~std::uint64_t{0};
    within_radius({x.data(), y.data(), z.data()}, 9, 0, 0, 0, 25.0F, &bits);
    EXPECT_EQ(bits, 0x100U);
  }
}

}  // namespace
}  // namespace serried::simd
