#include "world/publish.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::world {
namespace {

struct OneEntity {
  OneEntity() : frame(64, 0), identity(64), published(64) {
    spawn(
        frame, identity, 0,
        {.id = 5, .type = Type::monster, .faction = 4, .level = 3, .health = 100, .position = {12'800, 12'800, 1'000}},
        1);
    publish(10);
  }
  void publish(std::uint32_t tick, std::uint32_t acked_age = 4) {
    publish_rows(config, frame, identity, published, tick, acked_age, 0, 64);
  }
  const VersionedEntity& entity() const { return published.entity[0]; }
  const ChangeSummary& summary() const { return published.summary[0]; }

  Config config;
  Frame frame;
  Identity identity;
  Published published;
};

TEST(Publish, ASpawnIsAChangeOfEveryField) {
  OneEntity one;
  for (const auto version : one.entity().version) EXPECT_EQ(version, 10U);
  EXPECT_EQ(one.summary().change, 10);
  EXPECT_EQ(one.summary().urgent, 10);
  EXPECT_EQ(one.summary().identity, ChangeSummary::is_living);
  EXPECT_EQ(one.entity().type, Type::monster);
  EXPECT_EQ(one.entity().faction, 4);
  EXPECT_EQ(one.entity().level, 3);
  EXPECT_EQ(one.published.id[0], 5U);
}

TEST(Publish, OnlyChangedFieldsGetANewVersion) {
  OneEntity one;
  one.publish(11);
  EXPECT_EQ(one.summary().change, 10);
  one.frame.x[0] += 10.0F;
  one.publish(12);
  EXPECT_EQ(one.entity().version[field_position], 12U);
  EXPECT_EQ(one.entity().version[field_rotation], 10U);
  EXPECT_EQ(one.entity().version[field_section], 10U);
  EXPECT_EQ(one.summary().change, 12);
  EXPECT_EQ(one.summary().urgent, 10);
  one.frame.x[0] += 25'600.0F;
  one.publish(13);
  EXPECT_EQ(one.entity().version[field_section], 13U);
}

TEST(Publish, AMoveBelowTheQuantisationIsNoChange) {
  OneEntity one;
  one.frame.x[0] += 0.01F;
  one.publish(11);
  EXPECT_EQ(one.summary().change, 10);
}

TEST(Publish, FlagsAndStartsAndStopsAreUrgent) {
  OneEntity one;
  one.frame.velocity_x[0] = 100.0F;
  one.publish(11);
  EXPECT_EQ(one.summary().urgent, 11);
  EXPECT_EQ(one.summary().bits, ChangeSummary::is_moving);
  one.frame.velocity_x[0] = 90.0F;
  one.publish(12);
  EXPECT_EQ(one.summary().urgent, 11);
  EXPECT_EQ(one.summary().change, 12);
  one.frame.velocity_x[0] = 0.0F;
  one.publish(13);
  EXPECT_EQ(one.summary().urgent, 13);
  one.frame.effect_flags[0] = effect_flag::is_burning;
  one.publish(14);
  EXPECT_EQ(one.summary().urgent, 14);
  EXPECT_EQ(one.entity().version[field_flags], 14U);
}

TEST(Publish, InvisibleEntitiesAreHiddenAndDeadOnesGone) {
  OneEntity one;
  one.frame.state_flags[0] |= state_flag::is_invisible;
  one.publish(11);
  EXPECT_EQ(one.summary().bits & ChangeSummary::is_hidden, ChangeSummary::is_hidden);
  one.identity.living[0] = 0;
  one.publish(12);
  EXPECT_EQ(one.summary().identity, 0);
}

TEST(Publish, AnotherGenerationIsASpawn) {
  OneEntity one;
  one.identity.generation[0] = 2;
  one.publish(50);
  EXPECT_EQ(one.entity().version[field_anim], 50U);
  EXPECT_EQ(one.summary().identity, ChangeSummary::is_living | 2);
}

/// The mask of what has changed since `acked`.
unsigned news_since(const VersionedEntity& entity, std::uint32_t acked) {
  unsigned mask = 0;
  for (unsigned field = 0; field < field_count; ++field) mask |= entity.version[field] > acked ? 1U << field : 0;
  return mask;
}

TEST(Publish, TheReadyRecordEqualsTheEncodedRecordOfItsTicks) {
  unsigned ready_for = 0, not_for = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    base::Prng random(seed);
    OneEntity one;
    std::uint32_t tick = 10;
    for (unsigned i = 0; i < 400; ++i) {
      // At times nothing happens for long: as 16 bits, ticks come round.
      if (random.chance(0.02))
        for (std::uint64_t pause = random.below(90); pause != 0; --pause) one.publish(tick += 1'000, 4);
      ++tick;
      if (random.chance(0.5)) one.frame.x[0] += static_cast<float>(random.below(40));
      if (random.chance(0.1)) one.frame.yaw[0] = static_cast<std::int16_t>(random.next());
      if (random.chance(0.1)) one.frame.velocity_y[0] = static_cast<float>(random.below(300));
      if (random.chance(0.05)) one.frame.state_flags[0] ^= state_flag::is_in_combat;
      if (random.chance(0.01)) one.frame.y[0] += 25'600.0F;
      if (random.chance(0.01)) one.identity.generation[0] = (one.identity.generation[0] + 1) & 3;
      one.publish(tick, static_cast<std::uint32_t>(1 + random.below(20)));
      const EncodedRecord& ready = one.published.encoded[0];
      for (unsigned look = 0; look < 60; ++look) {
        const std::uint32_t age = look < 40 ? look : static_cast<std::uint32_t>(random.below(change_age_max + 1));
        const std::uint32_t acked = tick - std::min(tick, age);
        if (!ready.is_for(static_cast<std::uint16_t>(acked))) {
          ++not_for;
          continue;
        }
        ++ready_for;
        std::array<std::uint8_t, message::record_bytes_max> expected;
        const unsigned mask = news_since(one.entity(), acked) | one.entity().generation
                                                                    << message::delta::generation_shift;
        const auto bytes = static_cast<std::size_t>(
            message::write_record(expected.data(), 0, static_cast<std::uint8_t>(mask), one.entity().state) -
            expected.data());
        ASSERT_NE(mask & message::delta::all, 0U) << "seed " << seed << " tick " << tick << " acked " << acked;
        ASSERT_TRUE(ready.bytes == bytes && std::equal(&expected[0], &expected[bytes], ready.record.begin()))
            << "seed " << seed << " tick " << tick << " acked " << acked;
      }
    }
  }
  EXPECT_GT(ready_for, 100'000U);
  EXPECT_GT(not_for, 100'000U);
}

TEST(Publish, ViewersNearTheExpectedAckAgeFindAReadyRecord) {
  OneEntity one;
  for (std::uint32_t tick = 11; tick < 100; ++tick) {
    one.frame.x[0] += 10.0F;
    if (tick % 20 == 0) one.frame.yaw[0] += 100;
    one.publish(tick, 3);
    if (tick <= 14) continue;
    EXPECT_TRUE(one.published.encoded[0].is_for(static_cast<std::uint16_t>(tick - 3))) << tick;
  }
  for (std::uint32_t tick = 100; tick < 150; ++tick) one.publish(tick, 3);
  EXPECT_TRUE(one.published.encoded[0].is_for(98)) << "it has stood for long, and its last step is not yet known";
  EXPECT_FALSE(one.published.encoded[0].is_for(99)) << "nothing is new";
}

TEST(Publish, OldChangesStayOldWhenTicksWrap) {
  OneEntity one;
  for (std::uint32_t tick = 11; tick < 200'000; ++tick) {
    one.publish(tick);
    const auto age = static_cast<std::uint16_t>(tick - one.summary().change);
    ASSERT_LE(age, change_age_max);
    ASSERT_GE(age, std::min<std::uint32_t>(tick - 10, change_age_max));
  }
}

/// An entity that rests for longer than half of all ticks has not changed lately, nor in the future.
TEST(Publish, AnOldChangeStaysOld) {
  OneEntity one;
  for (const std::uint32_t ticks : {0x4000'0000U, 0x8000'0000U, 0xC000'0000U, 0U, 0x4000'0000U}) {
    one.publish(ticks);
    for (const std::uint32_t version : one.entity().version) EXPECT_EQ(ticks - version, change_age_max);
  }
}

/// The ready record is for the same viewers, and names the same fields, on both sides of the tick's wrap.
TEST(Publish, ReadyRecordsAreTheSameAcrossTheWrap) {
  const auto ready = [](std::uint32_t begin) {
    OneEntity one;
    one.identity.living[0] = 0;
    one.publish(begin - 1);
    one.identity.living[0] = 1;
    std::vector<std::array<unsigned, 4>> all;
    for (unsigned i = 0; i < 20; ++i) {
      if (i % 5 == 1) one.frame.x[0] += 10.0F;
      if (i % 7 == 2) one.frame.yaw[0] = static_cast<std::int16_t>(one.frame.yaw[0] + 100);
      one.publish(begin + i, 3);
      const EncodedRecord& record = one.published.encoded[0];
      unsigned viewers = 0;
      for (unsigned age = 0; age < 32; ++age)
        viewers |= static_cast<unsigned>(record.is_for(static_cast<std::uint16_t>(begin + i - age))) << age;
      all.push_back({record.bytes, record.ticks, record.record[2], viewers});
    }
    return all;
  };
  const auto expected = ready(1'000);
  EXPECT_EQ(ready(0U - 10), expected);
  EXPECT_EQ(ready((1U << 31) - 10), expected);
  EXPECT_EQ(ready((1U << 16) - 10), expected);
}

}  // namespace
}  // namespace serried::world
