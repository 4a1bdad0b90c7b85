#include "world/publish.h"

#include <gtest/gtest.h>

namespace serried::world {
namespace {

struct OneEntity {
  OneEntity() : frame(64, 0), identity(64), published(64) {
    bear(frame, identity, 0,
         {.id = 5, .type = Type::monster, .faction = 4, .level = 3, .health = 100, .position = {12'800, 12'800, 1'000}},
         1);
    publish(10);
  }
  void publish(std::uint32_t tick) { publish_rows(config, frame, identity, published, tick, 0, 64); }
  const Near& near() const { return published.near[0]; }
  const Brief& brief() const { return published.brief[0]; }

  Config config;
  Frame frame;
  Identity identity;
  Published published;
};

TEST(Publish, ABirthIsNewsOfEveryField) {
  OneEntity one;
  for (const auto version : one.near().version) EXPECT_EQ(version, 10U);
  EXPECT_EQ(one.brief().change, 10);
  EXPECT_EQ(one.brief().urgent, 10);
  EXPECT_EQ(one.brief().identity, Brief::is_living);
  EXPECT_EQ(one.near().type, Type::monster);
  EXPECT_EQ(one.near().faction, 4);
  EXPECT_EQ(one.near().level, 3);
  EXPECT_EQ(one.published.id[0], 5U);
}

TEST(Publish, OnlyWhatChangedIsNews) {
  OneEntity one;
  one.publish(11);
  EXPECT_EQ(one.brief().change, 10);
  one.frame.x[0] += 10.0F;
  one.publish(12);
  EXPECT_EQ(one.near().version[field_position], 12U);
  EXPECT_EQ(one.near().version[field_rotation], 10U);
  EXPECT_EQ(one.near().version[field_section], 10U);
  EXPECT_EQ(one.brief().change, 12);
  EXPECT_EQ(one.brief().urgent, 10);
  one.frame.x[0] += 25'600.0F;
  one.publish(13);
  EXPECT_EQ(one.near().version[field_section], 13U);
}

TEST(Publish, AMoveBelowTheQuantisationIsNoNews) {
  OneEntity one;
  one.frame.x[0] += 0.01F;
  one.publish(11);
  EXPECT_EQ(one.brief().change, 10);
}

TEST(Publish, FlagsAndStartsAndStopsAreUrgent) {
  OneEntity one;
  one.frame.velocity_x[0] = 100.0F;
  one.publish(11);
  EXPECT_EQ(one.brief().urgent, 11);
  EXPECT_EQ(one.brief().bits, Brief::is_moving);
  one.frame.velocity_x[0] = 90.0F;
  one.publish(12);
  EXPECT_EQ(one.brief().urgent, 11);
  EXPECT_EQ(one.brief().change, 12);
  one.frame.velocity_x[0] = 0.0F;
  one.publish(13);
  EXPECT_EQ(one.brief().urgent, 13);
  one.frame.effect_flags[0] = effect_flag::is_burning;
  one.publish(14);
  EXPECT_EQ(one.brief().urgent, 14);
  EXPECT_EQ(one.near().version[field_flags], 14U);
}

TEST(Publish, TheInvisibleAreHiddenAndTheDeadAreGone) {
  OneEntity one;
  one.frame.state_flags[0] |= state_flag::is_invisible;
  one.publish(11);
  EXPECT_EQ(one.brief().bits & Brief::is_hidden, Brief::is_hidden);
  one.identity.living[0] = 0;
  one.publish(12);
  EXPECT_EQ(one.brief().identity, 0);
}

TEST(Publish, AnotherGenerationIsABirth) {
  OneEntity one;
  one.identity.generation[0] = 2;
  one.publish(50);
  EXPECT_EQ(one.near().version[field_anim], 50U);
  EXPECT_EQ(one.brief().identity, Brief::is_living | 2);
}

TEST(Publish, OldNewsStaysOldWhenTicksWrap) {
  OneEntity one;
  for (std::uint32_t tick = 11; tick < 200'000; ++tick) {
    one.publish(tick);
    const auto age = static_cast<std::uint16_t>(tick - one.brief().change);
    ASSERT_LE(age, change_age_max);
    ASSERT_GE(age, std::min<std::uint32_t>(tick - 10, change_age_max));
  }
}

}  // namespace
}  // namespace serried::world
