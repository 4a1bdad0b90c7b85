#include <gtest/gtest.h>

#include "base/prng.h"
#include "replicate/plan.h"
#include "stage.h"

namespace serried::replicate::test {
namespace {

/// A datagram taken apart.
struct Body {
  explicit Body(std::span<const std::uint8_t> bytes) {
    base::ByteReader in(bytes);
    message::Framed framed;
    while (message::next(in, framed)) {
      base::ByteReader content(framed.content);
      if (framed.type == message::Type::delta_sync) {
        header = {content.read<std::uint32_t>(), content.read<std::uint16_t>()};
        message::Record record;
        while (content.remaining() != 0 && message::read_record(content, record)) records.push_back(record);
      } else if (framed.type == message::Type::create_entity) {
        message::CreateEntity create;
        EXPECT_TRUE(message::decode(framed.content, create));
        creates.push_back(create);
        content.skip(content.remaining());
      } else if (framed.type == message::Type::remove_entity) {
        message::Removal removal;
        while (content.remaining() != 0 && message::read_removal(content, removal)) removals.push_back(removal);
      } else if (framed.type == message::Type::audit) {
        message::Audit audit;
        while (content.remaining() != 0 && message::read_audit(content, audit)) audits.push_back(audit);
      } else {
        EXPECT_EQ(framed.type, message::Type::entity_block);
        content.skip(content.remaining());
        ++blocks;
      }
      EXPECT_TRUE(content.complete());
    }
    EXPECT_TRUE(in.ok());
  }
  message::DeltaHeader header;
  std::vector<message::Record> records;
  std::vector<message::CreateEntity> creates;
  std::vector<message::Removal> removals;
  std::vector<message::Audit> audits;
  unsigned blocks = 0;
};

TEST(Compose, TheFirstWordIsTheViewersOwnEntity) {
  Stage stage;
  stage.say(77);
  const Body body(stage.body);
  EXPECT_EQ(body.header.tick, stage.tick);
  EXPECT_EQ(body.header.applied_input, 77);
  ASSERT_EQ(body.creates.size(), 1U);
  EXPECT_TRUE(body.creates[0].own);
  EXPECT_EQ(body.creates[0].id, 100U);
  EXPECT_TRUE(body.creates[0].state == stage.published.entity[0].state);
  EXPECT_EQ(body.blocks, 1U);
}

TEST(Compose, ARecordIsCumulativeSinceTheAckedTick) {
  Stage stage;
  stage.put(5, 2'000);
  stage.next_tick();
  stage.know(5);
  stage.know(0);
  stage.frame.yaw[5] = 1'000;
  stage.frame.velocity_x[5] = 10;
  stage.next_tick();
  stage.say();  // never answered
  stage.frame.anim[5] = 2;
  stage.next_tick();
  stage.say();
  const Body body(stage.body);
  ASSERT_EQ(body.records.size(), 1U);
  EXPECT_EQ(body.records[0].mask & 0x3F,
            message::delta::rotation | message::delta::velocity | message::delta::anim_state);
}

TEST(Compose, TheSectionRidesAlongUntilOneWasAcked) {
  Stage stage;
  stage.put(5, 2'000);
  stage.next_tick();
  stage.know(5);
  const auto mask = [&] {
    stage.frame.x[5] += 100;
    stage.next_tick(10);
    const std::uint16_t plan = stage.say();
    const Body body(stage.body);
    return std::pair(body.records.empty() ? 0 : body.records.back().mask & 0x3F, plan);
  };
  EXPECT_EQ(mask().first & message::delta::section, 0);
  stage.frame.x[5] += 25'600;
  EXPECT_NE(mask().first & message::delta::section, 0);
  const auto [again, plan] = mask();
  EXPECT_NE(again & message::delta::section, 0);
  on_acked(stage.viewer, plan, stage.tick);
  EXPECT_EQ(mask().first & message::delta::section, 0);
}

TEST(Compose, ARemovalCarriesGenerationAndGoneFlag) {
  Stage stage;
  stage.put(5, 2'000);
  stage.identity.generation[5] = 2;
  stage.next_tick();
  stage.know(5);
  stage.take(5);
  stage.next_tick();
  stage.say();
  const Body body(stage.body);
  ASSERT_EQ(body.removals.size(), 1U);
  EXPECT_EQ(body.removals[0].slot, 5);
  EXPECT_EQ(body.removals[0].generation, 2);
  EXPECT_TRUE(body.removals[0].left_world);
}

TEST(Compose, NearestAreCreatedFirstAndUpdatesAreNotStarved) {
  Stage stage;
  for (std::uint16_t slot = 1; slot <= 100; ++slot) stage.put(slot, 1'000.0F + 100.0F * slot);
  stage.next_tick();
  for (std::uint16_t slot = 1; slot <= 20; ++slot) track(stage.viewer, slot, 0, 200);
  on_acked(stage.viewer, stage.say(), stage.tick);
  stage.next_tick();
  on_acked(stage.viewer, stage.say(), stage.tick);
  for (std::uint16_t slot = 21; slot <= 100; ++slot)
    track(stage.viewer, slot, 0, static_cast<std::uint8_t>(250 - slot));
  for (std::uint16_t slot = 1; slot <= 20; ++slot) stage.frame.velocity_x[slot] = 50;
  stage.next_tick();
  stage.say();
  const Body body(stage.body);
  EXPECT_EQ(body.records.size(), 20U);
  ASSERT_GE(body.creates.size(), 5U);
  for (std::size_t i = 0; i < body.creates.size(); ++i) EXPECT_EQ(body.creates[i].slot, 21 + i);
}

TEST(Compose, EveryMovingEntityGetsItsTurnWhenNotAllFit) {
  Config config;
  config.datagram_bytes = 300;
  Stage stage(config);
  for (std::uint16_t slot = 1; slot <= 100; ++slot) stage.put(slot, 1'000.0F + 100.0F * slot);
  stage.next_tick();
  for (std::uint16_t slot = 1; slot <= 100; ++slot) track(stage.viewer, slot, 0, static_cast<std::uint8_t>(8 + slot));
  for (unsigned i = 0; i < 60; ++i) {
    stage.next_tick();
    on_acked(stage.viewer, stage.say(), stage.tick);
  }
  std::vector<unsigned> told(101);
  for (unsigned i = 0; i < 300; ++i) {
    for (std::uint16_t slot = 1; slot <= 100; ++slot) {
      stage.frame.x[slot] += 1;
      stage.frame.velocity_x[slot] = 60;
    }
    stage.next_tick();
    on_acked(stage.viewer, stage.say(), stage.tick);
    for (const auto& record : Body(stage.body).records) ++told[record.slot];
  }
  for (std::uint16_t slot = 1; slot <= 100; ++slot) EXPECT_GE(told[slot], 10U) << slot;
  EXPECT_GT(told[100] + told[99] + told[98], told[1] + told[2] + told[3]);  // heavier is oftener
}

TEST(Compose, NeverMoreThanTheBudgetAndNeverALostByte) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng random(seed);
    Config config;
    config.datagram_bytes = static_cast<unsigned>(256 + random.below(891));
    config.audit_per_second = 60;
    Stage stage(config);
    stage.viewer.wants_audit = true;
    std::vector<std::uint16_t> plans;
    for (unsigned i = 0; i < 200; ++i) {
      const auto slot = static_cast<std::uint16_t>(1 + random.below(200));
      if (stage.identity.living[slot] != 0 && random.chance(0.1)) {
        stage.take(slot);
      } else {
        if (stage.identity.living[slot] == 0) stage.put(slot, static_cast<float>(random.below(40'000)));
        stage.frame.velocity_x[slot] = static_cast<float>(random.below(100));
        stage.frame.x[slot] = 400'000 + static_cast<float>(random.below(60'000));
      }
      stage.next_tick();
      rescan(stage.viewer, stage.context());
      const DueSet seen = stage.look();
      std::vector<std::uint8_t> room(1'200, 0xEE);
      const Composed composed =
          compose(stage.viewer, stage.context(), seen, 0, {room.data(), config.datagram_bytes}, stage.counters);
      ASSERT_LE(composed.bytes, config.datagram_bytes);
      for (std::size_t at = config.datagram_bytes; at < room.size(); ++at) ASSERT_EQ(room[at], 0xEE);
      static_cast<void>(Body({room.data(), composed.bytes}));
      plans.push_back(composed.plan);
      if (random.chance(0.7)) on_acked(stage.viewer, plans[random.below(plans.size())], stage.tick);
    }
  }
}

TEST(Compose, ReadyRecordsAndEncodedOnesAreTheSame) {
  std::uint64_t copied = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng random(seed);
    Config config;
    config.datagram_bytes = static_cast<unsigned>(256 + random.below(891));
    Stage ready(config), encoded(config);
    ready.acked_age = static_cast<std::uint32_t>(1 + random.below(8));
    for (std::uint16_t slot = 1; slot <= 60; ++slot)
      for (Stage* stage : {&ready, &encoded}) stage->put(slot, 100.0F * slot);
    std::vector<std::uint16_t> plans;
    for (unsigned i = 0; i < 120; ++i) {
      const auto slot = static_cast<std::uint16_t>(random.below(61));
      const auto turn = static_cast<std::int16_t>(random.next());
      const std::size_t answered = random.below(std::min<std::size_t>(plans.size(), 6) + 1);
      for (Stage* stage : {&ready, &encoded}) {
        for (std::uint16_t mover = 0; mover <= 60; ++mover) stage->frame.x[mover] += mover % 3 == 0 ? 0.0F : 3.0F;
        stage->frame.yaw[slot] = turn;
        if (answered != 0) on_acked(stage->viewer, plans[plans.size() - answered], stage->tick);
        stage->next_tick();
      }
      for (std::size_t row = 0; row < encoded.published.encoded.size(); ++row) encoded.published.encoded[row].ticks = 0;
      for (Stage* stage : {&ready, &encoded}) rescan(stage->viewer, stage->context());
      plans.push_back(ready.say());
      ASSERT_EQ(encoded.say(), plans.back());
      ASSERT_EQ(ready.body, encoded.body) << "tick " << ready.tick;
    }
    EXPECT_LT(ready.counters.encoded_records.value(), encoded.counters.encoded_records.value() / 2);
    copied += encoded.counters.encoded_records.value() - ready.counters.encoded_records.value();
  }
  EXPECT_GT(copied, 5'000U);
}

TEST(Compose, ReadyRecordsAreCopiedUnchanged) {
  Stage stage, altered;
  for (Stage* each : {&stage, &altered}) {
    each->put(5, 2'000);
    each->next_tick();
    each->know(5);
    each->next_tick(10);
    each->know(5);
    each->frame.anim[5] = 1;
    each->next_tick();
  }
  altered.published.encoded[5].record[3] ^= 0x40;
  stage.say();
  altered.say();
  ASSERT_EQ(stage.body.size(), altered.body.size());
  unsigned different = 0;
  for (std::size_t at = 0; at < stage.body.size(); ++at) different += stage.body[at] != altered.body[at] ? 1 : 0;
  EXPECT_EQ(different, 1U);
}

/// Slot 1 is a foe and slot 2 an ally, each of two thirds of its health and a third of its mana.
void wound(Stage& stage, std::uint16_t health) {
  for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{2}}) {
    stage.identity.health_max[slot] = stage.identity.mana_max[slot] = 255;
    stage.frame.health[slot] = health;
    stage.frame.mana[slot] = health / 2;
  }
}

TEST(Compose, FoesAreToldHealthAndManaInStepsOwnAndAlliesExactly) {
  for (const std::uint32_t acked_age : {4U, 1U}) {  // records that are ready, and such as are encoded
    Stage stage({.audit_per_second = 60});
    stage.acked_age = acked_age;
    stage.viewer.wants_audit = true;
    stage.put(1, 1'000, world::Type::player, 2);
    stage.put(2, 2'000, world::Type::player, 1);
    wound(stage, 171);
    stage.next_tick();
    track(stage.viewer, 1, 0, 100);
    track(stage.viewer, 2, 0, 100);
    const std::uint16_t plan = stage.say();
    Body body(stage.body);
    ASSERT_EQ(body.creates.size(), 3U);
    std::array<message::EntityState, 3> held;
    for (const message::CreateEntity& create : body.creates) {
      held[create.slot] = create.state;
      EXPECT_EQ(create.state.health, create.slot == 1 ? 175 : 171) << create.slot;  // 11 of 16
      EXPECT_EQ(create.state.mana, create.slot == 1 ? 80 : 85) << create.slot;      // 5 of 16
    }
    on_acked(stage.viewer, plan, stage.tick);
    unsigned records = 0, audits = 0;
    const auto take = [&] {
      const std::uint16_t next = stage.say();
      body = Body(stage.body);
      for (const message::Record& record : body.records) {
        ASSERT_TRUE(message::apply_record(record, held[record.slot]));
        records += record.slot == 1 ? 1 : 0;
      }
      for (const message::Audit& audit : body.audits) {
        EXPECT_EQ(audit.hash, message::state_hash(held[audit.slot])) << audit.slot;
        audits += audit.slot == 1 ? 1 : 0;
      }
      on_acked(stage.viewer, next, stage.tick);
    };
    for (std::uint16_t health = 170; health > 0; health -= 10) {
      wound(stage, health);
      for (const unsigned ticks : {1U, 10U, 1U, 1U}) {  // what the rate keeps back, then an audit of each
        stage.next_tick(ticks);
        take();
      }
      for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{2}}) {
        EXPECT_EQ(held[slot].health, health);
        EXPECT_EQ(held[slot].mana, health / 2);
      }
      EXPECT_EQ(held[1].health, stage.coarse.of(static_cast<std::uint8_t>(health)));
      EXPECT_EQ(held[1].mana, stage.coarse.of(static_cast<std::uint8_t>(health / 2)));
    }
    EXPECT_GT(records, 5U);
    EXPECT_GT(audits, 0U);
  }
}

TEST(Compose, PlanNumbersSkipZero) {
  Stage stage;
  stage.viewer.next_plan = 0xFFFF;
  EXPECT_EQ(stage.say(), 0xFFFF);
  EXPECT_EQ(stage.say(), 1);
}

TEST(Compose, WithoutAPlanOnlyUnguaranteedRecordsAreWritten) {
  Stage stage;
  stage.put(5, 2'000);
  stage.next_tick();
  for (unsigned i = 0; i < plans_in_flight; ++i) stage.say();
  track(stage.viewer, 5, 0, 50);
  stage.next_tick();
  const std::uint16_t plan = stage.say();
  EXPECT_TRUE(Body(stage.body).creates.empty());
  EXPECT_EQ(stage.counters.unrecorded_plans.value(), 1U);
  const Viewer before = stage.viewer;
  on_acked(stage.viewer, plan, stage.tick);
  EXPECT_EQ(before.status, stage.viewer.status);
}

TEST(Compose, OnlyWhatTheClientMustHoldIsAudited) {
  Config config;
  config.audit_per_second = 60;
  Stage stage(config);
  stage.viewer.wants_audit = true;
  stage.put(5, 2'000);
  stage.next_tick();
  stage.know(5);
  stage.next_tick();
  stage.say();
  Body body(stage.body);
  ASSERT_EQ(body.audits.size(), 1U);
  EXPECT_EQ(body.audits[0].slot, 5);
  EXPECT_EQ(body.audits[0].hash, message::state_hash(stage.published.entity[5].state));
  stage.frame.anim[5] = 1;
  stage.next_tick();
  stage.say();
  EXPECT_TRUE(Body(stage.body).audits.empty());  // its news is on the way
}

}  // namespace
}  // namespace serried::replicate::test
