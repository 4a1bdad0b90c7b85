#pragma once
/// The last states of each tracked entity, so that it can be drawn as it was some time ago, between two of them.
/// Between two states a body moves on a cubic, which has the places and the velocities of both: what a client misses of
/// a turn, by loss or because the server tells it something every few ticks only, is less than a step of the wire.
/// Where the velocities do not explain the way, it goes straight and evenly.

#include <array>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "message/entity.h"
#include "serried/time.h"
#include "view/scene_clock.h"

namespace serried::view {

/// A state and its tick. 32 bytes.
struct Sample {
  std::array<std::uint16_t, 3> section{};
  std::array<std::int16_t, 3> position{};
  std::int16_t yaw = 0;
  std::array<std::int16_t, 3> velocity{};
  std::uint8_t anim = 0, state_flags = 0, effect_flags = 0, health = 0, mana = 0;
  std::uint32_t tick = 0;
};
static_assert(sizeof(Sample) == 32);

/// Which samples an entity has.
struct TrailEnd {
  std::uint32_t tick = 0;   ///< of the newest
  std::uint8_t newest = 0;  ///< its place
  std::uint8_t count = 0;
};

/// An entity as it is to be drawn.
/// Units   100 a metre, radians
struct Drawn {
  std::array<float, 3> position{}, velocity{};
  float yaw = 0;
  std::uint8_t anim = 0, state_flags = 0, effect_flags = 0, health = 0, mana = 0;
};

/// So many samples for each entity, by its place in the view.
/// Owner   one View
class Trails {
 public:
  explicit Trails(std::pmr::memory_resource* memory) noexcept : samples_(memory) {}
  /// Samples for a scene that may be `delay` ticks behind. 0: none are kept.
  void configure(double delay);
  [[nodiscard]] bool kept() const noexcept { return depth_ != 0; }
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }

  void resize(std::size_t entities) { samples_.resize(entities * depth_); }
  void move(std::size_t from, std::size_t to) noexcept;
  /// Ask for the memory that `note` writes to.
  void prefetch(std::size_t entity, TrailEnd end) const noexcept {
    __builtin_prefetch(&samples_[entity * depth_ + next(end.newest)], 1);
  }
  /// The state after a datagram of `tick`.
  void note(std::size_t entity, TrailEnd& end, const message::EntityState& state, std::uint32_t tick) noexcept;
  /// A datagram of `tick` was overtaken by a newer one: the sample that belongs before it, for `insert`, as a state.
  /// False: there is none, or there is one of that tick already.
  [[nodiscard]] bool before(std::size_t entity, TrailEnd end, std::uint32_t tick,
                            message::EntityState& out) const noexcept;
  /// The state after that datagram, behind the sample that `before` found.
  void insert(std::size_t entity, TrailEnd& end, const message::EntityState& state, std::uint32_t tick) noexcept;
  /// How the entity is at `time`. Before its first sample it is as it began; after its last one it goes on by its
  /// velocity for a while, then it stands. Precondition: it has a sample.
  void draw(std::size_t entity, TrailEnd end, const message::Geometry& geometry, SceneTime time, Nanos tick,
            Drawn& out) const noexcept;
  /// Its first sample is not later than `time`. Precondition: it has one.
  [[nodiscard]] bool begun(std::size_t entity, TrailEnd end, SceneTime time) const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return samples_.capacity() * sizeof(Sample); }

 private:
  static constexpr unsigned depth_max = 32;

  [[nodiscard]] unsigned next(unsigned place) const noexcept { return place + 1 == depth_ ? 0 : place + 1; }
  [[nodiscard]] unsigned last(unsigned place) const noexcept { return place == 0 ? depth_ - 1 : place - 1; }

  std::pmr::vector<Sample> samples_;
  unsigned depth_ = 0;
  unsigned spacing_ = 1;  ///< ticks between two samples: not every state is kept where ticks are many
};

/// As `state` is, without a trail.
[[nodiscard]] Drawn drawn_as(const message::Geometry& geometry, const message::EntityState& state) noexcept;

}  // namespace serried::view
