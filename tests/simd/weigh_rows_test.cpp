#include "simd/weigh_rows.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::simd {
namespace {

/// A tracked set and where its entities are, at random.
struct SurveyCrowd {
  static constexpr unsigned entities = 300;
  struct alignas(place_bytes) Place {
    float x, y, z, leave2;
  };

  explicit SurveyCrowd(std::uint64_t seed) : random(seed), spread(random.chance(0.5) ? 100.0F : 30'000.0F) {
    for (Place& place : places) place = {somewhere(), somewhere(), somewhere() / 8.0F, leave2()};
    for (unsigned row = 0; row < weigh_rows_max; ++row) {
      slot[row] = static_cast<std::uint16_t>(random.below(entities));
      weight[row] = static_cast<std::uint8_t>(random.next());
      status[row] = static_cast<std::uint8_t>(random.next());
    }
    // Ties: the last of several.
    if (random.chance(0.5)) slot[random.below(weigh_rows_max)] = slot[random.below(weigh_rows_max)];
    eye = {somewhere(), somewhere(), somewhere() / 8.0F, spread * spread / 9.0F};
  }

  float somewhere() { return static_cast<float>(random.below(1'000)) * spread / 1'000.0F; }
  float leave2() { return random.chance(0.1) ? -1.0F : random.chance(0.2) ? spread * spread / 4.0F : 3e38F; }
  WeighedRows look(unsigned count) {
    WeighedRows result;
    weigh_rows(reinterpret_cast<const std::uint8_t*>(places.data()), {slot.data(), weight.data(), status.data()}, count,
               eye, result);
    return result;
  }

  base::Prng random;
  float spread;
  std::vector<Place> places = std::vector<Place>(entities);
  std::array<std::uint16_t, weigh_rows_max> slot;
  std::array<std::uint8_t, weigh_rows_max> weight, status;
  Eye eye{};
};

class WeighRowsTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

bool in(const std::array<std::uint64_t, 2>& mask, unsigned row) { return (mask[row / 64] >> row % 64 & 1) != 0; }

TEST_F(WeighRowsTest, FindsWhatItsDescriptionSays) {
  unsigned held = 0, gone = 0, near = 0;
  for (const Isa isa : {Isa::scalar, detected_isa()}) {
    use_isa(isa);
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
      SCOPED_TRACE(testing::Message() << isa_name(isa) << ", seed " << seed);
      SurveyCrowd crowd(seed);
      const SurveyCrowd before = crowd;
      const auto count = static_cast<unsigned>(1 + crowd.random.below(weigh_rows_max));
      const WeighedRows seen = crowd.look(count);
      float furthest = -1.0F;
      unsigned furthest_row = 0;
      for (unsigned row = 0; row < weigh_rows_max; ++row) {
        const unsigned state = before.status[row] & 3U;
        const bool asked = row >= 1 && row < count, looked_at = asked && (state == 1 || state == 2);
        const SurveyCrowd::Place& place = crowd.places[crowd.slot[row]];
        const float dx = place.x - crowd.eye.x, dy = place.y - crowd.eye.y, dz = place.z - crowd.eye.z;
        const float distance2 = dx * dx + dy * dy + dz * dz;
        const bool expect_held = looked_at && distance2 <= place.leave2;
        const bool expect_near = expect_held && distance2 < crowd.eye.near2;
        ASSERT_EQ(in(seen.held, row), expect_held) << row;
        ASSERT_EQ(in(seen.gone, row), looked_at && !expect_held) << row;
        ASSERT_EQ(seen.distance2[row], expect_held ? distance2 : -1.0F) << row;
        ASSERT_EQ(crowd.weight[row], expect_held ? weight_at(distance2, crowd.eye.near2) : before.weight[row]) << row;
        const unsigned kept = before.status[row] & ~(asked ? 0x40U : 0U);
        ASSERT_EQ(crowd.status[row], kept | (expect_near ? 0x40U : 0U)) << row;
        if (expect_held && distance2 >= furthest) furthest_row = row;
        if (expect_held) furthest = std::max(furthest, distance2);
        held += expect_held ? 1 : 0;
        gone += looked_at && !expect_held ? 1 : 0;
        near += expect_near ? 1 : 0;
      }
      ASSERT_EQ(seen.furthest(), furthest_row);
    }
  }
  EXPECT_GT(held, 10'000U);
  EXPECT_GT(gone, 1'000U);
  EXPECT_GT(near, 1'000U);
}

TEST_F(WeighRowsTest, WeightIsLargestAtTheViewerAndAtLeastEightFarAway) {
  EXPECT_EQ(weight_at(0.0F, 100.0F), 255);
  EXPECT_EQ(weight_at(100.0F, 100.0F), 127);
  EXPECT_EQ(weight_at(1e12F, 100.0F), 8);
}

TEST_F(WeighRowsTest, AnEmptyTrackedSetHasNoFurthestRow) {
  WeighedRows nobody;
  nobody.distance2.fill(-1.0F);
  EXPECT_EQ(nobody.furthest(), 0U);
  nobody.distance2[5] = 0.0F;
  EXPECT_EQ(nobody.furthest(), 5U);
}

}  // namespace
}  // namespace serried::simd
