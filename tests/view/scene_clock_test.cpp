#include "view/scene_clock.h"

#include <cmath>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

using view::SceneClock;

constexpr Nanos scene_begin = 10 * second, scene_period = 20 * millisecond;

/// A server of 50 Hz, its updates as late as the test says, and the scene looked at every millisecond.
struct Reel {
  Reel() {
    server.configure(50);
    scene.configure(100 * millisecond, server);
  }
  /// Updates 1 to `count` from here on, `late` each by its number; those that are later than the next are overtaken by
  /// it. Expects time in the scene to go on, hardly faster or slower than the server's.
  void run(std::uint32_t count, const std::function<Nanos(std::uint32_t)>& late, bool moving = true) {
    std::multimap<Nanos, std::uint32_t> due;
    for (std::uint32_t i = 1; i <= count; ++i)
      due.emplace(scene_begin + (tick + i) * scene_period + late(tick + i), tick + i);
    tick += count;
    for (const auto& [when, number] : due) {
      while (now < when) look(std::min(now + millisecond, when));
      server.note(number, now);
      scene.note(server, number, moving, now);
    }
  }
  void look(Nanos then) {
    const bool first = !scene.known() || now == 0;
    const view::SceneTime before = scene.at(now);
    const double gone = static_cast<double>(then - now) / scene_period;
    now = then;
    if (first) return;
    const view::SceneTime time = scene.at(now);
    const double shown = static_cast<double>(time.since(before.tick)) - static_cast<double>(before.part);
    EXPECT_NEAR(shown, gone, rate_expected * gone + 1e-5) << "at tick " << time.tick;
  }
  [[nodiscard]] double behind() const {
    return (server.tick_at(now) - scene.at(now).tick - static_cast<double>(scene.at(now).part)) * 20;  // ms
  }

  Nanos now = 0;
  double rate_expected = SceneClock::rate_max;
  std::uint32_t tick = 0;
  view::TickClock server;
  SceneClock scene;
};

TEST(SceneClock, IsBehindByTheDelayWhereNothingIsLate) {
  Reel reel;
  reel.run(500, [](std::uint32_t) { return 0; });
  EXPECT_NEAR(reel.behind(), 100, 0.1);
  EXPECT_EQ(reel.scene.delay(), 100 * millisecond);
}

TEST(SceneClock, WaitsAsLongAsUpdatesAreLateAndNoLonger) {
  Reel reel;
  base::Prng rng(1);
  reel.run(100, [](std::uint32_t) { return 0; });
  reel.run(2'000, [&](std::uint32_t) { return rng.below(150 * millisecond); });
  // The state before is a tick older than the update that is late.
  EXPECT_NEAR(reel.behind(), 150, 25);
  reel.run(2'000, [](std::uint32_t) { return 0; });
  EXPECT_NEAR(reel.behind(), 100, 2);
}

TEST(SceneClock, WaitsNoLongerThanItsBound) {
  Reel reel;
  reel.run(200, [](std::uint32_t) { return 0; });
  for (int i = 0; i < 200; ++i) {
    reel.tick += 19;  // all but one in twenty are lost
    reel.run(1, [](std::uint32_t) { return 0; });
  }
  EXPECT_NEAR(reel.behind(), 250, 5);
  EXPECT_LE(reel.scene.delay(), SceneClock::delay_bound);
  EXPECT_EQ(SceneClock::delay_max(second), second);
}

TEST(SceneClock, DoesNotWaitForUpdatesOfWhatRests) {
  Reel reel;
  for (int i = 0; i < 300; ++i) {
    reel.tick += 9;  // the server has nothing to say
    reel.run(
        1, [](std::uint32_t) { return 0; }, false);
  }
  EXPECT_EQ(reel.scene.delay(), 100 * millisecond);
}

/// A server that makes nine ticks in the time of ten: the scene follows it, forwards all the time.
TEST(SceneClock, FollowsAServerThatDoesNotKeepItsPace) {
  Reel reel;
  reel.rate_expected = 0.5;
  reel.run(2'000, [](std::uint32_t number) { return number * scene_period / 9; });
  EXPECT_GE(reel.behind(), 0);
  EXPECT_LE(reel.behind(), 250);
}

TEST(SceneClock, LosesAStallOfMoreThanASecondAtOnce) {
  Reel reel;
  reel.run(200, [](std::uint32_t) { return 0; });
  reel.server.configure(50);
  reel.now += 30 * second;
  reel.server.note(5'000, reel.now);
  reel.scene.note(reel.server, 5'000, true, reel.now);
  EXPECT_NEAR(reel.behind(), static_cast<double>(reel.scene.delay()) / millisecond, 0.1);
}

TEST(SceneTime, CountsFromTicksBeforeTheirWrap) {
  const view::SceneTime time{5, 0.25F};
  EXPECT_EQ(time.since(0xFFFF'FFFE), 7.25F);
  EXPECT_EQ(time.since(7), -1.75F);
}

}  // namespace
}  // namespace serried
