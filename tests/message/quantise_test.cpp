/// Quantisation: error bounds, at section borders above all, and chains of records across them.

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "message/entity.h"
#include "random_bytes.h"

namespace serried::message {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

float edge(const Geometry& geometry, unsigned axis) {
  return axis == 2 ? geometry.section_size_z : geometry.section_size_xy;
}
/// The largest coordinate below the map's upper edge.
float top(const Geometry& geometry, unsigned axis) {
  return std::nextafter(edge(geometry, axis) * geometry.sections[axis], 0.0F);
}
/// Half a step, and what a float can miss by at `position`.
double tolerance(const Geometry& geometry, unsigned axis, float position) {
  return static_cast<double>(edge(geometry, axis)) / 65'536 / 2 +
         static_cast<double>(std::nextafter(std::abs(position), infinity) - std::abs(position));
}

EntityState quantised(const Geometry& geometry, const std::array<float, 3>& position) {
  EntityState state;
  quantise_position(geometry, position, state);
  return state;
}

void expect_near(const Geometry& geometry, const std::array<float, 3>& truth, const EntityState& state) {
  const auto back = position_of(geometry, state);
  for (unsigned axis = 0; axis < 3; ++axis) {
    ASSERT_NEAR(static_cast<double>(back[axis]), static_cast<double>(truth[axis]),
                tolerance(geometry, axis, truth[axis]))
        << "axis " << axis << ", section " << state.section[axis] << ", position " << state.position[axis];
  }
}

const Geometry geometries[] = {
    {},
    {25'600.0F, 6'400.0F, {1, 1, 1}},
    {1'000.0F, 333.0F, {7, 5, 3}},
    {65'536.0F, 65'536.0F, {4, 4, 4}},
    {100.0F, 50.0F, {4'096, 4'096, 2}},
};

TEST(Position, ErrorIsAtMostHalfAStepAnywhere) {
  Random random;
  for (const Geometry& geometry : geometries) {
    for (int i = 0; i < 20'000; ++i) {
      std::array<float, 3> position;
      for (unsigned axis = 0; axis < 3; ++axis) {
        const double step = static_cast<double>(edge(geometry, axis)) / 65'536;
        const double size = static_cast<double>(edge(geometry, axis)) * geometry.sections[axis];
        position[axis] = random.between(0.0, size - step / 2);
      }
      expect_near(geometry, position, quantised(geometry, position));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Position, ErrorIsAtMostHalfAStepAtEverySectionBorder) {
  for (const Geometry& geometry : geometries) {
    for (unsigned axis = 0; axis < 3; ++axis) {
      const float step = edge(geometry, axis) / 65'536;
      for (unsigned border = 0; border < geometry.sections[axis]; ++border) {
        const float at = edge(geometry, axis) * static_cast<float>(border);
        for (const float off : {0.0F, 0.25F, 0.5F, 0.75F, 1.0F, 2.0F}) {
          for (const float side : {-1.0F, 1.0F}) {
            for (const float around : {-infinity, infinity}) {
              std::array<float, 3> position{1.0F, 1.0F, 1.0F};
              position[axis] = std::nextafter(at + side * off * step, around);
              if (position[axis] < 0.0F) continue;
              expect_near(geometry, position, quantised(geometry, position));
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

TEST(Position, CornersOfTheMapAndWhatLiesOutsideAreClamped) {
  for (const Geometry& geometry : geometries) {
    const std::array<float, 3> upper{top(geometry, 0), top(geometry, 1), top(geometry, 2)};
    const auto inside = position_of(geometry, quantised(geometry, upper));
    const EntityState last = quantised(geometry, {infinity, infinity, infinity});
    for (unsigned axis = 0; axis < 3; ++axis) {
      EXPECT_EQ(last.section[axis], geometry.sections[axis] - 1);
      EXPECT_EQ(last.position[axis], 32'767);
      EXPECT_LE(position_of(geometry, last)[axis], edge(geometry, axis) * geometry.sections[axis]);
      EXPECT_NEAR(static_cast<double>(inside[axis]), static_cast<double>(upper[axis]),
                  2 * tolerance(geometry, axis, upper[axis]));
    }
    for (const float outside : {1e9F, 1e30F, std::numeric_limits<float>::max(), infinity})
      EXPECT_EQ(quantised(geometry, {outside, outside, outside}), last);
    const EntityState first = quantised(geometry, {0.0F, 0.0F, 0.0F});
    EXPECT_EQ(first.section, (std::array<std::uint16_t, 3>{}));
    EXPECT_EQ(first.position, (std::array<std::int16_t, 3>{-32'768, -32'768, -32'768}));
    for (const float outside : {-0.0F, -1e-20F, -1.0F, std::numeric_limits<float>::lowest(), -infinity, not_a_number})
      EXPECT_EQ(quantised(geometry, {outside, outside, outside}), first);
  }
}

TEST(Position, QuantisedStatesAreTheirOwnQuantisation) {
  Random random;
  const Geometry geometry;
  for (int i = 0; i < 20'000; ++i) {
    EntityState state;
    for (unsigned axis = 0; axis < 3; ++axis) {
      state.section[axis] = static_cast<std::uint16_t>(random.below(geometry.sections[axis]));
      state.position[axis] = random.of<std::int16_t>();
    }
    ASSERT_EQ(quantised(geometry, position_of(geometry, state)), state);
  }
}

TEST(Position, TheStateOnEitherSideOfABorderIsTheSamePlace) {
  const Geometry geometry;
  const float border = geometry.section_size_xy * 3;
  const EntityState below = quantised(geometry, {std::nextafter(border, 0.0F), 10.0F, 10.0F});
  const EntityState on = quantised(geometry, {border, 10.0F, 10.0F});
  EXPECT_EQ(below, on);
  EXPECT_EQ(on.section[0], 3);
  EXPECT_EQ(on.position[0], -32'768);
}

/// One message of an entity that moves: what its sender writes and its receiver merges, position alone.
bool send_position(const EntityState& truth, EntityState& known) {
  std::uint8_t bytes[record_bytes_max];
  const std::uint8_t* end = write_record(bytes, 1, delta::position, truth);
  base::ByteReader in({bytes, static_cast<std::size_t>(end - bytes)});
  Record record;
  return read_record(in, record) && apply_record(record, known);
}

TEST(Crossing, SmallStepsAcrossABorderNeverJump) {
  const Geometry geometry;
  for (const float direction : {1.0F, -1.0F}) {
    const float start = geometry.section_size_xy * 2 - direction * 30.0F;
    const float start_z = geometry.section_size_z - direction * 30.0F;
    EntityState known = quantised(geometry, {start, start, start_z});
    for (int step = 0; step < 6'000; ++step) {
      const float walked = direction * 0.01F * static_cast<float>(step);
      const std::array<float, 3> truth{start + walked, start + walked, start_z + walked};
      ASSERT_TRUE(send_position(quantised(geometry, truth), known));
      expect_near(geometry, truth, known);
      if (HasFatalFailure()) return;
    }
    EXPECT_EQ(known.section[0], direction > 0 ? 2 : 1);
    EXPECT_EQ(known.section[2], direction > 0 ? 1 : 0);
  }
}

TEST(Crossing, RandomWalksWithLossAreFollowedForAsLongAsAStepIsBelowASection) {
  Random random;
  for (const Geometry& geometry : {Geometry{}, Geometry{1'000.0F, 333.0F, {70, 50, 30}}}) {
    std::array<float, 3> truth{};
    for (unsigned axis = 0; axis < 3; ++axis) truth[axis] = top(geometry, axis) / 2;
    EntityState known = quantised(geometry, truth);
    for (int message = 0; message < 20'000; ++message) {
      const double longest = random.coin() ? 0.02 : 0.98;  // of a section, since the last message that arrived
      for (unsigned axis = 0; axis < 3; ++axis) {
        const double step = static_cast<double>(edge(geometry, axis)) / 65'536;
        const double reach = longest * static_cast<double>(edge(geometry, axis));
        const float moved = truth[axis] + random.between(-reach, reach);
        const double last = static_cast<double>(top(geometry, axis)) - step;
        truth[axis] = std::min(std::max(moved, 0.0F), static_cast<float>(last));
      }
      ASSERT_TRUE(send_position(quantised(geometry, truth), known));
      expect_near(geometry, truth, known);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Crossing, TwoSectionsOffIsRefusedUntilTheWholeSectionComes) {
  const Geometry geometry;
  EntityState known = quantised(geometry, {100.0F, 100.0F, 100.0F});
  const EntityState before = known;
  const std::array<float, 3> far_away{100.0F + 2 * geometry.section_size_xy, 100.0F, 100.0F};
  const EntityState truth = quantised(geometry, far_away);
  EXPECT_FALSE(send_position(truth, known));
  EXPECT_EQ(known, before);
  std::uint8_t bytes[record_bytes_max];
  const std::uint8_t* end = write_record(bytes, 1, delta::position | delta::section, truth);
  base::ByteReader in({bytes, static_cast<std::size_t>(end - bytes)});
  Record record;
  ASSERT_TRUE(read_record(in, record));
  ASSERT_TRUE(apply_record(record, known));
  expect_near(geometry, far_away, known);
}

TEST(Angle, WrapsAndComesBack) {
  Random random;
  constexpr double step = 2 * std::numbers::pi / 65'536;
  for (int i = 0; i < 50'000; ++i) {
    const float radians = random.between(-20.0, 20.0);
    const double missed = static_cast<double>(angle_of(quantise_angle(radians))) - static_cast<double>(radians);
    EXPECT_LE(std::abs(std::remainder(missed, 2 * std::numbers::pi)), step / 2 + 3e-6) << radians;
  }
  for (int yaw = -32'768; yaw <= 32'767; ++yaw)
    ASSERT_EQ(quantise_angle(angle_of(static_cast<std::int16_t>(yaw))), yaw);
}

TEST(Angle, SpecialValues) {
  constexpr float pi = std::numbers::pi_v<float>;
  EXPECT_EQ(quantise_angle(0.0F), 0);
  EXPECT_EQ(quantise_angle(pi / 2), 16'384);
  EXPECT_EQ(quantise_angle(-pi / 2), -16'384);
  EXPECT_EQ(quantise_angle(pi), -32'768);
  EXPECT_EQ(quantise_angle(-pi), -32'768);
  EXPECT_EQ(quantise_angle(2 * pi), 0);
  EXPECT_EQ(quantise_angle(not_a_number), 0);
  EXPECT_EQ(quantise_angle(infinity), 0);
  EXPECT_EQ(quantise_angle(-infinity), 0);
  EXPECT_EQ(quantise_angle(std::numeric_limits<float>::max()), 0);
  EXPECT_EQ(quantise_angle(std::numeric_limits<float>::lowest()), 0);
}

TEST(Speed, RoundsAndClamps) {
  EXPECT_EQ(quantise_speed(0.0F), 0);
  EXPECT_EQ(quantise_speed(0.49F), 0);
  EXPECT_EQ(quantise_speed(0.5F), 1);
  EXPECT_EQ(quantise_speed(-0.5F), -1);
  EXPECT_EQ(quantise_speed(-600.4F), -600);
  EXPECT_EQ(quantise_speed(32'767.0F), 32'767);
  EXPECT_EQ(quantise_speed(32'768.0F), 32'767);
  EXPECT_EQ(quantise_speed(infinity), 32'767);
  EXPECT_EQ(quantise_speed(-infinity), -32'767);
  EXPECT_EQ(quantise_speed(not_a_number), 0);
}

TEST(Fraction, IsZeroExactlyWhenDead) {
  Random random;
  for (const float fraction : {0.0F, -1.0F, 1e-9F, 1.0F, 2.0F, infinity, -infinity, not_a_number}) {
    EXPECT_EQ(quantise_fraction(fraction, false), 0);
    EXPECT_NE(quantise_fraction(fraction, true), 0);
  }
  EXPECT_EQ(quantise_fraction(0.0F, true), 1);
  EXPECT_EQ(quantise_fraction(not_a_number, true), 1);
  EXPECT_EQ(quantise_fraction(1.0F, true), 255);
  EXPECT_EQ(quantise_fraction(1.5F, true), 255);
  for (int i = 0; i < 10'000; ++i) {
    const float fraction = random.between(0.01, 1.0);
    const double back = static_cast<double>(quantise_fraction(fraction, true)) / 255;
    EXPECT_NEAR(back, static_cast<double>(fraction), 0.5 / 255 + 1e-6);
  }
}

}  // namespace
}  // namespace serried::message
