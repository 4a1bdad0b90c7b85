#pragma once
/// What a view holds, in the public types: the last step from the wire to what a game draws.

#include "serried/client.h"
#include "view/view.h"

namespace serried::client {

/// A tracked entity of `view`, as `drawn` says that it is to be drawn at `now`.
[[nodiscard]] SceneEntity scene_of(const view::View& view, const view::Tracked& entity, const view::Drawn& drawn,
                                   Nanos now);
/// The same, whether the scene shows it already or not.
[[nodiscard]] SceneEntity scene_of(const view::View& view, const view::Tracked& entity, Nanos now);
/// A far entity: place, yaw and slot are all that is known of it.
[[nodiscard]] SceneEntity scene_of(const view::View& view, const view::FarProxy& proxy, Nanos now);

/// Everything that the scene shows at `now`: `visit(SceneEntity)`.
template <class Visit>
void for_each_in_scene(const view::View& view, Nanos now, Visit&& visit) {
  view.for_each_shown(
      now, [&](const view::Tracked& entity, const view::Drawn& drawn) { visit(scene_of(view, entity, drawn, now)); });
  view.for_each_far(now, [&](const view::FarProxy& proxy) { visit(scene_of(view, proxy, now)); });
}

}  // namespace serried::client
