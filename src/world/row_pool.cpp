#include "world/row_pool.h"

#include "base/setup.h"

namespace serried::world {

SERRIED_SETUP RowPool::RowPool(unsigned first_row, unsigned rows, unsigned rest_ticks)
    : queue_(rows), first_(first_row), rows_(rows), rest_ticks_(rest_ticks) {}

}  // namespace serried::world
