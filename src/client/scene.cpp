#include "client/scene.h"

#include "message/entity.h"

namespace serried::client {

SceneEntity scene_of(const view::View& view, const view::Tracked& entity, Nanos now) {
  view::Drawn drawn;
  static_cast<void>(view.draw(entity, view.scene_time(now), drawn));
  return scene_of(view, entity, drawn, now);
}

SceneEntity scene_of(const view::View& view, const view::Tracked& entity, const view::Drawn& drawn, Nanos now) {
  SceneEntity out;
  const view::TrackedFacts& facts = view.facts(entity);
  out.id = facts.id;
  out.slot = static_cast<std::uint16_t>(entity.slot);
  out.generation = static_cast<std::uint8_t>(entity.generation);
  out.type = facts.type;
  out.faction = facts.faction;
  out.level = facts.level;
  out.own = view.own() == &entity;
  out.position = drawn.position;
  out.received = view.position(entity);
  out.velocity = drawn.velocity;
  out.yaw = drawn.yaw;
  out.animation = drawn.anim;
  out.state_flags = drawn.state_flags;
  out.effect_flags = drawn.effect_flags;
  out.health = static_cast<float>(drawn.health) / 255.0F;
  out.mana = static_cast<float>(drawn.mana) / 255.0F;
  out.age = std::chrono::nanoseconds(view::View::age(entity, now));
  return out;
}

SceneEntity scene_of(const view::View& view, const view::FarProxy& proxy, Nanos now) {
  SceneEntity out;
  out.slot = proxy.slot;
  out.generation = proxy.generation;
  out.far = true;
  out.position = out.received = view.position(proxy);
  out.yaw = message::angle_of(static_cast<std::int16_t>(proxy.yaw << 11));
  out.age = std::chrono::milliseconds(static_cast<std::uint32_t>(now / millisecond) - proxy.seen_ms);
  return out;
}

}  // namespace serried::client
