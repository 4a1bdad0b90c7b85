#pragma once
/// What a view holds, in the public types: the last step from the wire to whoever draws.

#include "serried/client.h"
#include "view/view.h"

namespace serried::client {

/// A tracked entity of `view`, as it is to be drawn at `now`.
[[nodiscard]] SceneEntity scene_of(const view::View& view, const view::Tracked& entity, Nanos now);
/// A far entity: place, yaw and slot are all that is known of it.
[[nodiscard]] SceneEntity scene_of(const view::View& view, const view::FarProxy& proxy, Nanos now);

}  // namespace serried::client
