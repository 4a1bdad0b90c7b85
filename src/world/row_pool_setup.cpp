#include "world/row_pool.h"

namespace serried::world {

RowPool::RowPool(unsigned first_row, unsigned rows, unsigned rest_ticks)
    : queue_(rows), first_(first_row), rows_(rows), rest_ticks_(rest_ticks) {}

}  // namespace serried::world
