/// What a view shows of what it holds: entities as they were at the scene's time.

#include "view/view.h"

namespace serried::view {

bool View::begun(const Tracked& entity, SceneTime time) const noexcept {
  if (!trails_.kept() || entity.trail.count == 0) return !entity.gone;
  return !(entity.gone && time.since(entity.gone_tick) >= 0) && trails_.begun(number_of(entity), entity.trail, time);
}

bool View::draw(const Tracked& entity, SceneTime time, Drawn& out) const noexcept {
  if (trails_.kept() && entity.trail.count != 0)
    trails_.draw(number_of(entity), entity.trail, geometry_, time, clock_.period(), out);
  else
    out = drawn_as(geometry_, entity.state);
  return begun(entity, time);
}

}  // namespace serried::view
