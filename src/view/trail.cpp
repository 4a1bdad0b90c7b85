#include "view/trail.h"

#include <algorithm>
#include <cmath>

#include "base/serial.h"

namespace serried::view {

namespace {

/// How long an entity of which nothing more has come goes on by its velocity.
constexpr float extrapolation_max_s = 0.1F;
/// One that rested goes its first way in at most this time, however long ago its last word was.
constexpr float first_way_max_s = 0.25F;
/// What goes further than this, and than twice what its velocity allows, was put there; units.
constexpr double jump_min = 256;
/// Velocities explain a way that differs by less than a part of it, two steps of the wire, and one tick's change.
constexpr double explained_part = 0.25, explained_steps = 2;

constexpr double section_steps = 65'536;

using Vector = std::array<double, 3>;

[[nodiscard]] double step_units(const message::Geometry& geometry, std::size_t axis) noexcept {
  return static_cast<double>(axis == 2 ? geometry.section_size_z : geometry.section_size_xy) / section_steps;
}

[[nodiscard]] double square(const Vector& vector) noexcept {
  return vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2];
}

[[nodiscard]] Vector velocity_of(const Sample& sample) noexcept {
  return {static_cast<double>(sample.velocity[0]), static_cast<double>(sample.velocity[1]),
          static_cast<double>(sample.velocity[2])};
}

[[nodiscard]] Vector place_of(const message::Geometry& geometry, const Sample& sample) noexcept {
  Vector place;
  for (std::size_t axis = 0; axis < 3; ++axis)
    place[axis] =
        (sample.section[axis] * section_steps + (sample.position[axis] + 32'768)) * step_units(geometry, axis);
  return place;
}

[[nodiscard]] Sample sample_of(const message::EntityState& state, std::uint32_t tick) noexcept {
  return {state.section,     state.position,     state.yaw,    state.velocity, state.anim,
          state.state_flags, state.effect_flags, state.health, state.mana,     tick};
}

template <class From, class To>
void take_rest(const From& state, To& out) noexcept {
  out.anim = state.anim;
  out.state_flags = state.state_flags;
  out.effect_flags = state.effect_flags;
  out.health = state.health;
  out.mana = state.mana;
}

void put(const Vector& place, const Vector& velocity, Drawn& out) noexcept {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    out.position[axis] = static_cast<float>(place[axis]);
    out.velocity[axis] = static_cast<float>(velocity[axis]);
  }
}

void draw_one(const message::Geometry& geometry, const Sample& sample, float late_s, Drawn& out) noexcept {
  Vector place = place_of(geometry, sample);
  const Vector velocity = velocity_of(sample);
  for (std::size_t axis = 0; axis < 3; ++axis)
    place[axis] += velocity[axis] * static_cast<double>(std::min(late_s, extrapolation_max_s));
  put(place, velocity, out);
  out.yaw = message::angle_of(sample.yaw);
  take_rest(sample, out);
}

/// `at_s` behind `first`, which is `whole_s` before `next`.
void draw_between(const message::Geometry& geometry, const Sample& first, const Sample& next, double at_s,
                  double whole_s, double tick_s, Drawn& out) noexcept {
  const Vector from = place_of(geometry, first), to = place_of(geometry, next);
  const Vector v0 = velocity_of(first), v1 = velocity_of(next);
  const Vector way{to[0] - from[0], to[1] - from[1], to[2] - from[2]};
  const double way_square = square(way);
  const double speed = std::sqrt(std::max(square(v0), square(v1)));
  const bool rested = square(v0) == 0;
  // A rest may be as long as it likes: its end is one way before the next state.
  double moving_s = whole_s;
  if (rested) {
    const double needed = speed != 0 ? 2 * std::sqrt(way_square) / speed : whole_s;
    moving_s = std::clamp(std::min(needed, static_cast<double>(first_way_max_s)), std::min(tick_s, whole_s), whole_s);
  }
  const double allowed = jump_min + 2 * speed * moving_s;
  const bool revived = first.health == 0 && next.health != 0;
  const double moved_s = at_s - (whole_s - moving_s);
  if (revived || way_square > allowed * allowed || moved_s <= 0) return draw_one(geometry, first, 0, out);

  Vector place, velocity, unexplained;
  const double part = moved_s / moving_s;
  double change_square = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    unexplained[axis] = way[axis] - (v0[axis] + v1[axis]) / 2 * moving_s;
    change_square += (v1[axis] - v0[axis]) * (v1[axis] - v0[axis]);
  }
  const double tolerance = explained_part * std::sqrt(way_square) + explained_steps * step_units(geometry, 0) +
                           std::sqrt(change_square) * tick_s;
  const bool explained = square(unexplained) <= tolerance * tolerance;
  const double rest = 1 - part, lag = tick_s / (2 * moving_s);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double change = v1[axis] - v0[axis], even = way[axis] / moving_s;
    // The server moves a body by the velocity that it has behind a tick: at the tick it is half of a tick's change on.
    const double out_of = explained ? v0[axis] + change * lag : even, into = explained ? v1[axis] + change * lag : even;
    place[axis] =
        from[axis] + way[axis] * part * part * (3 - 2 * part) + moved_s * rest * (out_of * rest - into * part);
    velocity[axis] = v0[axis] + change * part;
  }
  put(place, velocity, out);
  const auto turn = static_cast<std::int16_t>(static_cast<std::uint16_t>(next.yaw - first.yaw));
  out.yaw = message::angle_of(
      static_cast<std::int16_t>(static_cast<std::uint16_t>(first.yaw + static_cast<int>(std::lround(turn * part)))));
  take_rest(first, out);
}

}  // namespace

void Trails::configure(double delay) {
  samples_.clear();
  depth_ = 0;
  if (delay <= 0) return;
  // One before the scene's time, one at it, one that comes while the scene makes up for being late.
  const double wanted = std::ceil(delay) + 3;
  depth_ = static_cast<unsigned>(std::min(wanted, static_cast<double>(depth_max)));
  // The newest may be nearer to the one before.
  spacing_ = wanted > depth_max ? static_cast<unsigned>(std::ceil(wanted / (depth_max - 2))) : 1;
}

void Trails::move(std::size_t from, std::size_t to) noexcept {
  if (from == to) return;
  const auto first = samples_.begin() + static_cast<std::ptrdiff_t>(from * depth_);
  std::copy(first, first + depth_, samples_.begin() + static_cast<std::ptrdiff_t>(to * depth_));
}

void Trails::note(std::size_t entity, TrailEnd& end, const message::EntityState& state, std::uint32_t tick) noexcept {
  Sample* const ring = &samples_[entity * depth_];
  if (end.count == 0) {
    end = {tick, 0, 1};
  } else if (base::is_later(tick, end.tick)) {
    const bool dense = spacing_ > 1 && end.count > 1 && end.tick - ring[last(end.newest)].tick < spacing_;
    end.tick = tick;
    if (!dense) {
      end.newest = static_cast<std::uint8_t>(next(end.newest));
      end.count = static_cast<std::uint8_t>(std::min(end.count + 1U, depth_));
    }
  }
  // Another word of the same tick takes the place of the one before.
  ring[end.newest] = sample_of(state, end.tick);
}

bool Trails::before(std::size_t entity, TrailEnd end, std::uint32_t tick, message::EntityState& out) const noexcept {
  const Sample* const ring = &samples_[entity * depth_];
  unsigned place = end.newest;
  for (unsigned left = end.count; left != 0; --left, place = last(place)) {
    const Sample& sample = ring[place];
    if (sample.tick == tick) return false;
    if (base::is_later(sample.tick, tick)) continue;
    out = {};
    out.section = sample.section;
    out.position = sample.position;
    out.yaw = sample.yaw;
    out.velocity = sample.velocity;
    take_rest(sample, out);
    return spacing_ == 1;
  }
  return false;
}

void Trails::insert(std::size_t entity, TrailEnd& end, const message::EntityState& state, std::uint32_t tick) noexcept {
  Sample* const ring = &samples_[entity * depth_];
  unsigned place = end.newest = static_cast<std::uint8_t>(next(end.newest));
  end.count = static_cast<std::uint8_t>(std::min(end.count + 1U, depth_));
  // No further than there are states: one that is older than all of a full ring takes the place of the oldest.
  for (unsigned left = end.count; left > 1 && base::is_later(ring[last(place)].tick, tick); --left) {
    ring[place] = ring[last(place)];
    place = last(place);
  }
  ring[place] = sample_of(state, tick);
}

void Trails::draw(std::size_t entity, TrailEnd end, const message::Geometry& geometry, SceneTime time, Nanos tick,
                  Drawn& out) const noexcept {
  const Sample* const ring = &samples_[entity * depth_];
  const float tick_s = static_cast<float>(tick) / static_cast<float>(second);
  const Sample* later = &ring[end.newest];
  if (const float since = time.since(later->tick); since >= 0) return draw_one(geometry, *later, since * tick_s, out);
  unsigned place = last(end.newest);
  for (unsigned left = end.count; left > 1; --left) {
    const Sample& sample = ring[place];
    const float since = time.since(sample.tick);
    if (since >= 0) {
      const float whole = static_cast<float>(later->tick - sample.tick);
      return draw_between(geometry, sample, *later, static_cast<double>(since * tick_s),
                          static_cast<double>(whole * tick_s), static_cast<double>(tick_s), out);
    }
    later = &sample;
    place = last(place);
  }
  draw_one(geometry, *later, 0, out);
}

bool Trails::begun(std::size_t entity, TrailEnd end, SceneTime time) const noexcept {
  // Where older samples had to make room, it has been here for long.
  if (end.count == depth_) return true;
  const Sample& first = samples_[entity * depth_ + (end.newest + 1U - end.count + depth_) % depth_];
  return time.since(first.tick) >= 0;
}

Drawn drawn_as(const message::Geometry& geometry, const message::EntityState& state) noexcept {
  Drawn out;
  out.position = message::position_of(geometry, state);
  for (std::size_t axis = 0; axis < 3; ++axis) out.velocity[axis] = state.velocity[axis];
  out.yaw = message::angle_of(state.yaw);
  take_rest(state, out);
  return out;
}

}  // namespace serried::view
