#include "session/table.h"

#include <algorithm>
#include <numeric>

#include "base/setup.h"

namespace serried::session {

SERRIED_SETUP Table::Table(std::uint32_t lane, std::uint32_t capacity)
    : lane_(lane),
      capacity_(std::clamp<std::uint32_t>(capacity, 1, sessions_per_lane_max)),
      free_count_(capacity_),
      admission_(capacity_),
      peer_(capacity_),
      outbound_(capacity_),
      reliable_(capacity_),
      cold_(capacity_),
      free_(capacity_) {
  std::iota(free_.begin(), free_.end(), 0U);
}

}  // namespace serried::session
