#include "tools/swarm/watcher.h"

#include <memory>

#include <gtest/gtest.h>

#include "../../view/scene.h"

namespace serried {
namespace {

using test::Scene;
using tools::Watched;
using tools::Watcher;
namespace delta = message::delta;

/// A scene that a bot draws at 60 Hz: one entity that is told of in each tick.
struct Show {
  Show() { scene.create(++sequence, 5, 0, 1); }
  /// `place`: in steps of the wire.
  void tick(std::int16_t place, std::int16_t velocity) {
    scene.now += second / 60;
    ++scene.tick;
    scene.begin(++sequence);
    message::EntityState state = Scene::state(1);
    state.position[0] = place;
    state.velocity[0] = velocity;
    const auto content = test::content_of([&](base::ByteWriter& out) {
      out.write(scene.tick);
      out.write(std::uint16_t{0});
      Scene::write_record(out, 5, delta::position | delta::velocity, state);
    });
    ASSERT_EQ(scene.apply(message::Type::delta_sync, content), metrics::Drop::none);
    watcher.frame(scene.view, scene.now, *watched);
  }

  Scene scene;
  std::uint64_t sequence = 0;
  Watcher watcher;
  std::unique_ptr<Watched> watched = std::make_unique<Watched>();
};

TEST(Watcher, MeasuresWhatIsShownOfOneThatMoves) {
  Show show;
  for (std::int16_t i = 0; i < 300; ++i) show.tick(static_cast<std::int16_t>(10 * i), 234);  // 3.9 units a tick
  EXPECT_GT(show.watched->frames, 150U);
  EXPECT_EQ(show.watched->repeated, 0U);
  EXPECT_EQ(show.watched->faults, 0U);
  EXPECT_EQ(show.watched->scenes, 5U);
  EXPECT_GT(show.watched->speed_error.count(), 100U);
  EXPECT_LE(show.watched->speed_error.max(), 300U);
  EXPECT_NEAR(static_cast<double>(show.watched->behind.max()), 100.0 * millisecond, 5.0 * millisecond);
}

TEST(Watcher, CountsFramesThatRepeatAndSpeedThatIsNotTheVelocity) {
  Show show;
  for (std::int16_t i = 0; i < 300; ++i) show.tick(static_cast<std::int16_t>(i / 100), 234);
  EXPECT_GT(show.watched->repeated, 150U);
  EXPECT_GT(show.watched->speed_error.quantile(0.5), 9'000U);
}

TEST(Watcher, CountsTimeThatJumps) {
  Show show, other;
  other.scene.tick += 12;  // its clock is 200 ms ahead
  for (std::int16_t i = 0; i < 100; ++i) {
    show.tick(i, 100);
    other.tick(i, 100);
  }
  EXPECT_EQ(show.watched->faults, 0U);
  show.watcher.frame(other.scene.view, show.scene.now + millisecond, *show.watched);
  EXPECT_EQ(show.watched->faults, 1U);
  show.watcher.frame(show.scene.view, show.scene.now + 2 * millisecond, *show.watched);
  EXPECT_EQ(show.watched->faults, 2U) << "backwards";
}

TEST(Watcher, CountsWhatIsOutsideTheWorld) {
  Show show;
  show.scene.begin(++show.sequence);
  message::CreateEntity create;
  create.slot = 9;
  create.id = 4;
  create.state.section = {60, 2, 1};  // of 32
  auto bytes = test::content_of([&](base::ByteWriter& out) { message::encode(out, create); });
  bytes.erase(bytes.begin(), bytes.begin() + 2);
  ASSERT_EQ(show.scene.apply(message::Type::create_entity, bytes), metrics::Drop::none);
  for (std::int16_t i = 0; i < 150; ++i) show.tick(i, 100);
  EXPECT_GE(show.watched->faults, 1U);
}

}  // namespace
}  // namespace serried
