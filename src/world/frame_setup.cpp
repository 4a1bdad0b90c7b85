#include "world/frame.h"

#include "base/setup.h"

namespace serried::world {

SERRIED_SETUP Frame::Frame(std::size_t rows, unsigned stagger)
    : x(rows, stagger + 0),
      y(rows, stagger + 1),
      z(rows, stagger + 2),
      velocity_x(rows, stagger + 3),
      velocity_y(rows, stagger + 4),
      velocity_z(rows, stagger + 5),
      yaw(rows, stagger + 6),
      anim(rows, stagger + 7),
      state_flags(rows, stagger + 8),
      effect_flags(rows, stagger + 9),
      health(rows, stagger + 10),
      mana(rows, stagger + 11) {}

SERRIED_SETUP Identity::Identity(std::size_t rows)
    : id(rows, 1),
      generation(rows, 3),
      living(rows, 5),
      type(rows, 7),
      faction(rows, 9),
      level(rows, 11),
      health_max(rows, 13),
      mana_max(rows, 15),
      owner(rows, 17),
      born(rows, 19),
      home_x(rows, 2),
      home_y(rows, 4),
      intent(rows, 6) {}

}  // namespace serried::world
