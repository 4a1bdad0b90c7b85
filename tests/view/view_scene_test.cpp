/// Whole films: a body that moves as the server moves it, told over a wire that loses and delays, and drawn at the rate
/// of some screen, all in virtual time. What is drawn is held to where the body was.

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "motion/step.h"
#include "scene.h"

namespace serried {
namespace {

using metrics::Drop;
using test::Scene;
using view::Drawn;
using view::SceneTime;
using view::Tracked;
namespace delta = message::delta;

constexpr std::uint16_t actor = 5;
constexpr double film_step = 25'600.0 / 65'536;

struct Picture {
  Nanos at = 0;
  SceneTime time;
  bool shown = false;
  Drawn drawn;
};

/// What the server does with the actor in a tick.
using Direct = std::function<void(std::uint32_t tick, motion::State& body, motion::Intent& intent)>;

struct Film {
  double loss = 0;
  Nanos jitter = 0;
  unsigned frames_hz = 60;
  unsigned told_every = 1;  ///< ticks
  Direct direct;

  static constexpr std::uint32_t first_tick = 1'000;
  static constexpr Nanos tick_span = second / 60;

  /// Play so many seconds; the pictures are of the time when the delay has settled.
  std::vector<Picture> play(unsigned seconds, unsigned settling = 6) {
    std::vector<Picture> pictures;
    const Nanos begin = scene.now;
    Nanos next_frame = begin;
    std::uint64_t frame = 0;
    for (std::uint32_t tick = first_tick; tick < first_tick + seconds * 60; ++tick) {
      const Nanos ticked = begin + (tick - first_tick) * tick_span;
      send(tick, ticked);
      for (; next_frame < ticked + tick_span; next_frame = begin + ++frame * second / frames_hz) {
        receive(next_frame);
        if (next_frame < begin + settling * second) continue;
        Picture picture{next_frame, scene.view.scene_time(next_frame), false, {}};
        if (const Tracked* known = scene.view.find(actor))
          picture.shown = scene.view.draw(*known, picture.time, picture.drawn);
        pictures.push_back(picture);
      }
    }
    return pictures;
  }
  void send(std::uint32_t tick, Nanos now) {
    motion::Intent intent;
    if (direct) direct(tick, body, intent);
    body = motion::step(body, intent, {}, static_cast<float>(tick_span) / static_cast<float>(second));
    message::EntityState state = Scene::state(1);
    message::quantise_position(scene.view.geometry(), body.position, state);
    for (std::size_t axis = 0; axis < 3; ++axis) state.velocity[axis] = message::quantise_speed(body.velocity[axis]);
    state.health = health;
    wire[tick] = state;
    places[tick] = body.position;
    // Until the server knows that the last state has arrived, it says it again.
    if (tick == first_tick || !(state == wire[tick - 1])) changed = tick;
    if (tick - changed > 30 || tick % told_every != 0) return;
    if (tick != first_tick && rng.chance(loss)) {
      lost.insert(tick);
      return;
    }
    under_way.emplace(now + 20 * millisecond + (jitter != 0 ? rng.below(jitter) : 0), tick);
  }
  void receive(Nanos until) {
    for (; !under_way.empty() && under_way.begin()->first <= until; under_way.erase(under_way.begin())) {
      const auto tick = under_way.begin()->second;
      scene.now = under_way.begin()->first;
      if (!created) {
        scene.tick = tick - 1;
        scene.update(tick, 900, 0, 0);  // the first update says which tick it is
        scene.create(tick, actor, 0, 1);
        created = true;
      }
      scene.begin(tick);
      const auto content = test::content_of([&](base::ByteWriter& out) {
        out.write(tick);
        out.write(std::uint16_t{0});
        Scene::write_record(out, actor, delta::all | delta::section, wire[tick]);
      });
      EXPECT_EQ(scene.apply(message::Type::delta_sync, content), Drop::none);
    }
    scene.now = until;
  }
  /// Where the actor was, between two ticks on the straight line.
  [[nodiscard]] std::array<double, 3> truth(SceneTime time) const {
    std::array<double, 3> place{};
    const std::array<float, 3>&before = places.at(time.tick), &next = places.at(time.tick + 1);
    for (std::size_t axis = 0; axis < 3; ++axis)
      place[axis] = static_cast<double>(before[axis]) +
                    static_cast<double>(next[axis] - before[axis]) * static_cast<double>(time.part);
    return place;
  }
  /// How many ticks in a row were lost there.
  [[nodiscard]] unsigned lost_around(std::uint32_t tick) const {
    std::uint32_t first = tick, end = tick + 1;
    while (lost.contains(first)) --first;
    while (lost.contains(end)) ++end;
    return end - first - 1;
  }
  [[nodiscard]] static double way(const Drawn& from, const Drawn& to) {
    return std::hypot(static_cast<double>(to.position[0]) - static_cast<double>(from.position[0]),
                      static_cast<double>(to.position[1]) - static_cast<double>(from.position[1]));
  }
  [[nodiscard]] double speed(SceneTime time) const {
    const auto& velocity = wire.at(time.tick + 1).velocity;
    return std::hypot(velocity[0], velocity[1]);
  }

  Scene scene;
  base::Prng rng{7};
  motion::State body{{60'000.0F, 60'000.0F, 1'000.0F}, {}, 0, 0};
  std::uint8_t health = 200;
  bool created = false;
  std::uint32_t changed = 0;
  std::map<std::uint32_t, message::EntityState> wire;
  std::map<std::uint32_t, std::array<float, 3>> places;
  std::set<std::uint32_t> lost;
  std::multimap<Nanos, std::uint32_t> under_way;
};

struct Screen {
  unsigned frames_hz;
  double loss;
  Nanos jitter;
};
void PrintTo(const Screen& screen, std::ostream* out) {
  *out << screen.frames_hz << " Hz, loss " << screen.loss << ", jitter " << screen.jitter / millisecond << " ms";
}

class SmoothFilm : public testing::TestWithParam<Screen> {
 protected:
  Film film_of(Direct direct) const {
    Film film;
    film.loss = GetParam().loss;
    film.jitter = GetParam().jitter;
    film.frames_hz = GetParam().frames_hz;
    film.direct = std::move(direct);
    return film;
  }
};

void walk(motion::Intent& intent, double heading, bool run) {
  intent.move_x = static_cast<std::int8_t>(std::lround(126.0 * std::cos(heading)));
  intent.move_y = static_cast<std::int8_t>(std::lround(126.0 * std::sin(heading)));
  intent.buttons = run ? motion::button::run : 0;
}

/// At a walk and at a run, no frame shows what the one before showed, and over 100 ms it is as fast as it is.
TEST_P(SmoothFilm, StraightMotionIsEven) {
  for (const bool run : {false, true}) {
    SCOPED_TRACE(run ? "run" : "walk");
    Film film = film_of([run](std::uint32_t, motion::State&, motion::Intent& intent) { walk(intent, 0.7, run); });
    const std::vector<Picture> pictures = film.play(40);
    unsigned repeated = 0, uneven = 0;
    const std::size_t span = film.frames_hz / 10;
    for (std::size_t i = 1; i < pictures.size(); ++i) {
      ASSERT_TRUE(pictures[i].shown);
      repeated += pictures[i].drawn.position == pictures[i - 1].drawn.position;
      if (i < span) continue;
      const Picture& before = pictures[i - span];
      const double seconds = static_cast<double>(pictures[i].at - before.at) / static_cast<double>(second);
      const double speed = Film::way(before.drawn, pictures[i].drawn) / seconds;
      uneven += std::abs(speed / film.speed(pictures[i].time) - 1) > 0.05;
    }
    EXPECT_EQ(repeated, 0U) << "of " << pictures.size();
    EXPECT_EQ(uneven, 0U) << "of " << pictures.size();
  }
}

/// A walk with turns of every kind: no frame repeats while it moves, and each is within a step of the wire.
TEST_P(SmoothFilm, TurnsAreWithinAStepOfTheWire) {
  base::Prng rng(3);
  double heading = 0;
  bool run = false, circle = false;
  Film film = film_of([&](std::uint32_t tick, motion::State&, motion::Intent& intent) {
    if (tick % 45 == 0) {
      heading = rng.unit() * 6.28;
      run = rng.chance(0.5);
      circle = rng.chance(0.5);
    }
    if (circle) heading += 2.0 / 60;
    walk(intent, heading, run);
  });
  const std::vector<Picture> pictures = film.play(60);
  unsigned repeated = 0;
  double worst = 0, worst_of_gaps = 0;
  for (std::size_t i = 1; i < pictures.size(); ++i) {
    ASSERT_TRUE(pictures[i].shown);
    // Where it turns about, it stands for a moment.
    if (film.speed(pictures[i].time) > 150 && film.speed(pictures[i - 1].time) > 150)
      repeated += pictures[i].drawn.position == pictures[i - 1].drawn.position;
    const auto place = film.truth(pictures[i].time);
    double& worst_here = film.lost_around(pictures[i].time.tick) < 4 ? worst : worst_of_gaps;
    for (std::size_t axis = 0; axis < 3; ++axis)
      worst_here = std::max(worst_here, std::abs(static_cast<double>(pictures[i].drawn.position[axis]) - place[axis]));
  }
  EXPECT_EQ(repeated, 0U) << "of " << pictures.size();
  EXPECT_LE(worst, film_step + 0.01);  // a float out there has 0.004
  EXPECT_LE(worst_of_gaps, 2 * film_step) << "where four ticks in a row are lost";
}

INSTANTIATE_TEST_SUITE_P(View, SmoothFilm,
                         testing::Values(Screen{60, 0, 0}, Screen{144, 0, 0}, Screen{250, 0, 0}, Screen{60, 0.1, 0},
                                         Screen{144, 0.1, 0}, Screen{250, 0.1, 0}, Screen{60, 0, 30 * millisecond},
                                         Screen{144, 0, 30 * millisecond}, Screen{250, 0, 30 * millisecond},
                                         Screen{60, 0.1, 30 * millisecond}, Screen{144, 0.1, 30 * millisecond},
                                         Screen{250, 0.1, 30 * millisecond}));

/// A viewer who is told every sixth tick only, as when the server gives way.
TEST(Film, IsEvenWhereUpdatesAreSeldom) {
  Film film;
  film.frames_hz = 144;
  film.told_every = 6;
  film.direct = [](std::uint32_t, motion::State&, motion::Intent& intent) { walk(intent, 0.7, true); };
  const std::vector<Picture> pictures = film.play(30, 10);
  unsigned repeated = 0;
  double worst = 0;
  for (std::size_t i = 1; i < pictures.size(); ++i) {
    repeated += pictures[i].drawn.position == pictures[i - 1].drawn.position;
    const auto place = film.truth(pictures[i].time);
    worst = std::max(worst, std::abs(static_cast<double>(pictures[i].drawn.position[0]) - place[0]));
  }
  EXPECT_EQ(repeated, 0U);
  EXPECT_LE(worst, film_step + 0.01);  // a float out there has 0.004
}

/// Put elsewhere in the middle of a run, and revived not far from where it died: never drawn on the way.
TEST(Film, JumpsAndRevivalsAreNotOnTheWay) {
  for (const Nanos jitter : {Nanos{0}, 30 * millisecond}) {
    Film film;
    film.jitter = jitter;
    film.loss = jitter != 0 ? 0.1 : 0;
    film.frames_hz = 250;
    film.direct = [&film](std::uint32_t tick, motion::State& body, motion::Intent& intent) {
      if (tick % 120 != 60 && tick % 120 != 90) return walk(intent, 0.7, true);
      if (tick % 120 == 60) body.position[1] += tick % 240 == 60 ? 3'000.0F : -3'000.0F;
      if (tick % 240 == 90) film.health = 0;
      if (tick % 240 == 210) {
        film.health = 200;
        body.position[0] -= 120.0F;
      }
    };
    const std::vector<Picture> pictures = film.play(20);
    unsigned jumps = 0;
    for (std::size_t i = 1; i < pictures.size(); ++i) {
      const double way = std::abs(static_cast<double>(pictures[i].drawn.position[1]) -
                                  static_cast<double>(pictures[i - 1].drawn.position[1]));
      EXPECT_TRUE(way < 40 || way > 2'900) << way << " at tick " << pictures[i].time.tick;
      jumps += way > 2'900;
      const double x =
          static_cast<double>(pictures[i].drawn.position[0]) - static_cast<double>(pictures[i - 1].drawn.position[0]);
      EXPECT_TRUE(x > -1 || x < -90) << x << " at tick " << pictures[i].time.tick;
    }
    EXPECT_GE(jumps, 7U);
  }
}

/// Entities come and go in the scene when they came and went for the server.
TEST(Film, EntitiesComeAndGoAtTheirTimeInTheScene) {
  Scene scene;
  std::uint64_t sequence = 0;
  const auto ticks = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      scene.now += second / 60;
      scene.update(++sequence, 900, 0, 0);
    }
  };
  const auto shown = [&](std::uint16_t slot, Nanos now) {
    unsigned times = 0;
    scene.view.for_each_shown(now, [&](const Tracked& entity, const Drawn&) { times += entity.slot == slot; });
    scene.view.for_each_far(now, [&](const view::FarProxy& proxy) { times += proxy.slot == slot; });
    return times;
  };
  ticks(300);
  // The tick of the scene that shows what happens now.
  const auto expect_from = [&](std::uint16_t slot, unsigned before, unsigned behind) {
    const std::uint32_t happened = scene.tick;
    for (unsigned i = 0; i < 40; ++i) {
      const float since = scene.view.scene_time(scene.now).since(happened);
      EXPECT_EQ(shown(slot, scene.now), since < 0 ? before : behind) << since << " ticks behind";
      EXPECT_EQ(scene.view.find(slot) != nullptr, behind != 0) << "what is held is known at once";
      scene.now += 5 * millisecond;
      if (i % 3 == 2) scene.update(++sequence, 900, 0, 0);
    }
  };
  scene.create(++sequence, actor, 0, 1);
  expect_from(actor, 0, 1);
  scene.remove(++sequence, actor, 0);
  expect_from(actor, 1, 0);
  // Tracked and far by turns: shown all the time, once.
  scene.create(++sequence, 6, 0, 1);
  ticks(20);
  scene.block(++sequence, 6, 0);
  scene.remove(++sequence, 6, 0, false);
  for (unsigned i = 0; i < 30; ++i) {
    EXPECT_EQ(shown(6, scene.now), 1U) << i;
    ticks(1);
    if (i == 3 || i == 15) scene.create(++sequence, 6, 0, 1);
    if (i == 10) scene.remove(++sequence, 6, 0, false);
  }
  // Another one in the same slot does not go on from where the one before was.
  scene.remove(++sequence, 6, 0, true);
  ticks(2);
  scene.create(++sequence, 6, 1, 1, 77);
  EXPECT_EQ(shown(6, scene.now), 0U);
  ticks(20);
  EXPECT_EQ(shown(6, scene.now), 1U);
}

TEST(Film, WithoutADelayTheLastStateIsDrawn) {
  view::View view({view::FarMode::none, second, 0});
  message::ConnectionAccepted accepted;
  accepted.tracked_max = 16;
  view.configure(accepted);
  view.begin(1, second);
  message::CreateEntity create;
  create.slot = 4;
  create.state = Scene::state(3);
  auto bytes = test::content_of([&](base::ByteWriter& out) { message::encode(out, create); });
  bytes.erase(bytes.begin(), bytes.begin() + 2);
  ASSERT_EQ(view.apply({message::Type::create_entity, bytes}), Drop::none);
  unsigned shown = 0;
  view.for_each_shown(second, [&](const Tracked& entity, const Drawn& drawn) {
    ++shown;
    EXPECT_EQ(drawn.anim, 3);
    EXPECT_EQ(drawn.position, view.position(entity));
  });
  EXPECT_EQ(shown, 1U);
  EXPECT_LT(view.memory_bytes(), 1'000U);
}

}  // namespace
}  // namespace serried
