#include "view/trail.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace serried {
namespace {

using view::Drawn;
using view::SceneTime;
using view::TrailEnd;
using view::Trails;

constexpr Nanos trail_tick = 20 * millisecond;
constexpr float wire_step = 25'600.0F / 65'536;

/// One entity's trail at 50 Hz, told in floats.
struct Track {
  explicit Track(double delay = 12) : trails(std::pmr::get_default_resource()) {
    trails.configure(delay);
    trails.resize(3);
  }
  void tell(std::uint32_t tick, float x, float velocity, std::uint8_t health = 9, float yaw = 0) {
    message::EntityState state;
    message::quantise_position(geometry, {100'000.0F + x, 50'000.0F, 1'000.0F}, state);
    state.velocity = {message::quantise_speed(velocity), 0, 0};
    state.health = health;
    state.yaw = message::quantise_angle(yaw);
    trails.note(1, end, state, tick);
  }
  [[nodiscard]] Drawn at(double tick) const {
    Drawn out;
    trails.draw(1, end, geometry, time_of(tick), trail_tick, out);
    return out;
  }
  [[nodiscard]] float x(double tick) const { return at(tick).position[0] - 100'000.0F; }
  static SceneTime time_of(double tick) {
    return {static_cast<std::uint32_t>(static_cast<std::int64_t>(std::floor(tick))),
            static_cast<float>(tick - std::floor(tick))};
  }

  message::Geometry geometry;
  Trails trails;
  TrailEnd end;
};

TEST(Trail, DrawsBetweenStatesAndForAWhileBehindTheLast) {
  Track track;
  for (std::uint32_t tick = 0; tick <= 10; ++tick) track.tell(100 + tick, 12.0F * static_cast<float>(tick), 600);
  for (double tick = 100; tick <= 110; tick += 0.1) EXPECT_NEAR(track.x(tick), 12 * (tick - 100), wire_step) << tick;
  EXPECT_NEAR(track.x(112.5), 150, wire_step);
  EXPECT_NEAR(track.x(115), 180, wire_step);  // 100 ms
  EXPECT_NEAR(track.x(200), 180, wire_step);
  EXPECT_EQ(track.at(104.5).velocity[0], 600);
}

TEST(Trail, BeginsWhereItsFirstStateIs) {
  Track track;
  track.tell(100, 10, 600);
  EXPECT_FALSE(track.trails.begun(1, track.end, Track::time_of(99.9)));
  EXPECT_TRUE(track.trails.begun(1, track.end, Track::time_of(100)));
  EXPECT_NEAR(track.x(90), 10, wire_step);
  // When it has made room for later ones, it was there before them.
  for (std::uint32_t tick = 101; tick < 150; ++tick) track.tell(tick, 0, 0);
  EXPECT_TRUE(track.trails.begun(1, track.end, Track::time_of(50)));
}

TEST(Trail, GoesOnAParabolaWhereVelocitiesExplainTheWay) {
  // Seven ticks of acceleration by 3,000 units a second squared, of which only both ends are known.
  Track track;
  const auto place = [](double ticks) { return 100 * ticks * 0.02 + 1'500 * ticks * 0.02 * ticks * 0.02; };
  track.tell(100, 0, 100);
  track.tell(107, static_cast<float>(place(7)), 520);
  for (double tick = 100; tick <= 107; tick += 0.25)
    EXPECT_NEAR(track.x(tick), place(tick - 100), 2 * wire_step) << tick;
  EXPECT_NEAR(track.at(103.5).velocity[0], 310, 1);
}

TEST(Trail, GoesStraightWhereVelocitiesDoNotExplainTheWay) {
  Track track;
  track.tell(100, 0, 1'000);
  track.tell(110, 20, 0);  // it ran against a wall
  for (double tick = 100; tick <= 110; tick += 0.5) EXPECT_NEAR(track.x(tick), 2 * (tick - 100), wire_step);
}

TEST(Trail, ARestEndsOneWayBeforeTheNextState) {
  Track track;
  track.tell(100, 0, 0);
  track.tell(700, 0.6F, 60);  // a tick of acceleration by 3,000
  EXPECT_NEAR(track.x(400), 0, wire_step);
  EXPECT_NEAR(track.x(698.9), 0, wire_step);
  EXPECT_NEAR(track.x(700), 0.6, wire_step);
  Track slow;  // and of one whose velocity is never told
  slow.tell(100, 0, 0);
  slow.tell(700, 10, 0);
  EXPECT_NEAR(slow.x(687), 0, wire_step);
  EXPECT_NEAR(slow.x(693.75), 5, wire_step);
}

TEST(Trail, NothingIsDrawnOnTheWayOfAJumpOrARevival) {
  Track jump;
  jump.tell(100, 0, 600);
  jump.tell(101, 3'000, 600);
  EXPECT_NEAR(jump.x(100.9), 0, wire_step);
  EXPECT_NEAR(jump.x(101), 3'000, wire_step);
  Track revival;
  revival.tell(100, 0, 0, 0);
  revival.tell(101, 40, 0, 255);
  EXPECT_NEAR(revival.x(100.9), 0, wire_step);
  EXPECT_EQ(revival.at(100.9).health, 0);
  EXPECT_EQ(revival.at(101).health, 255);
  // A slow server is no jump: a way that the velocity explains is gone, however long.
  Track seldom;
  seldom.tell(100, 0, 600);
  seldom.tell(200, 1'200, 600);
  EXPECT_NEAR(seldom.x(150), 600, wire_step);
}

TEST(Trail, TurnsTheShorterWay) {
  constexpr float pi = std::numbers::pi_v<float>;
  Track track;
  track.tell(100, 0, 0, 9, 0.9F * pi);
  track.tell(101, 0, 0, 9, -0.9F * pi);
  EXPECT_NEAR(std::abs(track.at(100.5).yaw), pi, 0.001);
  EXPECT_NEAR(track.at(100.25).yaw, 0.95F * pi, 0.001);
}

TEST(Trail, TheLastWordOfATickCountsAndAnOlderOneIsNoStepBack) {
  Track track;
  track.tell(100, 0, 0);
  track.tell(101, 10, 0);
  track.tell(101, 12, 0);
  track.tell(99, 14, 0);
  EXPECT_NEAR(track.x(101), 14, wire_step);
  EXPECT_EQ(track.end.count, 2);
}

TEST(Trail, AnOvertakenStateIsPutInItsPlace) {
  Track track(3);  // seven samples at most
  message::EntityState state;
  EXPECT_FALSE(track.trails.before(1, track.end, 100, state));
  for (std::uint32_t tick = 100; tick <= 130; tick += 3) {
    track.tell(tick, static_cast<float>(tick), 0);
    if (tick < 106) continue;
    const std::uint32_t late = tick - 2;
    EXPECT_FALSE(track.trails.before(1, track.end, tick, state));
    EXPECT_FALSE(track.trails.before(1, track.end, 99, state));
    ASSERT_TRUE(track.trails.before(1, track.end, late, state));
    EXPECT_NEAR(message::position_of(track.geometry, state)[0], 100'000.0F + static_cast<float>(tick - 3), wire_step);
    message::quantise_position(track.geometry, {100'050.0F, 50'000.0F, 1'000.0F}, state);
    track.trails.insert(1, track.end, state, late);
    EXPECT_LE(track.end.count, track.trails.depth());
    EXPECT_NEAR(track.x(tick), tick, wire_step);
    EXPECT_NEAR(track.x(late), 50, wire_step);
    EXPECT_NEAR(track.x(tick - 3), tick - 3, wire_step);
  }
}

/// In a full ring the state right behind the oldest takes the oldest one's place: there is nothing before it any more.
TEST(Trail, AnOvertakenStateMayBeTheOldestOfAFullRing) {
  Track track(3);
  std::uint32_t tick = 100;
  for (; track.end.count < track.trails.depth(); tick += 2) track.tell(tick, static_cast<float>(tick), 0);
  message::EntityState state;
  ASSERT_TRUE(track.trails.before(1, track.end, 101, state));
  message::quantise_position(track.geometry, {100'050.0F, 50'000.0F, 1'000.0F}, state);
  track.trails.insert(1, track.end, state, 101);
  EXPECT_EQ(track.end.count, track.trails.depth());
  EXPECT_NEAR(track.x(101), 50, wire_step);
  EXPECT_NEAR(track.x(tick - 2), tick - 2, wire_step);
}

TEST(Trail, KeepsWhatTheDelayNeedsHoweverManyTicksThatAre) {
  for (const double delay : {6.0, 15.0, 60.0, 250.0}) {
    Track track(delay);
    EXPECT_LE(track.trails.depth(), 32U);
    for (std::uint32_t tick = 0; tick < 1'000; ++tick) {
      track.tell(tick, 2.0F * static_cast<float>(tick), 100);
      if (tick > delay) {
        ASSERT_NEAR(track.x(tick - delay), 2 * (tick - delay), wire_step) << delay << " before " << tick;
      }
    }
  }
}

TEST(Trail, TicksMayWrap) {
  Track track;
  for (std::uint32_t i = 0; i < 10; ++i) track.tell(0xFFFF'FFFBU + i, 12.0F * static_cast<float>(i), 600);
  for (double i = 0; i < 9; i += 0.5) {
    const double tick = 4294967291.0 + i;
    EXPECT_NEAR(track.x(tick), 12 * i, wire_step) << i;
  }
}

}  // namespace
}  // namespace serried
