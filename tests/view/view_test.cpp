#include "view/view.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "scene.h"

namespace serried {
namespace {

using metrics::Drop;
using test::Scene;
using view::FarMode;
using view::Tracked;

TEST(View, FarProxiesGiveWayToTracked) {
  Scene scene;
  EXPECT_EQ(scene.block(1, 5, 0), Drop::none);
  EXPECT_TRUE(scene.proxy(5));
  scene.create(2, 5, 0, 1);
  EXPECT_FALSE(scene.proxy(5));
  scene.remove(3, 5, 0, false);  // no longer tracked, still in view
  EXPECT_TRUE(scene.proxy(5));
  scene.remove(4, 5, 0, true);
  EXPECT_FALSE(scene.proxy(5));
  scene.block(3, 5, 0);  // sent before it left
  EXPECT_FALSE(scene.proxy(5));
  scene.block(6, 6, 0);
  scene.now += 5 * second;
  EXPECT_FALSE(scene.proxy(6));
}

TEST(View, CountOnlyKeepsNoProxies) {
  Scene scene(FarMode::count);
  scene.block(1, 5, 0);
  EXPECT_EQ(scene.view.counters().far_records, 1U);
  EXPECT_FALSE(scene.proxy(5));
  EXPECT_EQ(scene.view.far().memory_bytes(), 0U);
}

TEST(View, HoldsNoMoreThanWasPromised) {
  Scene scene;
  for (std::uint16_t slot = 0; slot < 100; ++slot) scene.create(slot + 1U, slot, 0, 1);
  EXPECT_EQ(scene.view.tracked_count(), 2U * 16 + 2);
  EXPECT_GT(scene.view.counters().overflows, 0U);
  EXPECT_FALSE(scene.view.complete());
}

/// Entities come and go for long: the memories of the gone must not pile up.
TEST(View, ForgetsRemovalsBehindTheReplayWindow) {
  Scene scene;
  std::uint64_t sequence = 0;
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    ASSERT_EQ(scene.create(++sequence, slot, 0, 1), Drop::none);
    ASSERT_EQ(scene.remove(++sequence, slot, 0), Drop::none);
  }
  EXPECT_EQ(scene.view.counters().overflows, 0U);
  EXPECT_EQ(scene.view.tracked_count(), 0U);
  EXPECT_LT(scene.view.memory_bytes(), 200'000U);
}

TEST(View, KnowsItsOwn) {
  Scene scene;
  EXPECT_EQ(scene.view.own(), nullptr);
  scene.create(1, 5, 0, 1, 500);  // by the id that ConnectionAccepted named
  ASSERT_NE(scene.view.own(), nullptr);
  EXPECT_EQ(scene.view.own()->slot, 5);
  scene.remove(2, 5, 0);
  EXPECT_EQ(scene.view.own(), nullptr);
}

/// Entities around it come and go, and its place in memory moves.
TEST(View, KeepsItsOwnThroughSweeps) {
  Scene scene;
  std::uint64_t sequence = 0;
  for (std::uint16_t slot = 100; slot < 110; ++slot) scene.create(++sequence, slot, 0, 1, 1);
  scene.create(++sequence, 5, 0, 7, 500);
  for (std::uint16_t slot = 100; slot < 110; ++slot) scene.remove(++sequence, slot, 0);
  for (std::uint16_t slot = 1'000; slot < 4'000; ++slot) {
    scene.create(++sequence, slot, 0, 1, 1);
    scene.remove(++sequence, slot, 0);
    ASSERT_NE(scene.view.own(), nullptr);
    ASSERT_EQ(scene.view.own()->slot, 5);
    ASSERT_EQ(scene.view.own()->state.anim, 7);
    ASSERT_EQ(scene.view.facts(*scene.view.own()).id, 500U);
  }
}

/// An entity keeps the lower bits of sequences only.
TEST(View, KnowsOldFromNewWhereLowerBitsBeginAgain) {
  Scene scene;
  const std::uint64_t turn = std::uint64_t{1} << 40;
  scene.create(turn - 2, 5, 0, 1);
  scene.update(turn + 1, 5, 0, 2);
  EXPECT_EQ(scene.anim(5), 2);
  scene.update(turn - 1, 5, 0, 3);
  EXPECT_EQ(scene.anim(5), 2);
  EXPECT_FALSE(scene.view.complete());
  scene.remove(turn + 2, 5, 0);
  scene.create(turn, 5, 0, 4);
  EXPECT_EQ(scene.anim(5), -1);
  scene.audit(turn + 3, 5, 0, Scene::state(4));
  EXPECT_EQ(scene.view.last_mismatch().applied_sequence, turn + 2);
}

TEST(View, ReportsTheAgeOfEachEntity) {
  Scene scene;
  scene.create(1, 5, 0, 1);
  const Tracked& entity = *scene.view.find(5);
  const auto age = [&](Nanos later) { return static_cast<double>(view::View::age(entity, scene.now + later)); };
  EXPECT_NEAR(age(0), 0.0, 2'000);
  EXPECT_NEAR(age(30 * millisecond), 30.0 * millisecond, 2'000);
  EXPECT_NEAR(age(30 * 86'400 * second), 30.0 * 86'400 * second, 2'000);
  EXPECT_EQ(view::View::age(entity, scene.now - second), 0U);  // another clock's past
}

}  // namespace
}  // namespace serried
