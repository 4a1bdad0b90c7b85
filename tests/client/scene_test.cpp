/// Every replicated field, from the world's authoritative value through publish, replicate, the bytes of the wire and
/// the view to what the public header shows. Audits compare what the server quantised with what the client got; what is
/// wrong where it is quantised, only this sees.

#include "client/scene.h"

#include <set>

#include <gtest/gtest.h>

#include "../replicate/stage.h"

namespace serried::client {
namespace {

using replicate::test::Stage;

/// A field as the world has it and as the scene shows it.
struct FieldRow {
  const char* name;
  double world, shown;
  double error;  ///< that its quantisation allows
};

/// Who adds a field to SceneEntity, to the world's frame or to its identity names it here, or this does not compile.
std::vector<FieldRow> rows_of(const world::Frame& frame, const world::Identity& identity, std::uint16_t at,
                              const SceneEntity& entity) {
  const auto& [x, y, z, velocity_x, velocity_y, velocity_z, yaw, anim, state, effects, health, mana] = frame;
  const auto& [id, generation, living, type, faction, level, health_max, mana_max, owner, spawned, intent] = identity;
  const auto& [shown_id, shown_slot, shown_generation, shown_type, shown_faction, shown_level, own, far, position,
               received, velocity, shown_yaw, animation, state_flags, effect_flags, shown_health, shown_mana, age] =
      entity;
  const auto share = [](std::uint16_t part, std::uint16_t whole) { return static_cast<double>(part) / whole; };
  const double place = 25'600.0 / 131'072 + 0.1, half = 0.5 / 255 + 1e-6;  // 0.1: floats that far out
  return {
      {"id", static_cast<double>(id[at]), static_cast<double>(shown_id), 0},
      {"slot", static_cast<double>(at), static_cast<double>(shown_slot), 0},
      {"generation", static_cast<double>(generation[at]), static_cast<double>(shown_generation), 0},
      {"type", static_cast<double>(type[at]), static_cast<double>(shown_type), 0},
      {"faction", static_cast<double>(faction[at]), static_cast<double>(shown_faction), 0},
      {"level", static_cast<double>(level[at]), static_cast<double>(shown_level), 0},
      {"own", at == 0 ? 1.0 : 0.0, own ? 1.0 : 0.0, 0},
      {"far", 0, far ? 1.0 : 0.0, 0},
      {"position x", x[at], position[0], place},
      {"position y", y[at], position[1], place},
      {"position z", z[at], position[2], place},
      {"received x", x[at], received[0], place},
      {"received y", y[at], received[1], place},
      {"received z", z[at], received[2], place},
      {"velocity x", velocity_x[at], velocity[0], 0.5},
      {"velocity y", velocity_y[at], velocity[1], 0.5},
      {"velocity z", velocity_z[at], velocity[2], 0.5},
      {"yaw", static_cast<double>(message::angle_of(yaw[at])), shown_yaw, 1e-6},
      {"animation", static_cast<double>(anim[at]), static_cast<double>(animation), 0},
      {"state_flags", static_cast<double>(state[at]), static_cast<double>(state_flags), 0},
      {"effect_flags", static_cast<double>(effects[at]), static_cast<double>(effect_flags), 0},
      {"health", share(health[at], health_max[at]), shown_health, half},
      {"mana", share(mana[at], mana_max[at]), shown_mana, half},
      {"age", 0, static_cast<double>(age.count()), 2'048},
  };
}

/// A client in front of the stage. What it knows comes from the bytes alone.
struct Audience {
  Audience() { view.configure(parameters()); }

  static message::ConnectionAccepted parameters() {
    const message::Geometry geometry;
    message::ConnectionAccepted accepted;
    accepted.tick_rate_hz = 60;
    accepted.tracked_max = 112;
    accepted.section_size_xy = accepted.cell_size_xy = static_cast<std::uint32_t>(geometry.section_size_xy);
    accepted.section_size_z = accepted.cell_size_z = static_cast<std::uint32_t>(geometry.section_size_z);
    accepted.sections_x = geometry.sections[0];
    accepted.sections_y = geometry.sections[1];
    accepted.sections_z = geometry.sections[2];
    return accepted;
  }
  /// One tick: what the server says of it, taken and acked.
  void take(Stage& stage) {
    now += second / 60;
    stage.next_tick();
    if (rescans) rescan(stage.viewer, stage.context());
    const std::uint16_t plan = stage.say();
    view.begin(++sequence, now);
    base::ByteReader in(stage.body);
    message::Framed framed;
    while (message::next(in, framed)) EXPECT_EQ(view.apply(framed), metrics::Drop::none);
    EXPECT_TRUE(in.ok());
    EXPECT_TRUE(view.complete());
    on_acked(stage.viewer, plan, stage.tick);
  }

  view::View view;
  std::uint64_t sequence = 0;
  Nanos now = second;
  bool rescans = true;
};

constexpr std::uint16_t entities = 5;  ///< slots 0, the viewer's own, to 4

/// Values of which no two fields of an entity, and no two entities, have the same, and none a default.
void dress(Stage& stage, unsigned version) {
  constexpr std::array<std::uint8_t, entities> states{0x03, 0x05, 0x09, 0x21, 0x41};
  for (std::uint16_t at = 0; at < entities; ++at) {
    const auto step = static_cast<float>(at + 1U + version * entities);
    world::Frame& frame = stage.frame;
    frame.x[at] = 400'000.0F + 170.0F * step + static_cast<float>(version) * 26'000.0F;  // another section
    frame.y[at] = 400'300.0F + 230.0F * step + static_cast<float>(version) * 26'000.0F;
    frame.z[at] = 1'000.0F + 70.0F * step + static_cast<float>(version) * 6'000.0F;
    frame.velocity_x[at] = 11.0F + 17.0F * step;
    frame.velocity_y[at] = -12.0F - 19.0F * step;
    frame.velocity_z[at] = 13.0F + 23.0F * step;
    frame.yaw[at] = static_cast<std::int16_t>(1'000 + 2'111 * static_cast<int>(step));
    frame.anim[at] = static_cast<std::uint8_t>(120 + step);
    frame.state_flags[at] = static_cast<std::uint8_t>(states[(at + version) % entities] | 0x80);
    frame.effect_flags[at] = static_cast<std::uint8_t>(0x06 + 0x07 * step);
    frame.health[at] = static_cast<std::uint16_t>(500 + 30 * step);
    frame.mana[at] = static_cast<std::uint16_t>(30 + 20 * step);
  }
}

void populate(Stage& stage) {
  for (std::uint16_t at = 0; at < entities; ++at) {
    world::spawn(stage.frame, stage.identity, at,
                 {.id = 0x1'0000'0001U * (at + 70U),
                  .type = static_cast<world::Type>(at + 1),
                  .faction = 9,
                  .level = static_cast<std::uint16_t>(300 + at),
                  .health = 1'000,
                  .mana = 400},
                 stage.tick);
    stage.identity.generation[at] = static_cast<std::uint8_t>(1 + at % 3);
  }
  begin(stage.viewer, 0, stage.identity.generation[0], 3, stage.tick);
  stage.viewer.active = true;
}

void expect_shown(const Stage& stage, const Audience& audience, bool at_rest) {
  std::array<std::set<double>, 24> seen;
  for (std::uint16_t at = 0; at < entities; ++at) {
    const view::Tracked* tracked = audience.view.find(at);
    ASSERT_NE(tracked, nullptr) << at;
    const std::vector<FieldRow> rows =
        rows_of(stage.frame, stage.identity, at, scene_of(audience.view, *tracked, audience.now));
    ASSERT_EQ(rows.size(), seen.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string name = rows[i].name;
      if (name.starts_with("position") && !at_rest) continue;  // between two places: tests/view
      EXPECT_NEAR(rows[i].world, rows[i].shown, rows[i].error) << name << " of slot " << at;
      if (name == "own" || name == "far" || name == "age") continue;
      EXPECT_TRUE(rows[i].world != 0 || name == "slot") << name << " of slot " << at;
      EXPECT_TRUE(seen[i].insert(rows[i].world).second || name == "faction" || name == "generation") << name;
    }
    const auto& [section, position, yaw, velocity, anim, state, effects, health, mana, unused] = tracked->state;
    EXPECT_EQ((std::set<int>{anim, state, effects, health, mana}).size(), 5U) << "a swap of two would not show";
    EXPECT_EQ((std::set<int>{section[2], position[0], position[1], position[2], yaw}).size(), 5U);
    EXPECT_EQ((std::set<int>{velocity[0], velocity[1], velocity[2]}).size(), 3U);
    EXPECT_EQ(unused, decltype(unused){});
  }
}

TEST(Scene, EveryFieldOfACreateIsShownAsTheWorldHasIt) {
  Stage stage;
  Audience audience;
  populate(stage);
  dress(stage, 0);
  audience.take(stage);
  expect_shown(stage, audience, true);
}

TEST(Scene, EveryFieldOfARecordIsShownAsTheWorldHasIt) {
  Stage stage;
  Audience audience;
  populate(stage);
  dress(stage, 0);
  audience.take(stage);
  dress(stage, 1);
  for (unsigned tick = 0; tick < 12; ++tick) audience.take(stage);
  EXPECT_EQ(audience.view.counters().creates, entities);
  EXPECT_GE(audience.view.counters().records, entities);
  // The last words of an entity may be some ticks old.
  audience.now = stage.tick * (second / 60);
  for (std::uint16_t at = 0; at < entities; ++at) {
    const view::Tracked* tracked = audience.view.find(at);
    ASSERT_NE(tracked, nullptr);
    for (const FieldRow& row :
         rows_of(stage.frame, stage.identity, at, scene_of(audience.view, *tracked, audience.now))) {
      const std::string name = row.name;
      if (name == "age" || name.starts_with("position")) continue;  // between two places: tests/view
      EXPECT_NEAR(row.world, row.shown, row.error) << name << " of slot " << at;
    }
  }
}

TEST(Scene, NothingIsShownOfManaWhereThereIsNoneAndSomethingOfTheLeast) {
  Stage stage;
  Audience audience;
  populate(stage);
  dress(stage, 0);
  stage.identity.mana_max[1] = stage.frame.mana[1] = 0;  // one that never has any
  stage.frame.mana[2] = 0;
  stage.identity.mana_max[3] = 10'000;
  stage.frame.mana[3] = 1;
  stage.frame.mana[4] = stage.identity.mana_max[4];
  stage.frame.health[2] = 0;
  stage.frame.state_flags[2] &= static_cast<std::uint8_t>(~world::state_flag::is_alive);
  audience.take(stage);
  const auto shown = [&](std::uint16_t at) { return scene_of(audience.view, *audience.view.find(at), audience.now); };
  EXPECT_EQ(shown(1).mana, 0.0F);
  EXPECT_EQ(shown(2).mana, 0.0F);
  EXPECT_EQ(shown(2).health, 0.0F);
  EXPECT_GT(shown(3).mana, 0.0F);
  EXPECT_EQ(shown(4).mana, 1.0F);
}

TEST(Scene, AFarEntityIsShownWhereItIsWithinHalfAStepOfItsCell) {
  Stage stage;
  Audience audience;
  audience.rescans = false;
  stage.put(7, 20'000);
  stage.identity.generation[7] = 2;
  stage.frame.y[7] += 3'333.0F;
  stage.frame.z[7] = 2'345.0F;
  stage.frame.yaw[7] = 0x3123;
  for (unsigned tick = 0; tick < 5; ++tick) audience.take(stage);
  unsigned shown = 0;
  audience.view.for_each_far(audience.now, [&](const view::FarProxy& proxy) {
    if (proxy.slot != 7) return;
    ++shown;
    const SceneEntity entity = scene_of(audience.view, proxy, audience.now);
    EXPECT_TRUE(entity.far);
    EXPECT_FALSE(entity.own);
    EXPECT_EQ(entity.slot, 7);
    EXPECT_EQ(entity.generation, 2);
    EXPECT_EQ(entity.id, 0U);
    EXPECT_NEAR(entity.position[0], stage.frame.x[7], 25.1);
    EXPECT_NEAR(entity.position[1], stage.frame.y[7], 25.1);
    EXPECT_NEAR(entity.position[2], stage.frame.z[7], 25.1);
    EXPECT_EQ(entity.position, entity.received);
    EXPECT_NEAR(entity.yaw, message::angle_of(stage.frame.yaw[7]), 6.2832 / 32);
    EXPECT_LT(entity.age, std::chrono::seconds(1));
  });
  EXPECT_EQ(shown, 1U);
}

}  // namespace
}  // namespace serried::client
