#include "world/publish.h"

#include "base/setup.h"

namespace serried::world {

SERRIED_SETUP Published::Published(std::size_t rows)
    : near(rows, 3),
      brief(std::size_t{no_slot} + 1, 8),
      place(std::size_t{no_slot} + 1, 16),
      ready(rows, 6),
      id(rows, 12) {}

}  // namespace serried::world
