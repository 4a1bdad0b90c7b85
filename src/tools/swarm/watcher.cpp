#include "tools/swarm/watcher.h"

#include <algorithm>
#include <cmath>

#include "client/scene.h"

namespace serried::tools {

namespace {

constexpr Nanos whole_scene_every = second;
/// Speed is measured over this; and of what moves at least so fast, units a second, and evenly: its velocity differs by
/// no more than a part.
constexpr Nanos speed_over = 100 * millisecond;
constexpr double speed_min = 60, evenly = 0.02;
/// What floats and rounding may add to a scene's time; ticks.
constexpr double time_tolerance = 0.001;

[[nodiscard]] double length(const std::array<float, 3>& vector) noexcept {
  return std::hypot(static_cast<double>(vector[0]), static_cast<double>(vector[1]), static_cast<double>(vector[2]));
}

[[nodiscard]] double distance(const std::array<float, 3>& a, const std::array<float, 3>& b) noexcept {
  return length({a[0] - b[0], a[1] - b[1], a[2] - b[2]});
}

[[nodiscard]] bool inside(const message::Geometry& geometry, const std::array<float, 3>& place) noexcept {
  // What goes on by its velocity may leave the world by a little.
  constexpr float beyond = 4'000;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const float size = axis == 2 ? geometry.section_size_z : geometry.section_size_xy;
    if (!(place[axis] >= -beyond && place[axis] <= size * static_cast<float>(geometry.sections[axis]) + beyond))
      return false;
  }
  return true;
}

}  // namespace

void Watcher::frame(const view::View& view, Nanos now, Watched& watched) noexcept {
  if (!view.scene_clock().known()) return;
  const view::SceneTime time = view.scene_time(now);
  check_time(view, time, now, watched);
  if (following_) follow(view, time, now, watched);
  if (now >= all_drawn_ + whole_scene_every) draw_all(view, now, watched);
}

/// It goes on, and never faster than scene_clock.h says, but where the scene was set anew.
void Watcher::check_time(const view::View& view, view::SceneTime time, Nanos now, Watched& watched) noexcept {
  if (drawn_at_ != 0) {
    const double gone = view.clock().ticks(now - drawn_at_);
    const double shown = static_cast<double>(time.since(time_.tick)) - static_cast<double>(time_.part);
    const double off = std::abs(shown - gone);
    watched.faults += off > view::SceneClock::rate_bound * gone + time_tolerance && off < view.clock().ticks(second);
  }
  time_ = time;
  drawn_at_ = now;
}

void Watcher::draw_all(const view::View& view, Nanos now, Watched& watched) noexcept {
  all_drawn_ = now;
  ++watched.scenes;
  const double behind = view.clock().tick_at(now) - time_.tick - static_cast<double>(time_.part);
  if (behind > 0)
    watched.behind.record(static_cast<std::uint64_t>(behind * static_cast<double>(view.clock().period())));
  watched.slots.reset();
  // Another one each time, of those that move.
  unsigned moving = 0;
  const unsigned wanted = static_cast<unsigned>(watched.scenes % 16);
  following_ = false;
  client::for_each_in_scene(view, now, [&](const SceneEntity& entity) {
    watched.faults += watched.slots.test(entity.slot) || !inside(view.geometry(), entity.position);
    watched.slots.set(entity.slot);
    if (entity.far || length(entity.velocity) < speed_min || moving > wanted) return;
    ++moving;
    following_ = true;
    slot_ = entity.slot;
    generation_ = entity.generation;
  });
  seen_ = 0;
}

void Watcher::follow(const view::View& view, view::SceneTime time, Nanos now, Watched& watched) noexcept {
  const view::Tracked* const known = view.find(slot_);
  view::Drawn drawn;
  if (known == nullptr || known->generation != generation_ || !view.draw(*known, time, drawn)) {
    following_ = false;
    return;
  }
  ++seen_;
  sight(0) = {now, drawn.position, drawn.velocity};
  const double speed = length(drawn.velocity);
  if (seen_ < 2 || speed < speed_min || length(sight(1).velocity) < speed_min) return;
  ++watched.frames;
  watched.repeated += drawn.position == sight(1).position;
  for (unsigned ago = 2; ago < std::min(seen_, kept); ++ago) {
    const Sight& before = sight(ago);
    if (distance(before.velocity, drawn.velocity) > evenly * speed) return;
    if (now - before.at < speed_over) continue;
    const double shown =
        distance(before.position, drawn.position) * static_cast<double>(second) / static_cast<double>(now - before.at);
    watched.speed_error.record(static_cast<std::uint64_t>(std::abs(shown / speed - 1) * 10'000));
    return;
  }
}

}  // namespace serried::tools
