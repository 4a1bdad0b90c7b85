#include "world/publish.h"

namespace serried::world {

Published::Published(std::size_t rows)
    : near(rows, 3),
      brief(std::size_t{no_slot} + 1, 8),
      place(std::size_t{no_slot} + 1, 16),
      ready(rows, 6),
      id(rows, 12) {}

}  // namespace serried::world
